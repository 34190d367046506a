// One picture: decoded where it can be, then brought to the size and the channels of a training, in the same arithmetic
// everywhere.
import { FileError } from "../../errors.ts";
import { pictureHead } from "../../files/picture-head.ts";

/** `[height, width, 4]`: red, green, blue and alpha, 0 to 255, upright. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array | Uint8ClampedArray;
}

/**
 * Decodes a file: upright by its EXIF, of an animation the first frame, of any depth and colour space to 8-bit sRGB.
 * @param name For errors.
 */
export type PictureDecoder = (bytes: Uint8Array, name: string) => Promise<Picture>;

/** More pixels than any training picture has: 8,192 × 8,192. */
const MOST_PIXELS = 2 ** 26;

/**
 * A picture from a file.
 * @throws FileError for a file that is no PNG, JPEG or WebP, that would unpack to more than 67 million pixels, or that is
 * damaged.
 */
export async function readPicture(bytes: Uint8Array, name: string, decode: PictureDecoder): Promise<Picture> {
  const head = pictureHead(bytes);
  if (head === undefined) {
    throw new FileError(`images: ${name} must be a PNG, JPEG or WebP picture, got ${described(bytes)}.`);
  }
  const { width, height, format } = head;
  if (width * height > MOST_PIXELS) {
    throw new FileError(
      `images: ${name} must have at most ${MOST_PIXELS} pixels, got ${width} × ${height} in ${bytes.length} bytes. Shrink it first.`,
    );
  }
  return decode(bytes, name).catch((error: unknown) => {
    if (error instanceof FileError) throw error;
    throw new FileError(
      `images: ${name} must be a whole ${format} picture, got one that cannot be decoded (${firstLine(error)}).`,
      { cause: error },
    );
  });
}

function described(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const start = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
  return `${bytes.length} bytes beginning ${start}`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}

/** How pictures of other sizes become pictures of one. */
export type Fit = "cover" | "contain" | "stretch";

/** How a picture is brought to a training's. */
export interface Fitting {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** `cover` (default) cuts what hangs over, `contain` adds background, `stretch` keeps no proportions. */
  readonly fit?: Fit;
  /** What stands behind transparent places, 0 to 255; default 255, white. */
  readonly background?: number;
}

/** `[C, H, W]`, 0 to 255: the picture on its background, averaged or interpolated to its new size. */
export function fitPicture(picture: Picture, fitting: Fitting): Uint8Array {
  const { channels: C, height: H, width: W, fit = "cover", background = 255 } = fitting;
  const flat = onBackground(picture, C, background);
  const [sx, sy] = [W / picture.width, H / picture.height];
  const scale = fit === "cover" ? Math.max(sx, sy) : Math.min(sx, sy);
  // The window of the picture that is shown, in its own pixels; it may reach beyond it.
  const [w, h] = fit === "stretch" ? [picture.width, picture.height] : [W / scale, H / scale];
  const columns = shares(picture.width, (picture.width - w) / 2, w, W);
  const rows = shares(picture.height, (picture.height - h) / 2, h, H);
  const out = new Uint8Array(C * H * W);
  const across = new Float64Array(picture.height * W);
  for (let c = 0; c < C; c++) {
    for (let y = 0; y < picture.height; y++) {
      const row = (c * picture.height + y) * picture.width;
      columns.forEach(({ from, weights, rest }, x) => {
        let sum = rest * background;
        weights.forEach((weight, i) => (sum += weight * (flat[row + from + i] as number)));
        across[y * W + x] = sum;
      });
    }
    rows.forEach(({ from, weights, rest }, y) => {
      for (let x = 0; x < W; x++) {
        let sum = rest * background;
        weights.forEach((weight, i) => (sum += weight * (across[(from + i) * W + x] as number)));
        out[(c * H + y) * W + x] = Math.round(sum);
      }
    });
  }
  return out;
}

/** Pixels that make one new pixel, and the share of what lies beyond the picture. */
interface Share {
  readonly from: number;
  readonly weights: readonly number[];
  readonly rest: number;
}

/**
 * How `count` new pixels come from `n` old ones, of which those from `start` on, `length` in all, are shown: by area where
 * pixels become fewer, else by interpolation between the two nearest middles.
 */
function shares(n: number, start: number, length: number, count: number): Share[] {
  const step = length / count;
  return Array.from({ length: count }, (_, i) => {
    const left = start + i * step;
    if (step < 1) {
      const middle = left + step / 2;
      const outside = middle < 0 || middle > n ? 1 : 0;
      const at = Math.min(n - 1, Math.max(0, middle - 0.5));
      const from = Math.min(Math.floor(at), Math.max(0, n - 2));
      const second = n === 1 ? [] : [at - from];
      const weights = outside === 1 ? [] : [1 - (second[0] ?? 0), ...second];
      return { from, weights, rest: outside };
    }
    const [low, high] = [Math.max(0, left), Math.min(n, left + step)];
    const from = Math.min(n - 1, Math.floor(low));
    const weights: number[] = [];
    for (let k = from; k < high; k++) weights.push((Math.min(high, k + 1) - Math.max(low, k)) / step);
    return { from, weights, rest: Math.max(0, 1 - weights.reduce((a, b) => a + b, 0)) };
  });
}

/** `[C, height, width]` numbers 0 to 255 with nothing to be seen through. Grey is luma (ITU-R BT.601), as files have it. */
function onBackground({ width, height, pixels }: Picture, C: number, background: number): Float64Array {
  const size = width * height;
  const out = new Float64Array(C * size);
  for (let i = 0; i < size; i++) {
    const alpha = (pixels[4 * i + 3] as number) / 255;
    const at = (c: number): number => alpha * (pixels[4 * i + c] as number) + (1 - alpha) * background;
    if (C === 1) out[i] = 0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2);
    else for (let c = 0; c < C; c++) out[c * size + i] = at(c);
  }
  return out;
}

/** Whether a picture has no colours. */
export function isGrey({ pixels }: Picture): boolean {
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] !== 0 && (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2])) return false;
  }
  return true;
}

/** A rectangle of a picture. */
export function cut({ width, pixels }: Picture, left: number, top: number, w: number, h: number): Picture {
  const out = new Uint8Array(4 * w * h);
  for (let y = 0; y < h; y++) {
    const from = 4 * ((top + y) * width + left);
    out.set(pixels.subarray(from, from + 4 * w), 4 * y * w);
  }
  return { width: w, height: h, pixels: out };
}
