// Lingle 2023, "Transformer-VQ: linear-time transformers via vector quantization", section 3. https://arxiv.org/abs/2309.16354
// Derived again in Su 2023, https://kexue.fm/archives/9844
import { ShapeError } from "../errors.ts";
import {
  and,
  checkShapes,
  clip,
  concat,
  type Dtype,
  expandDims,
  full,
  greaterEqual,
  iota,
  less,
  lessEqual,
  log,
  matmul,
  maximum,
  minimum,
  narrow,
  pad,
  permute,
  reshape,
  scan,
  softmax,
  stopGradient,
  sum,
  takeAlongAxis,
  type Tensor,
  where,
  zeros,
  broadcastTo,
} from "../tensor/index.ts";
import { checkWhole } from "./blocks.ts";
import { assignments, lookUp } from "./codebook.ts";
import { HIDDEN } from "./masked.ts";

export interface VqOptions {
  /** `C` `[H, K, D]`. */
  readonly codebook: Tensor;
  /** Length `ℓ` of a block and of the exact memory; default 64. */
  readonly block?: number;
  /** Scores to add by distance, `[B, H, T, ℓ + 1]`: column d is for the key d tokens back. Farther keys get none. */
  readonly bias?: Tensor;
  /** Factor of the scores; default `1/√D`. */
  readonly scale?: number;
  /** Whether derivatives pass through the cache of distant tokens; default `flow`. */
  readonly cacheGradient?: "flow" | "stop";
}

/** Distant tokens by code: how many chose it and the mean of their values. Means, unlike sums, stay small. */
interface Cache {
  readonly count: Tensor; // [B, H, K]
  readonly mean: Tensor; // [B, H, K, E]
}

/** `Σ Δ` and the mean of `v` after tokens with assignments `Δ` `[B, H, n, K]` and values `[B, H, n, E]` join. */
function fold({ count, mean }: Cache, chosen: Tensor, v: Tensor): Cache {
  const next = count.add(sum(chosen, { axis: 2 }));
  const total = mean.mul(expandDims(count, -1)).add(matmul(chosen, v, { transposeA: true }));
  return { count: next, mean: total.div(expandDims(maximum(next, 1), -1)) };
}

/** Scores of queries against the cache, `q·C + log count`, far below for codes without tokens. */
function cacheScores(q: Tensor, codebook: Tensor, { count }: Cache, scale: number): Tensor {
  const weight = where(greaterEqual(count, 1), log(maximum(count, 1)), HIDDEN); // [B, H, K]
  return matmul(q, codebook, { transposeB: true, scale }).add(expandDims(weight, 2));
}

/** One softmax over exact keys and cache slots, `[B, H, n, E]`. */
function attendBoth(near: Tensor, far: Tensor, values: Tensor, cache: Cache): Tensor {
  const n = Number(near.shape.at(-1));
  const weights = softmax(concat([near, far], -1));
  const K = Number(far.shape.at(-1));
  return matmul(narrow(weights, -1, 0, n), values).add(matmul(narrow(weights, -1, n, n + K), cache.mean));
}

/**
 * Causal attention over quantised keys in linear time: exact keys of a block and the one before, all earlier tokens
 * by code. Equal to `softmax(scale q k̂ᵀ + B) v` to rounding, whatever the block length (with `B` zero beyond it).
 * @param q Queries `[B, H, T, D]`. @param k Quantised keys `[B, H, T, D]` (`quantizeKeys`), without rotation: turned
 *   keys would share no codes. @param codes `[B, H, T]`. @param v Values `[B, H, T, E]`. @returns `[B, H, T, E]`.
 */
export function vqAttention(q: Tensor, k: Tensor, codes: Tensor, v: Tensor, options: VqOptions): Tensor {
  const { codebook, block = 64, bias, cacheGradient = "flow" } = options;
  checkWhole("vqAttention", "block", block);
  const { B, H, T, D, E, K } = checkShapes("vqAttention", {
    q: [q, "B H T~ D"],
    k: [k, "B H T~ D"],
    codes: [codes, "B H T~"],
    v: [v, "B H T~ E"],
    codebook: [codebook, "H K D"],
  });
  if (bias) checkShapes("vqAttention", { v: [v, "B H T~ E"], bias: [bias, `B H T~ ${block + 1}`] });
  if (typeof T !== "number") {
    throw new ShapeError(`vqAttention: T must be a known size, got ${T}. Use vqStep for unknown lengths.`);
  }
  const scale = options.scale ?? 1 / Math.sqrt(D);
  const N = Math.ceil(T / block);
  const blocks = (x: Tensor): Tensor => {
    const W = Number(x.shape[3]);
    const padded = pad(x, [
      [0, 0],
      [0, 0],
      [0, N * block - T],
      [0, 0],
    ]);
    return permute(reshape(padded, [B, H, N, block, W]), [2, 0, 1, 3, 4]); // [N, B, H, ℓ, W]
  };
  const chosen = assignments(codes, K, q.dtype); // padded tokens choose nothing
  const distance = expandDims(iota(block).add(block), 1).sub(expandDims(iota(2 * block), 0)); // [ℓ, 2ℓ]
  const causal = greaterEqual(distance, 0);
  const column = broadcastTo(clip(distance, 0, block), [B, H, block, 2 * block]);
  const within = and(causal, lessEqual(distance, block));
  const dtype = q.dtype;
  const start = {
    key: zeros([B, H, block, D], { dtype }),
    value: zeros([B, H, block, E], { dtype }),
    chosen: zeros([B, H, block, K], { dtype }),
    cache: { count: zeros([B, H, K], { dtype }), mean: zeros([B, H, K, E], { dtype }) } as Cache,
    begun: zeros([], { dtype: "int32" }),
  };
  const xs = {
    q: blocks(q),
    k: blocks(k),
    v: blocks(v),
    chosen: blocks(chosen),
    ...(bias && { bias: blocks(bias) }),
  };
  const { ys } = scan(
    (before: typeof start, x: { q: Tensor; k: Tensor; v: Tensor; chosen: Tensor; bias?: Tensor }) => {
      let near = matmul(x.q, concat([before.key, x.k], 2), { transposeB: true, scale });
      if (x.bias) near = near.add(where(within, takeAlongAxis(x.bias, column), full([], 0, { dtype })));
      // Of the first block's previous keys there are none.
      const exists = greaterEqual(iota(2 * block).add(before.begun.mul(block)), block);
      near = near.add(where(and(causal, expandDims(exists, 0)), full([], 0, { dtype }), HIDDEN));
      const far = cacheScores(x.q, codebook, before.cache, scale);
      const o = attendBoth(near, far, concat([before.value, x.v], 2), before.cache);
      const folded = fold(before.cache, before.chosen, before.value);
      const cache = cacheGradient === "stop" ? stopGradient(folded) : folded;
      const begun = minimum(before.begun.add(1), 1);
      return [{ key: x.k, value: x.v, chosen: x.chosen, cache, begun }, o] as const;
    },
    start,
    xs,
  );
  return narrow(reshape(permute(ys, [1, 2, 0, 3, 4]), [B, H, N * block, E]), 2, 0, T);
}

/**
 * Attention over all keys by code, `exp(q Cᵀ)(Δᵀ v) / exp(q Cᵀ)(Δᵀ 1)`: equal to softmax attention over quantised keys.
 * @param q `[B, H, T, D]`. @param codes `[B, H, S]`. @param v `[B, H, S, E]`. @returns `[B, H, T, E]`.
 */
export function vqEncoderAttention(
  q: Tensor,
  codes: Tensor,
  v: Tensor,
  { codebook, scale }: Pick<VqOptions, "codebook" | "scale">,
): Tensor {
  const { B, H, K, D, E } = checkShapes("vqEncoderAttention", {
    q: [q, "B~ H T~ D"],
    codes: [codes, "B~ H S~"],
    v: [v, "B~ H S~ E"],
    codebook: [codebook, "H K D"],
  });
  const none: Cache = {
    count: zeros([B, H, K], { dtype: q.dtype }),
    mean: zeros([B, H, K, E], { dtype: q.dtype }),
  };
  const all = fold(none, assignments(codes, K, q.dtype), v);
  return matmul(softmax(cacheScores(q, codebook, all, scale ?? 1 / Math.sqrt(D))), all.mean);
}

/** The last `ℓ` tokens by code and value, the cache of all before them, and how many tokens there were. */
export interface VqState {
  readonly codes: Tensor; // [B, H, ℓ], int32; K where there was no token
  readonly value: Tensor; // [B, H, ℓ, E]
  readonly count: Tensor; // [B, H, K]
  readonly mean: Tensor; // [B, H, K, E]
}

/** The state before the first token, for a codebook of `K` codes. */
export function vqState(
  [B, H, K, E]: readonly [B: number, H: number, K: number, E: number],
  { block = 64, dtype = "float32" }: { block?: number; dtype?: Dtype } = {},
): VqState {
  checkWhole("vqState", "block", block);
  return {
    codes: full([B, H, block], K, { dtype: "int32" }),
    value: zeros([B, H, block, E], { dtype }),
    count: zeros([B, H, K], { dtype }),
    mean: zeros([B, H, K, E], { dtype }),
  };
}

/**
 * One token: attends to the last `ℓ`, itself and the cache, then moves the oldest of the `ℓ` into the cache.
 * @param q `[B, H, 1, D]`. @param codes `[B, H, 1]`, of the new key. @param v `[B, H, 1, E]`.
 * @param options As for `vqAttention`; `bias` is `[B, H, 1, ℓ + 1]`. @returns `o` `[B, H, 1, E]`.
 */
export function vqStep(
  q: Tensor,
  codes: Tensor,
  v: Tensor,
  state: VqState,
  { codebook, bias, scale }: Omit<VqOptions, "block" | "cacheGradient">,
): { o: Tensor; state: VqState } {
  const { D, K, L } = checkShapes("vqStep", {
    q: [q, "B~ H 1 D"],
    codes: [codes, "B~ H 1"],
    v: [v, "B~ H 1 E"],
    codebook: [codebook, "H K D"],
    "state.codes": [state.codes, "B~ H L"],
    "state.value": [state.value, "B~ H L E"],
  });
  const factor = scale ?? 1 / Math.sqrt(D);
  const recent = concat([state.codes, codes], 2); // [B, H, ℓ + 1], oldest first
  const values = concat([state.value, v], 2);
  const keys = lookUp(codebook, minimum(recent, K - 1));
  let near = matmul(q, keys, { transposeB: true, scale: factor }); // [B, H, 1, ℓ + 1]
  if (bias) {
    checkShapes("vqStep", { bias: [bias, `B~ H 1 ${L + 1}`] });
    const oldestFirst = iota(L + 1)
      .neg()
      .add(L);
    near = near.add(takeAlongAxis(bias, broadcastTo(oldestFirst, near.shape)));
  }
  near = near.add(where(expandDims(less(recent, K), 2), full([], 0, { dtype: q.dtype }), HIDDEN));
  const far = cacheScores(q, codebook, state, factor);
  const o = attendBoth(near, far, values, state);
  const oldest = assignments(narrow(recent, 2, 0, 1), K, q.dtype);
  const cache = fold(state, oldest, narrow(values, 2, 0, 1));
  return {
    o,
    state: { codes: narrow(recent, 2, 1, L + 1), value: narrow(values, 2, 1, L + 1), ...cache },
  };
}
