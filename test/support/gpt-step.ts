// A whole training step of a small GPT-like model in plain tensor ops, with data from a fixed recipe, so that
// every device can be given exactly the same work. Imports nothing of a platform.
import {
  add,
  cast,
  type Device,
  compile,
  flattenTree,
  full,
  gather,
  gelu,
  iota,
  layerNorm,
  lessEqual,
  logSumExp,
  mapTree,
  matmul,
  mean,
  permute,
  reshape,
  softmax,
  sqrt,
  sub,
  takeAlongAxis,
  type Tensor,
  tensor,
  valueAndGrad,
  where,
  zipTrees,
} from "../../src/tensor/index.ts";

/** Sizes of the model and its batches. */
export interface GptSize {
  readonly batch: number;
  readonly length: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly vocab: number;
}

/** Odd sizes where they may be odd, so that no kernel gets away with whole tiles. */
export const SMALL: GptSize = { batch: 3, length: 7, width: 20, heads: 2, layers: 2, vocab: 29 };

interface Block {
  readonly norm1: Norm;
  readonly qkv: Tensor;
  readonly output: Tensor;
  readonly norm2: Norm;
  readonly up: Tensor;
  readonly upBias: Tensor;
  readonly down: Tensor;
}
interface Norm {
  readonly scale: Tensor;
  readonly bias: Tensor;
}
export interface Params {
  readonly tokens: Tensor;
  readonly positions: Tensor;
  readonly blocks: readonly Block[];
  readonly final: Norm;
}
export interface TrainState {
  readonly params: Params;
  readonly first: Params;
  readonly second: Params;
  readonly step: Tensor;
}

/** Numbers in (−1, 1) from a multiplicative generator: equal on every platform. */
function numbers(seed: number): () => number {
  let x = (seed % 2147483646) + 1;
  return () => {
    x = (x * 48271) % 2147483647;
    return (x / 2147483647) * 2 - 1;
  };
}

function fill(value: number, ...shape: number[]): Tensor {
  return tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), { shape });
}

function initialParams({ length, width, layers, vocab }: GptSize): Params {
  const next = numbers(7);
  const weight = (...shape: number[]): Tensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tensor(
      Float32Array.from({ length: size }, () => next() * 0.2),
      { shape },
    );
  };
  const norm = (): Norm => ({ scale: fill(1, width), bias: fill(0, width) });
  return {
    tokens: weight(vocab, width),
    positions: weight(length, width),
    blocks: Array.from({ length: layers }, () => ({
      norm1: norm(),
      qkv: weight(width, 3 * width),
      output: weight(width, width),
      norm2: norm(),
      up: weight(width, 4 * width),
      upBias: fill(0, 4 * width),
      down: weight(4 * width, width),
    })),
    final: norm(),
  };
}

const none = (x: Tensor): Tensor => fill(0, ...x.shape.map(Number));

/** Parameters, moments and step count at the beginning. */
export function initialState(size: GptSize): TrainState {
  const params = initialParams(size);
  return {
    params,
    first: mapTree(params, none),
    second: mapTree(params, none),
    step: tensor(new Float32Array([0]), { shape: [] }),
  };
}

/** Batch `index`: `length + 1` tokens a row, of a process that can be learned. */
export function batchOf({ batch, length, vocab }: GptSize, index: number): Tensor {
  const next = numbers(1000 + index);
  const ids = new Int32Array(batch * (length + 1));
  for (let b = 0; b < batch; b++) {
    let token = Math.floor(Math.abs(next()) * vocab);
    for (let t = 0; t <= length; t++) {
      ids[b * (length + 1) + t] = token;
      token = (token * 3 + (next() > 0.5 ? 2 : 1)) % vocab;
    }
  }
  return tensor(ids, { shape: [batch, length + 1] });
}

function attend(x: Tensor, block: Block, { batch, length, width, heads }: GptSize): Tensor {
  const D = width / heads;
  const split = reshape(matmul(x, block.qkv), [batch, length, 3, heads, D]);
  const [q, k, v] = [0, 1, 2].map((i) => {
    const part = gather(split, tensor(new Int32Array([i])), 2);
    return permute(reshape(part, [batch, length, heads, D]), [0, 2, 1, 3]);
  }) as [Tensor, Tensor, Tensor];
  const rows = reshape(iota(length), [length, 1]);
  const mask = lessEqual(iota(length), rows); // [T, S]
  const scores = matmul(q, k, { transposeB: true, scale: 1 / Math.sqrt(D) });
  const mixed = matmul(softmax(where(mask, scores, -1e9)), v); // [B, H, T, D]
  return matmul(reshape(permute(mixed, [0, 2, 1, 3]), [batch, length, width]), block.output);
}

/** Mean cross entropy of `tokens` `[B, T + 1]`, in nats. */
export function gptLoss(params: Params, tokens: Tensor, size: GptSize): Tensor {
  const { batch, length, width, vocab } = size;
  const cut = (start: number): Tensor =>
    gather(tokens, add(iota(length), tensor(new Int32Array([start]))), 1); // [B, T]
  let x = add(gather(params.tokens, cut(0)), params.positions); // [B, T, C]
  for (const block of params.blocks) {
    x = add(x, attend(layerNorm(x, block.norm1), block, size));
    const inner = gelu(add(matmul(layerNorm(x, block.norm2), block.up), block.upBias), {
      approximate: "tanh",
    });
    x = add(x, matmul(inner, block.down));
  }
  const logits = matmul(reshape(layerNorm(x, params.final), [batch * length, width]), params.tokens, {
    transposeB: true,
  }); // [B·T, V]
  const target = takeAlongAxis(logits, reshape(cut(1), [batch * length, 1]));
  if (logits.shape[1] !== vocab) throw new Error("logits must be [B·T, V]");
  return mean(sub(logSumExp(logits, { axis: 1, keep: true }), target));
}

/** Forward, backward and AdamW (Loshchilov and Hutter 2019) in one function: `[state, tokens] → {state, loss}`. */
export function trainStep(
  size: GptSize,
): (state: TrainState, tokens: Tensor) => { state: TrainState; loss: Tensor } {
  const [rate, beta1, beta2, epsilon, decay] = [1e-2, 0.9, 0.99, 1e-8, 0.1];
  const lossAndGrad = valueAndGrad((params: Params, tokens: Tensor) => gptLoss(params, tokens, size));
  return (state, tokens) => {
    const { value: loss, grad } = lossAndGrad(state.params, tokens);
    const step = state.step.add(1);
    const first = zipTrees(state.first, grad, (m, g) => m.mul(beta1).add(g.mul(1 - beta1)));
    const second = zipTrees(state.second, grad, (v, g) => v.mul(beta2).add(g.mul(g).mul(1 - beta2)));
    const bias = (beta: number): Tensor => sub(1, full([], beta, { dtype: step.dtype }).pow(step));
    const [b1, b2] = [bias(beta1), bias(beta2)];
    const moments = new Map(flattenTree(second));
    const direction = mapTree(first, (m, name) => {
      const v = moments.get(name) ?? m;
      return m.div(b1).div(sqrt(v.div(b2)).add(epsilon));
    });
    const params = zipTrees(state.params, direction, (p, d) =>
      p.rank > 1 ? p.mul(1 - rate * decay).sub(d.mul(rate)) : p.sub(d.mul(rate)),
    );
    return { state: { params, first, second, step }, loss };
  };
}

/** Steps that the tests compare. */
export const STEPS = 24;

/** What a run of `STEPS` steps leaves behind. */
export interface TrainRun {
  readonly losses: readonly number[];
  readonly state: TrainState;
}

/** `steps` steps on `device`, in float32 or as a yardstick in float64. */
export async function trainOn(
  device: Device,
  { steps = STEPS, dtype = "float32" }: { steps?: number; dtype?: "float32" | "float64" } = {},
): Promise<TrainRun> {
  const step = compile(trainStep(SMALL), { device, donate: [0] });
  let state = mapTree(initialState(SMALL), (x) => cast(x, dtype));
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const result = await step(state, batchOf(SMALL, i % 4));
    state = result.state;
    losses.push(Number((await result.loss.data())[0]));
  }
  await step.release();
  return { losses, state };
}

/** Largest relative difference of two lists of losses. */
export function lossGap(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Infinity;
  return Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? NaN)) / Math.abs(x)));
}

/** Where each tensor of the state stands that has more than one element. */
export function locations(state: TrainState): Set<string> {
  return new Set(
    flattenTree(state).flatMap(([, x]) => {
      const native = x.storage?.native as { readonly location: string } | undefined;
      return x.rank === 0 ? [] : [native?.location ?? "host"];
    }),
  );
}
