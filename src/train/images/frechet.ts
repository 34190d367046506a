// How far what a method draws lies from pictures that it was not trained on, in the features of a classifier.
import { featureMoments, frechetDistance } from "../../generative/index.ts";
import { compile, random, type Tensor, tensor } from "../../tensor/index.ts";
import { type ImageConfig, imageMethod } from "./config.ts";
import { batchOf, type ImageSet, spread } from "./images.ts";
import type { ImageSpace, On, Sampler } from "./method.ts";

/** A trained method with features. */
export interface Scorer {
  readonly config: ImageConfig;
  readonly space: ImageSpace;
  readonly params: unknown;
}

/** Pictures of each side, at most, and of one program. */
const PICTURES = 1024;
const AT_ONCE = 64;

/**
 * The Fréchet distance between `PICTURES` of a set and as many drawn with the same labels and captions.
 * @param key Decides what is drawn.
 */
export async function frechetOf(
  sampler: Sampler<unknown>,
  params: unknown,
  images: ImageSet,
  scorer: Scorer,
  { key, ...on }: On & { readonly key: random.Key },
): Promise<number> {
  const { config, space } = scorer;
  const features = compile(
    (of: unknown, pixels: Tensor) =>
      imageMethod(config.type).features?.(config, space, of, pixels) ?? pixels.reshape([AT_ONCE, -1]),
    on,
  );
  const [real, drawn]: [number[], number[]] = [[], []];
  const places = spread(images.count, PICTURES);
  try {
    for (let first = 0; first + AT_ONCE <= places.length; first += AT_ONCE) {
      const { pixels, labels, captions } = batchOf(images, places.slice(first, first + AT_ONCE), key);
      const said = { ...(labels && { labels }), ...(captions && { captions }) };
      const own = random.fold(random.fold(key, "frechet"), first);
      const made = await sampler.draw(params, { count: AT_ONCE, key: own, ...said });
      for (const [to, of] of [[real, pixels] as const, [drawn, made] as const]) {
        for (const v of (await (await features(scorer.params, of)).data()) as Float32Array) to.push(v);
      }
    }
  } finally {
    await features.release();
  }
  const rows = Math.max(AT_ONCE, Math.floor(places.length / AT_ONCE) * AT_ONCE);
  const moments = (all: readonly number[]) =>
    featureMoments(tensor(Float64Array.from(all), { shape: [rows, all.length / rows] }));
  return frechetDistance(moments(real), moments(drawn));
}
