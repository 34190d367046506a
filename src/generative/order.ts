// In which order the patches of an image follow one another. Su 2024 names raster, columns, spiral, zigzag and distance from
// the first corner (https://kexue.fm/archives/9984, https://kexue.fm/archives/10197); with unlimited capacity all are equal.
import { OptionError } from "../errors.ts";
import { expandDims, gather, less, random, type Tensor, tensor } from "../tensor/index.ts";

/** Names of fixed orders. `spiral` begins in the middle. */
export const PATCH_ORDERS = ["raster", "columns", "zigzag", "spiral", "distance"] as const;
export type PatchOrder = (typeof PATCH_ORDERS)[number];

/** A permutation of the places `row · columns + column`: which place comes first, second … */
export type Order = readonly number[];

/** A named order of a grid. @throws OptionError for another name. */
export function patchOrder(name: PatchOrder, rows: number, columns: number): Order {
  const places = Array.from({ length: rows * columns }, (_, i) => i);
  const row = (i: number): number => Math.floor(i / columns);
  const column = (i: number): number => i % columns;
  const by = (...keys: ((i: number) => number)[]): Order =>
    places.toSorted((a, b) => {
      for (const key of keys) {
        const d = key(a) - key(b);
        if (d !== 0) return d;
      }
      return a - b;
    });
  switch (name) {
    case "raster":
      return places;
    case "columns":
      return by(column, row);
    // Diagonals, each against the direction of the one before.
    case "zigzag":
      return by(
        (i) => row(i) + column(i),
        (i) => ((row(i) + column(i)) % 2 === 0 ? -row(i) : row(i)),
      );
    case "distance":
      return by((i) => row(i) ** 2 + column(i) ** 2);
    case "spiral":
      return inwards(rows, columns).reverse();
    default:
      throw new OptionError(
        `patchOrder: order must be one of ${PATCH_ORDERS.join(", ")}, got "${String(name)}".`,
      );
  }
}

/** Round and round from the first corner to the middle. */
function inwards(rows: number, columns: number): number[] {
  const all: number[] = [];
  for (let [top, left, bottom, right] = [0, 0, rows - 1, columns - 1]; top <= bottom && left <= right; ) {
    for (let c = left; c <= right; c++) all.push(top * columns + c);
    for (let r = top + 1; r <= bottom; r++) all.push(r * columns + right);
    if (top < bottom) for (let c = right - 1; c >= left; c--) all.push(bottom * columns + c);
    if (left < right) for (let r = bottom - 1; r > top; r--) all.push(r * columns + left);
    [top, left, bottom, right] = [top + 1, left + 1, bottom - 1, right - 1];
  }
  return all;
}

/** The order that leads back. @throws OptionError for what is no permutation. */
export function inverseOrder(order: Order): Order {
  const back = Array.from<number>({ length: order.length }).fill(-1);
  order.forEach((place, i) => {
    if (back[place] !== -1) {
      throw new OptionError(
        `inverseOrder: order must hold each of 0 … ${order.length - 1} once, got ${place} at ${i}.`,
      );
    }
    back[place] = i;
  });
  return back;
}

/** Patches `[B, n, D]` in an order. */
export function reorder(x: Tensor, order: Order): Tensor {
  return gather(x, tensor(Int32Array.from(order)), 1);
}

/**
 * How many patches are still hidden after each of `steps` steps: `⌊n cos(π/2 · (s+1)/steps)⌋`, at least one fewer than before
 * and at least one left for each step to come, none after the last. Li et al. 2024 (MAR), https://arxiv.org/abs/2406.11838
 * @throws OptionError for more steps than patches.
 */
export function revealSchedule(n: number, steps: number): number[] {
  if (!(Number.isSafeInteger(steps) && steps >= 1 && steps <= n)) {
    throw new OptionError(`revealSchedule: steps must be 1 to the ${n} patches, got ${steps}.`);
  }
  let hidden = n;
  return Array.from({ length: steps }, (_, s) => {
    if (s === steps - 1) return 0;
    const wanted = Math.floor(n * Math.cos(((Math.PI / 2) * (s + 1)) / steps));
    hidden = Math.max(steps - 1 - s, Math.min(wanted, hidden - 1));
    return hidden;
  });
}

/** Share of patches that MAR hides in training, `[1]`: normal about 1 with deviation 0.25, drawn from within `[0.7, 1]`. */
export function hiddenShare(at: random.AnyKey): Tensor {
  return random.truncatedNormal(at, [1], { mean: 1, std: 0.25, low: -1.2, high: 0 });
}

/** Which of `n` patches each example hides, `[B, n]` 0 or 1: `⌈share · n⌉` of them. @param draws Uniform, `[B, n]`. */
export function hiddenPatches(draws: Tensor, share: Tensor): Tensor {
  const n = Number(draws.shape[1]);
  const rank = less(expandDims(draws, 1), expandDims(draws, 2)).cast(draws.dtype).sum({ axis: 2 });
  return less(rank, share.mul(n).ceil()).cast(draws.dtype);
}
