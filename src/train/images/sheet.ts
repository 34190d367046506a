// One sheet of pictures: what a method draws, or pictures above what it makes of them.
import { encodePng } from "../../files/png.ts";
import { compile, type Device, random } from "../../tensor/index.ts";
import { type ImageConfig, imageMethod } from "./config.ts";
import { batchOf, bytesOfPixels, type ImageSet, spread } from "./images.ts";
import type { ImageBatch, ImageSpace } from "./method.ts";

/** Pictures in a row of a sheet, and the side in pixels from which they are no longer enlarged. */
const COLUMNS = 12;
const LARGE = 96;
/** Pixels between pictures, and their brightness. */
const GAP = 2;
const PAPER = 245;

/** Draws sheets of one method, with programs that stay compiled. */
export interface ImageSheet {
  draw(params: unknown): Promise<Uint8Array>;
  release(): Promise<void>;
}

/** Two rows of pictures above their reconstructions, or as many new ones for methods that draw. */
export function imageSheet({
  config,
  images,
  seed,
  ...on
}: {
  readonly config: ImageConfig;
  readonly images: ImageSet;
  readonly seed: number;
  readonly device?: Device;
  readonly threads?: number;
}): ImageSheet {
  const method = imageMethod(config.type);
  const { space } = images;
  const places = spread(images.count, 2 * COLUMNS);
  const key = random.fold(random.key(seed), "sheet");
  const sampler = method.sampler?.(config, space, on);
  const back = compile(
    (params: unknown, batch: ImageBatch) =>
      method.reconstruct?.(config, space, params, batch) ?? batch.pixels,
    on,
  );
  return {
    async draw(params) {
      const shown = batchOf(images, places, key);
      const { labels, captions } = shown;
      const said = { ...(labels && { labels }), ...(captions && { captions }) };
      const drawn =
        sampler === undefined
          ? [await bytesOfPixels(shown.pixels), await bytesOfPixels(await back(params, shown))]
          : [await bytesOfPixels(await sampler.draw(params, { count: places.length, key, ...said }))];
      return sheetOf(drawn, space);
    },
    async release() {
      await back.release();
      await sampler?.release();
    },
  };
}

/**
 * A PNG of rows of pictures; those of several sets alternate row by row, so that they stand below one another.
 * @param sets Each `[N, C, H, W]`, 0 to 255.
 */
export async function sheetOf(
  sets: readonly Uint8Array[],
  { channels: C, height: H, width: W }: Pick<ImageSpace, "channels" | "height" | "width">,
): Promise<Uint8Array> {
  const size = C * H * W;
  const count = (sets[0]?.length ?? 0) / size;
  const zoom = Math.max(1, Math.floor(LARGE / Math.max(H, W)));
  const columns = Math.min(count, COLUMNS);
  const rows = Math.ceil(count / columns) * sets.length;
  const [tileWidth, tileHeight] = [W * zoom + GAP, H * zoom + GAP];
  const [width, height] = [columns * tileWidth + GAP, rows * tileHeight + GAP];
  const channels = C === 1 ? 1 : 3;
  const paper = new Uint8Array(width * height * channels).fill(PAPER);
  sets.forEach((pixels, s) => {
    for (let n = 0; n < count; n++) {
      const top = GAP + (Math.floor(n / columns) * sets.length + s) * tileHeight;
      const left = GAP + (n % columns) * tileWidth;
      for (let y = 0; y < H * zoom; y++) {
        for (let x = 0; x < W * zoom; x++) {
          const from = Math.floor(y / zoom) * W + Math.floor(x / zoom);
          const to = ((top + y) * width + left + x) * channels;
          for (let c = 0; c < channels; c++) paper[to + c] = pixels[n * size + c * H * W + from] as number;
        }
      }
    }
  });
  return encodePng(paper, { width, height, channels });
}
