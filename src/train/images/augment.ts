// Pictures a little changed, so that a training sees more of them than there are: by the key of the batch alone.
import { random } from "../../tensor/index.ts";
import type { ImageSpace } from "./method.ts";

/** What may be done to a picture. */
export interface Augmentation {
  /** Pixels it may be moved along each axis; its edge is repeated behind it. Default 0. */
  readonly shift?: number;
  /** Whether half of the pictures are mirrored left to right. */
  readonly mirror?: boolean;
}

/** `pixels` `[B, C, H, W]` changed, each picture by draws of its own. */
export function augment(
  pixels: Float32Array,
  { channels: C, height: H, width: W }: ImageSpace,
  { shift = 0, mirror = false }: Augmentation,
  key: random.Key,
): Float32Array {
  const size = C * H * W;
  const count = pixels.length / size;
  const draws = random.uniforms(random.fold(key, "augment"), 3 * count);
  const out = new Float32Array(pixels.length);
  for (let b = 0; b < count; b++) {
    const draw = (i: number): number => draws[3 * b + i] as number;
    const steps = (i: number): number => Math.floor(draw(i) * (2 * shift + 1)) - shift;
    const [down, right, mirrored] = [steps(0), steps(1), mirror && draw(2) < 0.5];
    for (let c = 0; c < C; c++) {
      for (let y = 0; y < H; y++) {
        const row = b * size + (c * H + Math.min(H - 1, Math.max(0, y - down))) * W;
        for (let x = 0; x < W; x++) {
          const from = Math.min(W - 1, Math.max(0, x - right));
          out[b * size + (c * H + y) * W + x] = pixels[row + (mirrored ? W - 1 - from : from)] as number;
        }
      }
    }
  }
  return out;
}
