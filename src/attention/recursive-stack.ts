// Su 2024, "Attention is a quadratic-time RNN", https://kexue.fm/archives/10017: a whole stack emits a token in working
// memory that does not grow with the text, by computing every lower vector again whenever it is needed.
import { OptionError } from "../errors.ts";

type Vector = readonly number[];

/** A causal attention layer over vectors, one at a time. */
export interface RecursiveLayer {
  readonly query: (x: Vector) => Vector;
  readonly key: (x: Vector) => Vector;
  readonly value: (x: Vector) => Vector;
  /** The block's output from its input and the mixed values (residual, MLP …). */
  readonly output: (x: Vector, mixed: Vector) => Vector;
}

/** The vector, how often an embedding was read for it, and how many accumulators lived at once. */
export interface RecursiveResult {
  readonly vector: Vector;
  readonly reads: number;
  readonly accumulators: number;
}

/**
 * Output of the last of `layers` at position `i`, counted from 1. Keys come newest first, so that the first of them
 * supplies the query. Reads `C(i + ℓ − 1, ℓ)` embeddings for `ℓ` layers and holds at most `ℓ` accumulators.
 * @param embedding The embedding of the token at a position, counted from 1.
 * @param options `scale` of the scores, default `1/√D`.
 */
export function recursiveStack(
  layers: readonly RecursiveLayer[],
  embedding: (position: number) => Vector,
  i: number,
  { scale }: { scale?: number } = {},
): RecursiveResult {
  if (!Number.isInteger(i) || i < 1) {
    throw new OptionError(`recursiveStack: position must be a whole number ≥ 1, got ${i}.`);
  }
  let reads = 0;
  let live = 0;
  let most = 0;
  const represent = (level: number, at: number): Vector => {
    const layer = layers[level - 1];
    if (layer === undefined) {
      reads++;
      return embedding(at);
    }
    const x = represent(level - 1, at);
    const q = layer.query(x);
    const factor = scale ?? 1 / Math.sqrt(q.length);
    live++;
    most = Math.max(most, live);
    let largest = -Infinity;
    let total = 0;
    let mixed: number[] = [];
    for (let j = at; j >= 1; j--) {
      const y = j === at ? x : represent(level - 1, j);
      const v = layer.value(y);
      const score = factor * inner(q, layer.key(y));
      const next = Math.max(largest, score);
      const [kept, weight] = [Math.exp(largest - next), Math.exp(score - next)];
      mixed = v.map((value, d) => (mixed[d] ?? 0) * kept + weight * value);
      total = total * kept + weight;
      largest = next;
    }
    live--;
    return layer.output(
      x,
      mixed.map((y) => y / total),
    );
  };
  const vector = represent(layers.length, i);
  return { vector, reads, accumulators: most };
}

function inner(a: Vector, b: Vector): number {
  return a.reduce((s, x, d) => s + x * (b[d] ?? 0), 0);
}
