// Attention and nothing else: the smallest model that learns to copy a text that repeats itself.
import { attend } from "../attention/index.ts";
import { crossEntropy, linear, type LinearParams, norm, type NormParams } from "../nn/index.ts";
import type { Position } from "../position/index.ts";
import {
  argMax,
  compile,
  gather,
  iota,
  ones,
  permute,
  random,
  reshape,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import { memoryStore, type Task, trainRun, trainSettings } from "../train/index.ts";

const VOCABULARY = 128;
const WIDTH = 64;
const HEADS = 2;
const BATCH = 24;
/** Weight in the loss of the first pass, which cannot be predicted. */
const FIRST_PASS = 0.05;

interface Layer {
  readonly norm: NormParams;
  readonly q: LinearParams;
  readonly k: LinearParams;
  readonly v: LinearParams;
  readonly o: LinearParams;
}

/** Parameters of the model. */
export interface CopyParams {
  readonly embedding: Tensor; // [V, C]
  readonly layers: readonly Layer[];
  readonly norm: NormParams;
  readonly head: LinearParams; // [V, C]
}

/** Fresh parameters; two layers unless told otherwise. */
export function initCopyModel(key: random.Key, layers: number = 2): CopyParams {
  const matrix = (name: string, out: number): LinearParams => ({
    weight: random.normal(random.fold(key, name), [out, WIDTH], { std: 1 / Math.sqrt(WIDTH) }),
  });
  const gain = (): NormParams => ({ weight: ones([WIDTH]) });
  return {
    embedding: random.normal(random.fold(key, "embedding"), [VOCABULARY, WIDTH]),
    layers: Array.from({ length: layers }, (_, i) => ({
      norm: gain(),
      q: matrix(`q${i}`, WIDTH),
      k: matrix(`k${i}`, WIDTH),
      v: matrix(`v${i}`, WIDTH),
      o: matrix(`o${i}`, WIDTH),
    })),
    norm: gain(),
    head: matrix("head", VOCABULARY),
  };
}

/** Logits `[B, T, V]` of `ids` `[B, T]`; one position for each layer, or one for all. */
export function copyModel(params: CopyParams, ids: Tensor, positions: readonly Position[]): Tensor {
  const [B = 1, T = 1] = ids.shape;
  const at = iota(T);
  const D = WIDTH / HEADS;
  const heads = (y: Tensor): Tensor => permute(reshape(y, [B, T, HEADS, D]), [0, 2, 1, 3]);
  let x = gather(params.embedding, ids);
  params.layers.forEach((layer, i) => {
    const position = positions[i % positions.length];
    if (position === undefined) throw new Error("copyModel: no position");
    const h = norm("rms", layer.norm, x, 1e-5);
    const [q, k, v] = [linear(layer.q, h), linear(layer.k, h), linear(layer.v, h)].map(heads) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const o = attend(q, k, v, { position, queryPositions: at, keyPositions: at });
    x = x.add(linear(layer.o, reshape(permute(o, [0, 2, 1, 3]), [B, T, WIDTH])));
  });
  return linear(params.head, norm("rms", params.norm, x, 1e-5));
}

/** Texts that repeat a segment of distinct tokens, `length + 1` tokens each, and the segments' lengths. */
export interface CopyTexts {
  readonly ids: Int32Array; // [count, length + 1]
  readonly periods: readonly number[];
}

/** Draws texts whose period is uniform in `[least, most]`. */
export function copyTexts(
  key: random.Key,
  count: number,
  length: number,
  [least, most]: readonly [number, number],
): CopyTexts {
  const ids = new Int32Array(count * (length + 1));
  const draws = random.uniforms(random.fold(key, "periods"), count);
  const periods = Array.from(draws, (u) => least + Math.floor(u * (most - least + 1)));
  periods.forEach((period, n) => {
    const segment = random.permutation(random.fold(key, n), VOCABULARY);
    for (let t = 0; t <= length; t++) ids[n * (length + 1) + t] = segment[t % period] ?? 0;
  });
  return { ids, periods };
}

interface CopyBatch {
  readonly input: Tensor;
  readonly target: Tensor;
  /** Of each target in the loss. */
  readonly weight: Tensor;
}

function split({ ids, periods }: CopyTexts): CopyBatch {
  const count = periods.length;
  const length = ids.length / count - 1;
  const part = (shift: number): Int32Array =>
    Int32Array.from({ length: count * length }, (_, i) => {
      return ids[Math.floor(i / length) * (length + 1) + (i % length) + shift] ?? 0;
    });
  const weight = Float32Array.from({ length: count * length }, (_, i) =>
    (i % length) + 1 >= (periods[Math.floor(i / length)] ?? 0) ? 1 : FIRST_PASS,
  );
  const shape = [count, length];
  return {
    input: tensor(part(0), { shape }),
    target: tensor(part(1), { shape }),
    weight: tensor(weight, { shape }),
  };
}

/** The task: texts of periods 8 to 40, drawn by seed and step. */
function copyTask(
  key: random.Key,
  positions: readonly Position[],
  length: number,
): Task<CopyParams, CopyBatch> {
  return {
    kind: "copy",
    unit: { name: "tokens", perStep: BATCH * length },
    init: () => initCopyModel(random.fold(key, "init"), Math.max(2, positions.length)),
    batch: (step) => split(copyTexts(random.fold(key, step), BATCH, length, [8, 40])),
    losses: {
      loss: (params, { input, target, weight }) => ({
        loss: crossEntropy(copyModel(params, input, positions), target, { mask: weight }),
      }),
    },
  };
}

/**
 * Trains with periods of 8 to 40 at `length`: Adam (β₂ = 0.98), 3e-3 after 100 steps of warmup, then half a cosine.
 * @param report Called every 100 steps with the step and the loss in nats.
 */
export async function trainCopyModel(
  key: random.Key,
  positions: readonly Position[],
  { length, steps }: { readonly length: number; readonly steps: number },
  report: (step: number, loss: number) => void = () => undefined,
): Promise<CopyParams> {
  const settings = trainSettings({
    steps,
    batch: BATCH,
    rate: 3e-3,
    floor: 0,
    warmup: Math.min(100, steps),
    optimizer: { type: "adamw", beta2: 0.98, decay: 0, clip: 0 },
  });
  const { params } = await trainRun(
    copyTask(key, positions, length),
    settings,
    memoryStore({ keepStates: false }),
    {
      onStep: ({ step, loss }) => step % 100 === 0 && report(step, loss),
    },
  );
  return params;
}

/** Share of repeated tokens that the model predicts, in texts of each kind. */
export async function copyAccuracy(
  params: CopyParams,
  positions: readonly Position[],
  kinds: readonly CopyTexts[],
): Promise<number[]> {
  const predict = compile((input: Tensor) => argMax(copyModel(params, input, positions)));
  const shares: number[] = [];
  for (const texts of kinds) {
    const { input, target } = split(texts);
    const [got, expected] = [await (await predict(input)).data(), await target.data()];
    const length = texts.ids.length / texts.periods.length - 1;
    let right = 0;
    let all = 0;
    for (let i = 0; i < got.length; i++) {
      // The first token of the second pass comes as a surprise too.
      if ((i % length) + 1 <= (texts.periods[Math.floor(i / length)] ?? 0)) continue;
      all++;
      if (got[i] === expected[i]) right++;
    }
    shares.push(right / all);
  }
  await predict.release();
  return shares;
}
