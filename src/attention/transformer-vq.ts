// Lingle 2023, "Transformer-VQ: linear-time transformers via vector quantization", section 3. https://arxiv.org/abs/2309.16354
// Derived again in Su 2023, https://kexue.fm/archives/9844
import { ShapeError } from "../errors.ts";
import {
  addDims,
  checkShapes,
  concat,
  type Dim,
  type Dtype,
  expandDims,
  full,
  greaterEqual,
  iota,
  log,
  matmul,
  maximum,
  minimum,
  mulDims,
  narrow,
  ones,
  pad,
  permute,
  reshape,
  scan,
  type Shape,
  softmax,
  squeeze,
  stopGradient,
  sum,
  type Tensor,
  where,
  zeros,
} from "../tensor/index.ts";
import { checkWhole } from "./blocks.ts";
import { assignments, nearestCodes } from "./codebook.ts";
import { repeatHeads } from "./dense.ts";
import { HIDDEN } from "./masked.ts";
import { chooseByDistance, type TurnsByDistance } from "../position/position.ts";

export interface VqOptions {
  /** `C` `[G, K, D]`. */
  readonly codebook: Tensor;
  /** Tokens that are read at once; at least `ℓ`, default 64. Texts up to two blocks need no cache. */
  readonly block?: number;
  /**
   * Scores `B` to add by distance, `[B, H, T, ℓ + 1]`, oldest first: the last column is for the token itself, the
   * first for the key ℓ tokens back. Farther keys get none.
   */
  readonly bias?: Tensor;
  /**
   * Turns by distance, in place of a bias: true ones below a window of at most a block, and beyond it those of ReRoPE,
   * under which all far keys share their codes.
   */
  readonly turns?: TurnsByDistance;
  /** Factor of the scores; default `1/√D`. */
  readonly scale?: number;
  /** Whether derivatives pass through the cache of distant tokens; default `flow`. */
  readonly cacheGradient?: "flow" | "stop";
}

/** Distant tokens by code: how many chose it and the mean of their values. Means, unlike sums, stay small. */
interface Cache {
  readonly count: Tensor; // [B, G, K]
  readonly mean: Tensor; // [B, G, K, E]
}

/** `Σ Δ` and the mean of `v` after tokens with assignments `Δ` `[B, G, n, K]` and values `[B, G, n, E]` join. */
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

/**
 * Rows by distance put in their places: `[B, H, T, ℓ + 1]` to `[B, H, T, ℓ + T]`, row i beginning at column i. Each row
 * is lengthened by one more than a new row, so that cutting the whole anew moves every row one farther.
 */
function shifted(bias: Tensor): Tensor {
  const [B = 1, H = 1, T = 1, reach = 1] = bias.shape;
  const padded = concat([bias, zeros([B, H, T, T], { dtype: bias.dtype })], -1); // [B, H, T, ℓ + 1 + T]
  const width = addDims(reach, T, -1);
  const flat = reshape(padded, [B, H, mulDims(T, addDims(width, 1))]);
  return reshape(narrow(flat, 2, 0, mulDims(T, width)), [B, H, T, width]);
}

/** `q k̂ᵀ` of queries at `[T]` places and keys at `[S]`, turned where there are turns. */
function products(
  q: Tensor,
  keys: Tensor,
  turns: TurnsByDistance | undefined,
  at: readonly [queries: Tensor, keys: Tensor],
  scale: number,
): Tensor {
  if (!turns) return matmul(q, keys, { transposeB: true, scale });
  const [near, far] = [turns.near, turns.far].map(({ query, key }) =>
    matmul(query(q, at[0]), key(keys, at[1]), { transposeB: true, scale }),
  ) as [Tensor, Tensor];
  return chooseByDistance(near, far, at[0], at[1], turns.window);
}

/** Queries as they meet the codes of far keys. */
function farQueries(q: Tensor, turns: TurnsByDistance | undefined): Tensor {
  // The far turn of ReRoPE does not depend on the place.
  return turns ? turns.far.query(q, iota(q.shape[2] ?? 1)) : q;
}

/** Causal scores of `T` queries against the `S ≥ T` keys that end with their own, `[B, H, T, S]`. */
function nearScores(
  q: Tensor,
  keys: Tensor,
  { bias, turns }: Pick<VqOptions, "bias" | "turns">,
  scale: number,
): Tensor {
  const [, , T = 1] = q.shape;
  const [, , S = 1] = keys.shape;
  const places = iota(S);
  const past = addDims(S, mulDims(-1, T));
  const own = narrow(places, 0, past, S); // [T]
  const causal = greaterEqual(expandDims(own, 1), expandDims(places, 0)); // [T, S]
  const mask = where(causal, full([], 0, { dtype: q.dtype }), HIDDEN);
  // Turns depend on distances alone, so that places within the keys at hand do.
  const scores = products(q, keys, turns, [own, places], scale).add(mask);
  if (!bias) return scores;
  const rows = shifted(bias); // [B, H, T, ℓ + T]
  const more = Number(addDims(past, 1, mulDims(-1, bias.shape[3] ?? 1)));
  if (more < 0) return scores.add(narrow(rows, 3, -more, addDims(S, -more)));
  return scores.add(
    pad(rows, [
      [0, 0],
      [0, 0],
      [0, 0],
      [more, 0],
    ]),
  );
}

/** One softmax over exact keys and cache slots, `[B, H, n, E]`. */
function attendBoth(near: Tensor, far: Tensor, values: Tensor, cache: Cache): Tensor {
  const n = near.shape.at(-1) ?? 0;
  const both = addDims(n, far.shape.at(-1) ?? 0);
  const weights = softmax(concat([near, far], -1));
  return matmul(narrow(weights, -1, 0, n), values).add(matmul(narrow(weights, -1, n, both), cache.mean));
}

/**
 * Causal attention over quantised keys in linear time: exact keys of a block and the one before, all earlier tokens
 * by code. Equal to `softmax(scale q k̂ᵀ + B) v` to rounding, whatever the block length (with `B` zero beyond it).
 * @param q Queries `[B, H, T, D]`. @param k Quantised keys `[B, G, T, D]` (`quantizeKeys`), `G` divides `H`, without
 *   rotation: turned keys would share no codes (`turns` turns them after). @param codes `[B, G, T]`. @param v Values `[B, G, T, E]`.
 * @returns `[B, H, T, E]`. @throws ShapeError if one letter stands for two sizes.
 */
export function vqAttention(q: Tensor, k: Tensor, codes: Tensor, v: Tensor, options: VqOptions): Tensor {
  const { block = 64, bias, turns, cacheGradient = "flow" } = options;
  checkWhole("vqAttention", "block", block);
  checkTurns("vqAttention", options, block);
  const { B, H, G, T, D, E, K } = checkShapes("vqAttention", {
    q: [q, "B H T~ D"],
    k: [k, "B G T~ D"],
    codes: [codes, "B G T~"],
    v: [v, "B G T~ E"],
    codebook: [options.codebook, "G K D"],
  });
  const R = groupSize("vqAttention", H, G);
  const codebook = repeatBook(options.codebook, R);
  const reach = Number(bias?.shape[3] ?? 1) - 1;
  if (bias) checkShapes("vqAttention", { q: [q, "B H T~ D"], bias: [bias, `B H T~ ${reach + 1}`] });
  if (reach > block) {
    throw new ShapeError(
      `vqAttention: bias must have at most block + 1 = ${block + 1} columns, got ${reach + 1}.`,
    );
  }
  if (typeof T !== "number") {
    throw new ShapeError(`vqAttention: T must be a known size, got ${T}. Use vqStep for unknown lengths.`);
  }
  const scale = options.scale ?? 1 / Math.sqrt(D);
  if (T <= 2 * block) {
    const near = nearScores(q, repeatHeads(k, R), options, scale);
    return matmul(softmax(near), repeatHeads(v, R));
  }
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
  const chosen = repeatHeads(assignments(codes, K, q.dtype), R); // padded tokens choose nothing
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
    k: blocks(repeatHeads(k, R)),
    v: blocks(repeatHeads(v, R)),
    chosen: blocks(chosen),
    ...(bias && { bias: blocks(bias) }),
  };
  const { ys } = scan(
    (before: typeof start, x: { q: Tensor; k: Tensor; v: Tensor; chosen: Tensor; bias?: Tensor }) => {
      const own = { ...(x.bias && { bias: x.bias }), ...(turns && { turns }) };
      const near = nearScores(x.q, concat([before.key, x.k], 2), own, scale);
      // Of the first block's previous keys there are none.
      const exists = greaterEqual(iota(2 * block).add(before.begun.mul(block)), block);
      const seen = near.add(where(exists, full([], 0, { dtype }), HIDDEN));
      const far = cacheScores(farQueries(x.q, turns), codebook, before.cache, scale);
      const o = attendBoth(seen, far, concat([before.value, x.v], 2), before.cache);
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

/** The last `ℓ` tokens, and the cache of all before them: of constant size, however long the text. */
export type VqState = {
  readonly key: Tensor; // [B, G, ℓ, D], quantised
  readonly value: Tensor; // [B, G, ℓ, E]
  readonly present: Tensor; // [B, ℓ], 1 where there was a token
  readonly count: Tensor; // [B, G, K]
  readonly mean: Tensor; // [B, G, K, E]
};

/** Shapes of a state for `K` codes: all zero before the first token. */
export function vqStateShapes<B extends Dim>(
  [B, G, K, D, E]: readonly [B: B, G: number, K: number, D: number, E: number],
  block: number,
): Record<keyof VqState, readonly (B | number)[]> {
  checkWhole("vqState", "block", block);
  return {
    key: [B, G, block, D],
    value: [B, G, block, E],
    present: [B, block],
    count: [B, G, K],
    mean: [B, G, K, E],
  };
}

/** The state before the first token. */
export function vqState(
  sizes: readonly [B: Dim, G: number, K: number, D: number, E: number],
  { block = 64, dtype = "float32" }: { block?: number; dtype?: Dtype } = {},
): VqState {
  const s = vqStateShapes(sizes, block);
  const empty = (shape: Shape): Tensor => zeros(shape, { dtype });
  return {
    key: empty(s.key),
    value: empty(s.value),
    present: empty(s.present),
    count: empty(s.count),
    mean: empty(s.mean),
  };
}

/**
 * The next `T` tokens, any number: they attend to themselves and the last `ℓ` exactly and to the cache, then the
 * oldest `T` move into the cache. Equal to `vqAttention` over the whole text.
 * @param q `[B, H, T, D]`. @param k Quantised keys `[B, G, T, D]`. @param v `[B, G, T, E]`.
 * @param options As for `vqAttention`; `bias` is `[B, H, T, ℓ + 1]`. @returns `o` `[B, H, T, E]`.
 */
export function vqStep(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  state: VqState,
  options: Omit<VqOptions, "block" | "cacheGradient">,
): { o: Tensor; state: VqState } {
  const { codebook, bias, turns, scale } = options;
  const { B, H, G, D, K, L, T } = checkShapes("vqStep", {
    q: [q, "B~ H T~ D"],
    k: [k, "B~ G T~ D"],
    v: [v, "B~ G T~ E"],
    codebook: [codebook, "G K D"],
    "state.key": [state.key, "B~ G L D"],
    "state.value": [state.value, "B~ G L E"],
  });
  const R = groupSize("vqStep", H, G);
  const factor = scale ?? 1 / Math.sqrt(D);
  const dtype = q.dtype;
  const N = addDims(L, T);
  const keys = concat([state.key, k], 2); // [B, G, ℓ + T, D], oldest first
  const values = concat([state.value, v], 2);
  const present = concat([state.present, ones([B, T], { dtype })], 1); // [B, ℓ + T]
  if (bias) checkShapes("vqStep", { q: [q, "B~ H T~ D"], bias: [bias, `B~ H T~ ${L + 1}`] });
  const exists = expandDims(expandDims(greaterEqual(present, 0.5), 1), 1); // [B, 1, 1, ℓ + T]
  checkTurns("vqStep", options, L);
  const near = nearScores(q, repeatHeads(keys, R), options, factor).add(
    where(exists, full([], 0, { dtype }), HIDDEN),
  );
  const cache: Cache = { count: repeatRows(state.count, R), mean: repeatHeads(state.mean, R) };
  const far = cacheScores(farQueries(q, turns), repeatBook(codebook, R), cache, factor);
  const o = attendBoth(near, far, repeatHeads(values, R), cache);
  // A quantised key is its own nearest code.
  const oldest = assignments(nearestCodes(narrow(keys, 2, 0, T), codebook), K, dtype); // [B, G, T, K]
  const counted = oldest.mul(expandDims(expandDims(narrow(present, 1, 0, T), 1), -1));
  return {
    o,
    state: {
      key: narrow(keys, 2, T, N),
      value: narrow(values, 2, T, N),
      present: narrow(present, 1, T, N),
      ...fold(state, counted, narrow(values, 2, 0, T)),
    },
  };
}

/** @throws ShapeError for turns that reach beyond what is met exactly, and beside a bias. */
function checkTurns(where: string, { turns, bias }: Pick<VqOptions, "turns" | "bias">, block: number): void {
  if (!turns) return;
  if (bias) throw new ShapeError(`${where}: turns must stand alone, got a bias beside them. Leave one out.`);
  if (turns.window > block) {
    throw new ShapeError(
      `${where}: turns must have a window of at most the block, ${block}, got ${turns.window}.`,
    );
  }
}

/** How many query heads share a key-value head. */
function groupSize(where: string, H: number, G: number): number {
  if (H % G !== 0) {
    throw new ShapeError(`${where}: key-value heads must divide the query heads, got ${G} and ${H}.`);
  }
  return H / G;
}

/** `[B, G, K]` as `[B, G·R, K]`. */
function repeatRows(x: Tensor, R: number): Tensor {
  return squeeze(repeatHeads(expandDims(x, -1), R), -1);
}

/** `[G, K, D]` as `[G·R, K, D]`. */
function repeatBook(book: Tensor, R: number): Tensor {
  return squeeze(repeatHeads(expandDims(book, 0), R), 0);
}
