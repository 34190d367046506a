// Pictures on the way between two, for methods whose code is a vector.
import { OptionError } from "../../errors.ts";
import { vectorsBetween } from "../../model/sentence-vae.ts";
import type { Tensor } from "../../tensor/index.ts";
import { type ImageConfig, imageMethod } from "./config.ts";
import type { ImageSpace } from "./method.ts";

/**
 * `count` pictures from one to another, by the straight way between their vectors, `[count, C, H, W]`.
 * @param ends `[2, C, H, W]`. @throws OptionError for a method whose code is no vector of floats.
 */
export function picturesBetween(
  config: ImageConfig,
  space: ImageSpace,
  params: unknown,
  ends: Tensor,
  count: number,
): Tensor {
  const method = imageMethod(config.type);
  const codes = method.encode?.(config, space, params, ends);
  const vectors = codes?.rank === 2 && codes.dtype === "float32" ? vectorsBetween(codes, count) : undefined;
  const pictures = vectors && method.decode?.(config, space, params, vectors);
  if (pictures !== undefined) return pictures;
  throw new OptionError(
    `picturesBetween: method must make a vector of a picture and a picture of a vector, got ${config.type}. Take vae or bn-vae.`,
  );
}
