// A training step (forward, backward, Adam) of a GPT-2 style model, in rounds that alternate with a peer's.
// Each round is a process of its own, so that peak memory is that of one engine alone.
import { crossEntropy } from "../src/nn/index.ts";
import {
  causalLM,
  causalLMConfig,
  type CausalLMParams,
  initCausalLM,
  parameterCount,
} from "../src/model/index.ts";
import { adamw, applyUpdates, constantRate } from "../src/optim/index.ts";
import { compile, evaluate, random, type Tensor, tensor, valueAndGrad } from "../src/tensor/index.ts";
import { jsonLines, median, options } from "./support.ts";

const DEFAULTS = {
  batch: 8,
  length: 256,
  width: 256,
  heads: 8,
  layers: 4,
  vocab: 4096,
  steps: 12,
  rounds: 2,
  threads: 2,
  peer: "torch",
};
type Shape = typeof DEFAULTS;
const WARMUP = 2;

/** `{stepMs, tokensPerSecond, peakRssBytes, compileMs, peer, ratio}`; `--peer none` runs alone. */
export async function run(args: string[]): Promise<unknown> {
  const shape = options(args, DEFAULTS);
  if (shape.peer === "self") return ownRound(shape);
  const own: Record<string, number>[] = [];
  const other: Record<string, number>[] = [];
  for (let i = 0; i < (shape.peer === "none" ? 1 : shape.rounds); i++) {
    own.push(await ownProcess(shape));
    if (shape.peer !== "none") other.push(await peerRound(shape));
  }
  const stepMs = median(own.map((r) => r["stepMs"] ?? 0));
  const tokens = shape.batch * shape.length;
  const peerMs = median(other.map((r) => r["stepMs"] ?? 0));
  return {
    shape,
    stepMs,
    tokensPerSecond: (tokens / stepMs) * 1000,
    peakRssBytes: Math.max(...own.map((r) => r["peakRssBytes"] ?? 0)),
    compileMs: median(own.map((r) => r["compileMs"] ?? 0)),
    parameters: own[0]?.["parameters"],
    gflops: (own[0]?.["flop"] ?? 0) / stepMs / 1e6,
    rounds: own,
    ...(other.length > 0 && {
      peer: {
        name: shape.peer,
        stepMs: peerMs,
        peakRssBytes: Math.max(...other.map((r) => r["peakRssBytes"] ?? 0)),
        rounds: other,
      },
      ratio: peerMs / stepMs,
    }),
  };
}

async function ownProcess(shape: Shape): Promise<Record<string, number>> {
  const flags = Object.entries({ ...shape, peer: "self" }).flatMap(([k, v]) => [`--${k}`, String(v)]);
  const [row] = await jsonLines(process.execPath, [
    "--conditions=source",
    `${import.meta.dirname}/main.ts`,
    "train-step",
    ...flags,
  ]);
  if (row === undefined) throw new Error("train-step: no result");
  return row;
}

async function ownRound({
  batch: B,
  length: T,
  width,
  heads,
  layers,
  vocab: V,
  steps,
  threads,
}: Shape): Promise<Record<string, number>> {
  const config = causalLMConfig({
    vocabulary: V,
    context: T,
    width,
    layers,
    heads,
    activation: "gelu",
    norm: "layer",
    position: { type: "learned" },
    bias: "all",
  });
  const optimizer = adamw<CausalLMParams>(constantRate(1e-3), { decay: 0 });
  const step = (params: CausalLMParams, moments: Record<string, unknown>, ids: Tensor, targets: Tensor) => {
    const { value, grad } = valueAndGrad((p: CausalLMParams) =>
      crossEntropy(causalLM(config, p, ids).logits, targets),
    )(params);
    const { updates, state } = optimizer.update(grad, moments, params);
    return { loss: value, params: applyUpdates(params, updates), moments: state };
  };
  const first = initCausalLM(config, random.key(1));
  let { params, moments } = await evaluate({ params: first, moments: optimizer.init(first) });
  const compiled = compile(step, { donate: [0, 1], threads });
  const ids = tensor(
    Int32Array.from({ length: B * T }, (_, i) => (i * 7919) % V),
    { shape: [B, T] },
  );
  const targets = tensor(
    Int32Array.from({ length: B * T }, (_, i) => ((i + 1) * 7919) % V),
    { shape: [B, T] },
  );
  const before = performance.now();
  await compiled.prepare(params, moments, ids, targets);
  const compileMs = performance.now() - before;
  const times: number[] = [];
  let loss = 0;
  for (let i = 0; i < steps + WARMUP; i++) {
    const start = performance.now();
    const result = await compiled(params, moments, ids, targets);
    loss = await result.loss.item();
    ({ params, moments } = result);
    if (i >= WARMUP) times.push(performance.now() - start);
  }
  await compiled.release();
  const matrices = parameterCount(config) - T * width; // tied table counted once: it is the head's product
  return {
    stepMs: median(times),
    bestMs: Math.min(...times),
    compileMs,
    loss,
    parameters: parameterCount(config),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    // Products of the matrices (6 per parameter and token) and of attention (12·T·C per layer and token, dense).
    flop: B * T * (6 * matrices + 12 * layers * T * width),
  };
}

async function peerRound(shape: Shape): Promise<Record<string, number>> {
  const { batch, length, width, heads, layers, vocab, steps, threads } = shape;
  if (shape.peer === "torch") {
    const list = [batch, length, width, heads, layers, vocab, threads, steps + WARMUP].map(String);
    const rows = await jsonLines("/usr/bin/python3", [
      `${import.meta.dirname}/peers/torch/train_step.py`,
      ...list,
    ]);
    const times = rows.filter((r) => "ms" in r).slice(WARMUP);
    return {
      stepMs: median(times.map((r) => r["ms"] ?? 0)),
      bestMs: Math.min(...times.map((r) => r["ms"] ?? 0)),
      loss: times.at(-1)?.["loss"] ?? 0,
      peakRssBytes: rows.at(-1)?.["peakRssBytes"] ?? 0,
    };
  }
  const [row] = await jsonLines(process.execPath, [
    `${import.meta.dirname}/peers/browser-engines/time-peer.mjs`,
    shape.peer,
    JSON.stringify(shape),
  ]);
  if (row === undefined) throw new Error(`train-step: peer ${shape.peer} gave no result`);
  return row;
}
