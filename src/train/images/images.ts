// Pictures in memory: bytes of one shape, what is said of each, and batches of them by seed and step.
import { random, type Tensor, tensor } from "../../tensor/index.ts";
import { augment, type Augmentation } from "./augment.ts";
import type { ImageBatch, ImageSpace } from "./method.ts";

/** Pictures of one shape. */
export interface ImageSet {
  readonly space: ImageSpace;
  readonly count: number;
  /** `[N, C, H, W]`, 0 to 255. */
  readonly pixels: Uint8Array;
  /** `[N]`, if the space has classes. */
  readonly labels?: Int32Array;
  /** `[N, L]` ids, if the space has words. */
  readonly captions?: Int32Array;
}

/** What is trained on, and what is only looked at. */
export interface SplitImages {
  readonly train: ImageSet;
  readonly validation: ImageSet;
}

/** The pictures at `places` as a batch. @param key What its noise comes from. */
export function batchOf(
  set: ImageSet,
  places: ArrayLike<number>,
  key: random.Key,
  augmentation?: Augmentation,
): ImageBatch {
  const { space, labels, captions } = set;
  const { channels: C, height: H, width: W, captionLength: L } = space;
  const size = C * H * W;
  const all = Array.from(places);
  const floats = new Float32Array(all.length * size);
  all.forEach((place, row) => {
    const from = set.pixels.subarray(place * size, (place + 1) * size);
    for (let i = 0; i < size; i++) floats[row * size + i] = (from[i] as number) / 255;
  });
  const moved = augmentation === undefined ? floats : augment(floats, space, augmentation, key);
  const rows = (ids: Int32Array, length: number): Int32Array => {
    const out = new Int32Array(all.length * length);
    all.forEach((place, row) => out.set(ids.subarray(place * length, (place + 1) * length), row * length));
    return out;
  };
  return {
    pixels: tensor(moved, { shape: [all.length, C, H, W], lend: true }),
    key: random.traced(random.fold(key, "noise")),
    ...(labels && { labels: tensor(rows(labels, 1), { lend: true }) }),
    ...(captions && { captions: tensor(rows(captions, L), { shape: [all.length, L], lend: true }) }),
  };
}

/** `count` pictures evenly spread over a set, in order. */
export function spread(total: number, count: number): number[] {
  const n = Math.min(total, count);
  return Array.from({ length: n }, (_, i) => Math.floor((i * total) / n));
}

/**
 * Which pictures each step sees: every one once in each round, in an order that round and seed decide.
 * @returns Places of the `count` pictures of `step`, a pure function of it.
 */
export function pictureOrder(
  total: number,
  { count, seed }: { readonly count: number; readonly seed: number },
): (step: number) => Int32Array {
  const base = random.fold(random.key(seed), "pictures");
  const orders = new Map<number, Uint32Array>();
  const orderOf = (round: number): Uint32Array => {
    const found = orders.get(round);
    if (found !== undefined) return found;
    // A batch touches two rounds at most, or all pictures of several.
    if (orders.size > 2) orders.clear();
    const order = shuffled(total, random.fold(base, round));
    orders.set(round, order);
    return order;
  };
  return (step) =>
    Int32Array.from({ length: count }, (_, i) => {
      const at = step * count + i;
      return orderOf(Math.floor(at / total))[at % total] as number;
    });
}

/** Whole numbers below `n` in an order that `key` decides (Fisher and Yates). */
function shuffled(n: number, key: random.Key): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const draws = random.uniforms(key, n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((draws[i] as number) * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** Pixels of a batch as bytes. @param pixels `[B, C, H, W]` in `[0, 1]`. */
export async function bytesOfPixels(pixels: Tensor): Promise<Uint8Array> {
  return Uint8Array.from((await pixels.data()) as Float32Array, (v) =>
    Math.round(255 * Math.min(1, Math.max(0, v))),
  );
}
