// The way between two pictures begins and ends at their reconstructions.
import { expect, test } from "vitest";
import { initial } from "../../../src/nn/index.ts";
import { random } from "../../../src/tensor/index.ts";
import { picturesBetween } from "../../../src/train/images/between.ts";
import { imageConfig, imageMethod } from "../../../src/train/images/config.ts";
import { imageParameters } from "../../../src/train/images/task.ts";
import { expectClose, list, sample } from "../../support/check.ts";

const space = { channels: 1, height: 4, width: 4, classes: [], words: [], captionLength: 1 };
const ends = sample([2, 1, 4, 4], { low: 0, high: 1, dtype: "float32" }).x;
const key = random.key(1);
const made = (config: ReturnType<typeof imageConfig>): unknown =>
  imageParameters(imageMethod(config.type).parameters(config, space), (name, p) =>
    initial(p, random.fold(key, name)),
  );

test("a VAE's five pictures from one to another", async () => {
  const config = imageConfig({ type: "bn-vae", latent: 3, features: 4, depth: 0 });
  const params = made(config);
  const way = await list(picturesBetween(config, space, params, ends, 5));
  const back = imageMethod("bn-vae").reconstruct?.(config, space, params, { pixels: ends, key: ends });
  if (back === undefined) throw new Error("a VAE reconstructs");
  const [first, last] = [way.slice(0, 16), way.slice(-16)];
  expectClose([...first, ...last], await list(back), 1e-5);
  expect(way.slice(32, 48)).not.toEqual(first);
});

test("whole numbers have no way between them", () => {
  const config = imageConfig({ type: "fsq", features: 4 });
  expect(() => picturesBetween(config, space, made(config), ends, 3)).toThrow(
    "picturesBetween: method must make a vector of a picture and a picture of a vector, got fsq. Take vae or bn-vae.",
  );
});
