// Codebooks of keys and their moving averages: Lingle 2023, "Transformer-VQ", section 3.4, https://arxiv.org/abs/2309.16354,
// after van den Oord et al. 2017, "VQ-VAE", appendix A.1. https://arxiv.org/abs/1711.00937
import { OptionError } from "../errors.ts";
import {
  argMin,
  cast,
  checkShapes,
  cumSum,
  type Dtype,
  expandDims,
  gather,
  greaterEqual,
  iota,
  less,
  lessEqual,
  matmul,
  maximum,
  mean,
  minimum,
  mulDims,
  oneHot,
  permute,
  random,
  reshape,
  scan,
  square,
  stopGradient,
  straightThrough,
  sum,
  type Tensor,
  tensor,
  where,
  zeros,
} from "../tensor/index.ts";

/** Moving sums of keys per code, and how many keys there were. Codes are their ratio. */
export interface CodebookState {
  readonly sum: Tensor; // [H, K, D]
  readonly count: Tensor; // [H, K]
}

/** A code that few keys choose divides by no less than this. */
const SMALLEST_COUNT = 0.01;

/** The state whose codes are `codes` `[H, K, D]`, each as if chosen once. */
export function codebookState(codes: Tensor): CodebookState {
  checkShapes("codebookState", { codes: [codes, "H K D"] });
  return { sum: codes, count: sum(codes.mul(0), { axis: -1 }).add(1) };
}

/** Codes `[H, K, D]`: `sum / max(count, 0.01)`. */
export function codebookOf(state: CodebookState): Tensor {
  return state.sum.div(expandDims(maximum(state.count, SMALLEST_COUNT), -1));
}

/**
 * Index of the nearest code, `argminₛ ‖k − Cₛ‖²`, the first of equals.
 * @param k Keys `[B, H, T, D]`. @param codebook `[H, K, D]`. @returns `[B, H, T]`, int32.
 */
export function nearestCodes(k: Tensor, codebook: Tensor): Tensor {
  checkShapes("nearestCodes", { k: [k, "B~ H T~ D"], codebook: [codebook, "H K D"] });
  const along = matmul(k, codebook, { transposeB: true, scale: -2 }); // [B, H, T, K]
  return argMin(along.add(expandDims(sum(square(codebook), { axis: -1 }), 1)), { axis: -1 });
}

/** The codes that `codes` `[B, H, T]` name, `[B, H, T, D]`. Codes must lie within the book. */
export function lookUp(codebook: Tensor, codes: Tensor): Tensor {
  const { H, K, D } = checkShapes("lookUp", { codebook: [codebook, "H K D"], codes: [codes, "B~ H T~"] });
  const first = expandDims(iota(H).mul(K), 1); // where each head's codes begin
  return gather(reshape(codebook, [H * K, D]), codes.add(first));
}

/** Keys snapped to codes. */
export interface QuantizedKeys {
  /** `[B, H, T]`, int32. */
  readonly codes: Tensor;
  /** `[B, H, T, D]`: the codes' values with the keys' derivative. */
  readonly keys: Tensor;
  /** Mean over tokens of `Σ_heads ‖k − C‖²`, to be added to the loss with weight 1e-4. */
  readonly commitment: Tensor;
}

/** Snaps `k` `[B, H, T, D]` to the nearest codes. The book itself learns by `updateCodebook` only. */
export function quantizeKeys(k: Tensor, codebook: Tensor): QuantizedKeys {
  const fixed = stopGradient(codebook);
  const codes = nearestCodes(stopGradient(k), fixed);
  const hard = lookUp(fixed, codes);
  const commitment = mean(sum(square(k.sub(hard)), { axis: [1, 3] }));
  return { codes, keys: straightThrough(hard, k), commitment };
}

/** Sums of keys and numbers of keys by code: what a codebook learns from. Those of parts of a batch add up. */
export type CodeSums = CodebookState;

/** `Σ k` and `Σ 1` by code over `k` `[B, H, T, D]` with `codes` `[B, H, T]` of a book of `K`. No derivatives. */
export function codeSums(k: Tensor, codes: Tensor, K: number): CodeSums {
  const { B, H, T, D } = checkShapes("codeSums", { k: [k, "B~ H T~ D"], codes: [codes, "B~ H T~"] });
  const rows = mulDims(B, T);
  const flat = (x: Tensor, width: number): Tensor => reshape(permute(x, [1, 0, 2, 3]), [H, rows, width]);
  const chosen = flat(assignments(codes, K, k.dtype), K); // [H, B·T, K]
  return {
    sum: matmul(chosen, flat(stopGradient(k), D), { transposeA: true }),
    count: sum(chosen, { axis: 1 }),
  };
}

/**
 * One step of the moving averages: `sum ← γ sum + (1 − γ) Σ k`, the same for counts.
 * @param seen Of a whole batch. @param options `decay` is `γ`, default 0.99. @throws OptionError for a decay
 *   outside [0, 1).
 */
export function updateCodebook(
  state: CodebookState,
  seen: CodeSums,
  { decay = 0.99 }: { decay?: number } = {},
): CodebookState {
  if (!(decay >= 0 && decay < 1)) {
    throw new OptionError(`updateCodebook: decay must be in [0, 1), got ${decay}.`);
  }
  checkShapes("updateCodebook", {
    "state.sum": [state.sum, "H K D"],
    "state.count": [state.count, "H K"],
    "seen.sum": [seen.sum, "H K D"],
    "seen.count": [seen.count, "H K"],
  });
  const move = (a: Tensor, b: Tensor): Tensor => a.mul(decay).add(b.mul(1 - decay));
  return { sum: move(state.sum, seen.sum), count: move(state.count, seen.count) };
}

/**
 * A book for keys that are there already: K-means (Lloyd), `steps` times every key to its nearest code and every code to
 * the mean of its keys. It begins with `K` keys drawn by `key`, the same places for all heads; a code that no key chooses
 * stays where it is. Counts are those of the keys. For a model that was trained without codes: Su 2023,
 * https://kexue.fm/archives/9844.
 * @param k `[B, H, T, D]`, at least `K` keys a head. @throws OptionError for fewer.
 */
export function kMeansCodebook(
  k: Tensor,
  K: number,
  { key, steps = 20 }: { readonly key: random.Key; readonly steps?: number },
): CodebookState {
  const { B, H, T, D } = checkShapes("kMeansCodebook", { k: [k, "B H T D"] });
  const N = B * T;
  if (!Number.isInteger(K) || K < 1 || K > N) {
    throw new OptionError(
      `kMeansCodebook: codes must be a whole number from 1 to ${N}, the keys of a head, got ${K}. Give more text.`,
    );
  }
  const flat = reshape(permute(k, [1, 0, 2, 3]), [1, H, N, D]);
  const first = tensor(Int32Array.from(random.permutation(key, N).subarray(0, K)));
  const start = reshape(gather(flat, first, 2), [H, K, D]);
  const step = (codes: Tensor): { codes: Tensor; count: Tensor } => {
    const { sum: total, count } = codeSums(flat, nearestCodes(flat, codes), K);
    const means = total.div(expandDims(maximum(count, 1), -1));
    return { codes: where(greaterEqual(expandDims(count, -1), 1), means, codes), count };
  };
  const { carry: codes } = scan((book: Tensor) => [step(book).codes, zeros([])] as const, start, iota(steps));
  const count = maximum(step(codes).count, SMALLEST_COUNT);
  return { sum: codes.mul(expandDims(count, -1)), count };
}

/** A code with less than this share of the mean count is out of use. */
const UNUSED = 0.1;
/** How far from a code, in each number, a new one beside it begins: little beside keys of unit size. */
const ASIDE = 0.1;

/**
 * Codes out of use begin anew beside codes in use, in proportion to the keys those have, as a particle filter draws
 * its particles again: without it a few codes take all keys, and the others never move. The keys of a code with
 * newcomers beside it part by direction at the next batch.
 */
export function dealUnusedCodes(state: CodebookState): CodebookState {
  const { H, K, D } = checkShapes("dealUnusedCodes", {
    sum: [state.sum, "H K D"],
    count: [state.count, "H K"],
  });
  const { dtype } = state.count;
  const typical = mean(state.count, { axis: 1, keep: true }); // [H, 1]
  // Code j takes the place of the code in which the quantile (j + ½)/K of all keys falls.
  const quantile = cast(iota(K), dtype).add(0.5).mul(typical); // [H, K]
  const upTo = cumSum(state.count, { axis: 1 });
  const below = cast(lessEqual(expandDims(upTo, 1), expandDims(quantile, 2)), "int32"); // [H, K, K]
  const places = minimum(sum(below, { axis: 2 }), K - 1);
  const beside = reshape(lookUp(codebookOf(state), reshape(places, [1, H, K])), [H, K, D]);
  const fresh = beside.add(random.normal(random.key(0), [K, D], { std: ASIDE, dtype }));
  const count = typical.mul(2 * UNUSED); // enough to be in use until keys come
  const unused = less(state.count, typical.mul(UNUSED));
  return {
    sum: where(expandDims(unused, 2), fresh.mul(expandDims(count, 2)), state.sum),
    count: where(unused, count, state.count),
  };
}

/** `Δ` `[…, K]`: one where a token chose a code; nothing for a code outside the book. */
export function assignments(codes: Tensor, K: number, dtype: Dtype): Tensor {
  return oneHot(codes, K, { dtype });
}

/** `e^entropy` of the shares in which codes are chosen: how many are in use. 1 means collapse. */
export function codesInUse(counts: ArrayLike<number>): number {
  const all = Array.from(counts);
  const total = all.reduce((a, b) => a + b, 0);
  if (total === 0) return 0;
  return Math.exp(-all.reduce((h, c) => (c > 0 ? h + (c / total) * Math.log(c / total) : h), 0));
}
