// athanor train on models that are there, with other rules, on runs in use, and with options that cannot be.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ended as athanor } from "../support/command.ts";
import { babble, temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
const text = join(folder, "text.txt");
const first = join(folder, "first");
const stories = join(import.meta.dirname, "../../../shared/data/models/stories260K/stories260K.bin");
const tiny = ["--context", "16", "--width", "16", "--layers", "1", "--heads", "2", "--batch", "4"];
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  writeFileSync(text, babble(1500));
  const how = ["--preset", "tiny", ...tiny, "--steps", "6", "--optimizer", "lion:decay=0.1"];
  const { code, stderr } = await athanor(["train", text, ...how, "--run", first]);
  expect(stderr).toContain("parameters");
  expect(code).toBe(0);
});
const config = (run: string): Record<string, Record<string, unknown>> =>
  JSON.parse(readFileSync(join(run, "config.json"), "utf8")) as Record<string, Record<string, unknown>>;

describe("a run", () => {
  test("says what it is and by which rule", () => {
    expect(config(first)).toMatchObject({ athanor: 2, task: "text" });
    expect(config(first)["training"]).toMatchObject({
      rate: 2e-4,
      optimizer: { type: "lion", beta1: 0.95, beta2: 0.98, decay: 0.1, clip: 1 },
    });
    expect(existsSync(join(first, "run.lock"))).toBe(false);
  });

  test("in use is refused, naming who uses it; of a process that is gone it is taken over", async () => {
    const lock = join(first, "run.lock");
    const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
    writeFileSync(lock, JSON.stringify(holder));
    const second = await athanor(["train", "--resume", first, "--steps", "7"]);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(
      `train: ${first} must be free, got process ${process.pid} on ${hostname()} using it since`,
    );
    const child = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => child.on("close", resolve));
    writeFileSync(lock, JSON.stringify({ ...holder, pid: child.pid }));
    const third = await athanor(["train", "--resume", first, "--steps", "7"]);
    expect(third.stderr).toContain(`was in use by process ${child.pid} since`);
    expect(third.code).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });
});

describe("--from", () => {
  test("goes on from a run, and saves its start", async () => {
    const run = join(folder, "onward");
    const ended = await athanor([
      "train",
      text,
      "--from",
      first,
      "--steps",
      "2",
      "--batch",
      "2",
      "--run",
      run,
      "--json",
    ]);
    expect(ended.code).toBe(0);
    expect(readdirSync(join(run, "checkpoints"))).toEqual([
      "step-00000000.safetensors",
      "step-00000002.safetensors",
    ]);
    expect(config(run)["model"]).toEqual(config(first)["model"]);
    expect(config(run)).toHaveProperty("from", first);
    // Nothing of the model it came from is needed any more.
    const moved = JSON.stringify({ ...config(run), from: join(folder, "gone") });
    writeFileSync(join(run, "config.json"), moved);
    expect((await athanor(["train", "--resume", run, "--steps", "3"])).code).toBe(0);
  });

  test.skipIf(!existsSync(stories))("goes on from a llama2.c file with its tokenizer", async () => {
    const run = join(folder, "stories");
    const how = ["--steps", "2", "--batch", "2", "--context", "32"];
    const ended = await athanor(["train", text, "--from", stories, ...how, "--run", run, "--json"]);
    const result = JSON.parse(ended.stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ steps: 2, parameters: 260_032, vocabulary: 512 });
    expect(existsSync(join(run, "tokenizer.bin"))).toBe(true);
    const story = ["--prompt", "Once upon a", "--max-tokens", "4", "--temperature", "0"];
    expect((await athanor(["generate", run, ...story])).stdout).toContain("time");
  });
});

test.each([
  [["--batch", "2000000"], "train: a batch of 2000000 sequences of 16 tokens must fit in memory, got"],
  [["--width", "7", "--heads", "7"], "must have an even width, got 1 of 1 (7 heads). Change width or heads,"],
  [
    ["--width", "30", "--heads", "7"],
    "train: heads must divide width, got 7 heads of width 30. Try --width 28.",
  ],
  [["--minutes", "x"], 'train: --minutes must be a number above 0, got "x".'],
  [
    ["--optimizer", "lio"],
    'optimizer: type must be one of adamw, eg, funnelled-gain, lion, meta-gain, muon, sgd, tiger, got "lio". Did you mean lion?',
  ],
  [
    ["--schedule", "wsx"],
    "schedule: type must be one of cosine, constant, linear, wsd, piecewise, gradient, got",
  ],
  [
    ["--embedding-lr", "0.1"],
    "train: --embedding-lr must stand beside --embedding-optimizer, got 0.1 alone.",
  ],
  [["--from", "nowhere"], "must exist, got nothing there."],
  [["--from", "nowhere", "--width", "16"], "train: --width is decided by the model of --from, got both."],
])("train %j is one sentence, and makes nothing", async (options, message) => {
  const run = join(folder, "none");
  const sizes = options.includes("--from")
    ? []
    : tiny.filter((_, i) => i < 2 || !options.includes("--width"));
  const all = ["train", text, "--preset", "tiny", ...sizes, ...options, "--run", run];
  const { code, stderr } = await athanor(
    options.includes("--from") ? all.filter((a) => a !== "--preset" && a !== "tiny") : all,
  );
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(existsSync(run)).toBe(false);
});
