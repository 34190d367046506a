// van den Oord, Vinyals and Kavukcuoglu 2017, "Neural discrete representation learning" (VQ-VAE), sections 3.1 to 3.3 and
// appendix A.1. https://arxiv.org/abs/1711.00937 The weights of the two losses: Su 2019, https://kexue.fm/archives/6760
import { OptionError } from "../errors.ts";
import {
  argMin,
  checkShapes,
  expandDims,
  gather,
  less,
  matmul,
  mean,
  oneHot,
  stopGradient,
  straightThrough,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";

/** Vectors snapped to codes. */
export interface VqQuantized {
  /** `[…, D]`: the codes' values with the vectors' derivative. */
  readonly codes: Tensor;
  /** `[…]`, int32. */
  readonly indices: Tensor;
  /** `mean ‖e − sg z‖²` over all numbers: moves the book; weighted β, usually 1. */
  readonly bookLoss: Tensor;
  /** `mean ‖z − sg e‖²`: moves the encoder; weighted γ, usually ¼. */
  readonly commitment: Tensor;
}

/** What a book learns from, without derivatives: sums that add up over the parts of a batch. */
export interface VqSeen {
  /** `[K, D]`: sums of the vectors that chose each code. */
  readonly sum: Tensor;
  /** `[K]`: how many did. */
  readonly count: Tensor;
}

/** A book that moves by counted averages: codes are `sum / count`, smoothed. */
export interface VqState {
  readonly sum: Tensor; // [K, D]
  readonly count: Tensor; // [K]
}

/** Laplace's smoothing of counts, as vector-quantize-pytorch has it. */
const SMOOTHING = 1e-5;

/**
 * Index of the nearest code, `argminₖ ‖z − eₖ‖²`, the first of equals.
 * @param book `[K, D]`. @param z `[…, D]`. @returns `[…]`, int32.
 */
export function vqEncode(book: Tensor, z: Tensor): Tensor {
  const D = widthOf("vqEncode", book, z);
  const flat = stopGradient(z).reshape([-1, D]);
  const fixed = stopGradient(book);
  const squares = sum(fixed.square(), { axis: -1 }); // [K]
  const distance = matmul(flat, fixed, { transposeB: true, scale: -2 }).add(squares);
  return argMin(distance, { axis: -1 }).reshape(z.shape.slice(0, -1));
}

/** The codes that `indices` `[…]` name, `[…, D]`. */
export function vqDecode(book: Tensor, indices: Tensor): Tensor {
  checkShapes("vqDecode", { book: [book, "K D"] });
  return gather(book, indices, 0, { what: "vqDecode: indices" });
}

/**
 * The nearest code with the derivative of `z`, `z + sg(e − z)`, and the two losses that bring both together.
 * @param book `[K, D]`. @param z `[…, D]`.
 * @example
 * const { codes, bookLoss, commitment } = vqQuantize(book, z);
 * const loss = reconstruction.add(bookLoss).add(commitment.mul(0.25));
 */
export function vqQuantize(book: Tensor, z: Tensor): VqQuantized {
  const indices = vqEncode(book, z);
  const chosen = vqDecode(book, indices);
  return {
    codes: straightThrough(stopGradient(chosen), z),
    indices,
    bookLoss: chosen.sub(stopGradient(z)).square().mean(),
    commitment: z.sub(stopGradient(chosen)).square().mean(),
  };
}

/** Sums of `z` `[…, D]` and numbers by code. @param indices `[…]`, below `K`. */
export function vqSeen(z: Tensor, indices: Tensor, K: number): VqSeen {
  const D = z.shape.at(-1) ?? 1;
  const flat = stopGradient(z).reshape([-1, D]);
  const chosen = oneHot(indices.reshape([-1]), K, { dtype: z.dtype }); // [N, K]
  return { sum: matmul(chosen, flat, { transposeA: true }), count: sum(chosen, { axis: 0 }) };
}

/**
 * Plain averages: `e ← α e + (1 − α) z̄`, with `z̄` the mean of the vectors that chose `e`; a code that none chose stays.
 * It is gradient descent on the book's loss, code by code.
 * @param decay α in [0, 1); default 0.99.
 */
export function vqAverage(book: Tensor, seen: VqSeen, { decay = 0.99 }: { decay?: number } = {}): Tensor {
  checkSeen("vqAverage", book, seen);
  checkDecay("vqAverage", decay);
  const count = expandDims(seen.count, -1);
  const chosen = less(0, count);
  const towards = seen.sum.div(where(chosen, count, 1));
  return where(chosen, book.mul(decay).add(towards.mul(1 - decay)), book);
}

/** The state whose codes are `book` `[K, D]`, each as if chosen `count` times; default once. */
export function vqState(book: Tensor, count = 1): VqState {
  return { sum: book.mul(count), count: sum(book.mul(0), { axis: -1 }).add(count) };
}

/** Codes of a counted book, `sum / count`, the counts smoothed so that none is zero. @returns `[K, D]`. */
export function vqBook({ sum: sums, count }: VqState): Tensor {
  const { K } = checkShapes("vqBook", { sum: [sums, "K D"], count: [count, "K"] });
  const all = sum(count);
  const smooth = count
    .add(SMOOTHING)
    .div(all.add(SMOOTHING * K))
    .mul(all);
  return sums.div(expandDims(smooth, -1));
}

/**
 * Averages normalised by counts: `N ← α N + (1 − α) n`, `m ← α m + (1 − α) Σ z`, `e = m / N` (`vqBook`).
 * @param decay α in [0, 1); default 0.99.
 */
export function vqCounted(state: VqState, seen: VqSeen, { decay = 0.99 }: { decay?: number } = {}): VqState {
  checkSeen("vqCounted", state.sum, seen);
  checkDecay("vqCounted", decay);
  const move = (a: Tensor, b: Tensor): Tensor => a.mul(decay).add(b.mul(1 - decay));
  return { sum: move(state.sum, seen.sum), count: move(state.count, seen.count) };
}

/**
 * Codes that less than `share` of the average number of vectors choose begin anew where vectors are.
 * @param candidates `[K, D]`: a vector for each code, to be taken if it is dead. @param share Default 0.1; 0 restarts none.
 */
export function vqRestart(
  { sum: sums, count }: VqState,
  candidates: Tensor,
  { share = 0.1 }: { share?: number } = {},
): VqState {
  if (!(share >= 0 && share <= 1)) {
    throw new OptionError(`vqRestart: share must be in [0, 1], got ${share}.`);
  }
  checkShapes("vqRestart", {
    sum: [sums, "K D"],
    count: [count, "K"],
    candidates: [candidates, "K D"],
  });
  const least = mean(count).mul(share);
  const dead = less(count, least);
  return {
    sum: where(expandDims(dead, -1), candidates.mul(least), sums),
    count: where(dead, least, count),
  };
}

function widthOf(at: string, book: Tensor, z: Tensor): number {
  checkShapes(at, { book: [book, "K D"] });
  const D = Number(book.shape[1]);
  if (z.shape.at(-1) === D) return D;
  throw new OptionError(
    `${at}: z must have the ${D} channels of the book on its last axis, got [${z.shape.join(", ")}].`,
  );
}

function checkSeen(at: string, book: Tensor, seen: VqSeen): void {
  checkShapes(at, { book: [book, "K D"], "seen.sum": [seen.sum, "K D"], "seen.count": [seen.count, "K"] });
}

function checkDecay(at: string, decay: number): void {
  if (decay >= 0 && decay < 1) return;
  throw new OptionError(`${at}: decay must be in [0, 1), got ${decay}.`);
}
