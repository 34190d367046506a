import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FileError } from "../../src/errors.ts";
import { writeSafetensors } from "../../src/files/node/safetensors.ts";
import { causalLMConfig, type CausalLMParams, initCausalLM } from "../../src/model/index.ts";
import { flattenTree, random, type Tensor } from "../../src/tensor/index.ts";
import { checkpointName } from "../../src/train/checkpoint.ts";
import {
  listCheckpoints,
  loadCheckpoint,
  removeLeftovers,
  saveCheckpoint,
} from "../../src/train/node/checkpoint.ts";
import { folderStore } from "../../src/train/node/folder-store.ts";
import { englishBooks, stripNotices } from "../../src/train/books.ts";
import { cutAtBlankLines } from "../../src/train/node/demo-texts.ts";
import { ticks } from "../../src/draw/svg.ts";
import { lossPicture } from "../../src/train/loss-svg.ts";
import { appendMetrics, readMetrics, rewindMetrics } from "../../src/train/node/metrics.ts";
import { checkRunFolder, openRun, readRunConfig, runPaths } from "../../src/train/node/run-folder.ts";
import { trainSettings } from "../../src/train/settings.ts";
import type { TrainState } from "../../src/train/step.ts";
import { TEXT_WORDS } from "../../src/train/text-task.ts";
import { textTrainingOf } from "./text.ts";
import { temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = causalLMConfig({ vocabulary: 11, context: 8, width: 16, layers: 1, heads: 2 });
const info = (step: number) => ({ step, seconds: 1.5, sequences: step * 4, key: random.key(3) });
const fresh = (width = 16): Promise<TrainState<CausalLMParams>> => {
  const sizes = causalLMConfig({ ...config, width, headWidth: width / 2 });
  return textTrainingOf(sizes, trainSettings()).init(initCausalLM(sizes, random.key(1)));
};

async function values(tree: unknown): Promise<unknown[]> {
  return Promise.all(
    flattenTree(tree).map(async ([name, t]: [string, Tensor]) => [name, t.dtype, await t.data()]),
  );
}

describe("checkpoints", () => {
  test("hold everything, keep the newest, and survive a full disk", async () => {
    const place = join(folder, "checkpoints");
    const state = await fresh();
    for (const step of [5, 10, 100]) await saveCheckpoint(place, state, info(step), 2);
    const kept = await listCheckpoints(place);
    expect(kept.map((p) => p.slice(place.length + 1))).toEqual([checkpointName(10), checkpointName(100)]);
    const read = await loadCheckpoint(kept[1] ?? "", await fresh());
    expect(read.info).toEqual(info(100));
    expect(await values(read.state)).toEqual(await values(state));

    // A tensor whose bytes cannot be had stands for a disk that fills up in the middle.
    const [, second] = flattenTree(state.params);
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const data = second?.[1].data.bind(second[1]);
    Object.assign(second?.[1] ?? {}, { data: () => Promise.reject(full) });
    await expect(saveCheckpoint(place, state, info(200), 2)).rejects.toThrow(
      `checkpoint: ${join(place, checkpointName(200))} must be writable, got ENOSPC. The last good one is ${kept[1]}. Make room there, then go on with --resume.`,
    );
    Object.assign(second?.[1] ?? {}, { data });
    expect(await listCheckpoints(place)).toEqual(kept);
    expect(readdirSync(place)).toHaveLength(2);
  });

  test("a folder that cannot be written is an error with the path", async () => {
    const place = join(folder, "file");
    writeFileSync(place, "no folder");
    await expect(saveCheckpoint(place, await fresh(), info(1), 2)).rejects.toThrow(FileError);
    await expect(folderStore(join(place, "run")).open()).rejects.toThrow(/must be writable, got ENOTDIR/);
  });

  test("other types, shapes and missing tensors are named", async () => {
    const place = join(folder, "shapes");
    const path = await saveCheckpoint(place, await fresh(), info(1), 2);
    await expect(loadCheckpoint(path, await fresh(32))).rejects.toThrow(
      `checkpoint: tensor "model.embed_tokens.weight" in ${path} must be float32 [11, 32], got float32 [11, 16].`,
    );
    const other = join(place, "other.safetensors");
    const tensors = new Map([
      ["model.embed_tokens.weigth", { dtype: "float32" as const, shape: [1], data: new Float32Array(1) }],
    ]);
    await writeSafetensors(other, tensors);
    await expect(loadCheckpoint(other, await fresh())).rejects.toThrow(
      'must hold a tensor "model.embed_tokens.weight", got 1 others. Nearest: model.embed_tokens.weigth.',
    );
  });

  test("what a killed process left half written is removed", async () => {
    const place = join(folder, "leftovers");
    mkdirSync(place);
    const half = `${checkpointName(3)}.123.abcd.tmp`;
    for (const name of [half, "notes.tmp", checkpointName(2)]) writeFileSync(join(place, name), "x");
    await removeLeftovers(place);
    expect(readdirSync(place).sort()).toEqual(["notes.tmp", checkpointName(2)]);
  });
});

describe("run folder", () => {
  test("a second run in one folder, and a folder without one, are errors", async () => {
    const run = join(folder, "run");
    const paths = runPaths(run);
    mkdirSync(run);
    await expect(readRunConfig(run)).rejects.toThrow(
      "must be the folder of a run with a config.json, got ENOENT.",
    );
    writeFileSync(paths.config, "{}");
    await expect(checkRunFolder(run)).rejects.toThrow(`Go on with --resume ${run}.`);
    await expect(readRunConfig(run)).rejects.toThrow('must be the config.json of a run ("athanor": 1)');
    writeFileSync(paths.config, "{");
    await expect(openRun(run)).rejects.toThrow("must hold JSON, got 1 characters that are none.");
  });
});

const step = (n: number) => ({ step: n, seconds: n, loss: 2, rate: 0.1, gradientNorm: 1 });

describe("metrics", () => {
  test("a torn line is dropped, and a resumed training repeats none", async () => {
    const path = join(folder, "metrics.jsonl");
    await appendMetrics(path, [step(1), step(2)]);
    await appendMetrics(path, [step(3)]);
    writeFileSync(path, `${readFileSync(path, "utf8")}{"step":4,"lo`);
    expect(await readMetrics(path)).toEqual([step(1), step(2), step(3)]);
    expect(await rewindMetrics(path, 2)).toEqual([step(1), step(2)]);
    expect(await readMetrics(path)).toEqual([step(1), step(2)]);
    expect(await readMetrics(join(folder, "none.jsonl"))).toEqual([]);
  });

  test.skipIf(!existsSync("/dev/full"))("a full disk is one sentence", async () => {
    const path = join(folder, "full.jsonl");
    symlinkSync("/dev/full", path);
    await expect(appendMetrics(path, [step(1)])).rejects.toThrow(
      `train: ${path} must be writable, got ENOSPC. Make room, then go on with --resume.`,
    );
  });

  test("the picture shows both curves and the last value", () => {
    const metrics = [
      ...Array.from({ length: 900 }, (_, i) => ({ ...step(i + 1), loss: 1 + 3 / (i + 1) })),
      { step: 900, seconds: 1, validationLoss: 1.25, validationBitsPerByte: 1.8 },
    ];
    const svg = lossPicture(metrics, { title: "a < b", subtitle: "c", ...TEXT_WORDS });
    expect(svg).toContain("1.250 nats per token · 1.800 bits per byte");
    expect(svg).toContain("a &lt; b");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(lossPicture([step(1)], { title: "one step", subtitle: "" })).not.toMatch(/NaN|Infinity|undefined/);
    expect(ticks([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
  });
});

describe("texts of the demonstration", () => {
  test("notices of Project Gutenberg go, line ends come back", () => {
    const book = `     Produced by A. Volunteer      THE TITLE  By Someone     Chapter 1   It began.  "Yes," said she.      End of Project Gutenberg's The Title, by Someone  `;
    expect(stripNotices(book)).toBe('THE TITLE\nBy Someone\n\nChapter 1\n\nIt began.\n"Yes," said she.\n');
    const licensed = `\ufeffThe Project Gutenberg eBook, X   any terms   ***START OF THE PROJECT GUTENBERG EBOOK X***       Transcribed from Y by Z      Text.   ***END OF THE PROJECT GUTENBERG EBOOK X***   terms`;
    expect(stripNotices(licensed)).toBe("Text.\n");
    expect(englishBooks("short\n")).toEqual([]);
  });

  test("parts are cut at blank lines and lose nothing", () => {
    const text = Array.from({ length: 50 }, (_, i) => `poem ${i}\nline`).join("\n\n");
    const parts = cutAtBlankLines(text, 7);
    expect(parts.join("")).toBe(text);
    expect(parts).toHaveLength(7);
    expect(parts.slice(0, -1).every((p) => p.endsWith("\n\n"))).toBe(true);
    expect(cutAtBlankLines("one", 3)).toEqual(["one"]);
  });
});
