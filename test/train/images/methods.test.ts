// Every image method by the contract: it learns, goes on bitwise, tells figures, and what it can do it does.
import { describe, expect, test } from "vitest";
import { flattenTree, random, tensor } from "../../../src/tensor/index.ts";
import {
  type ImageConfig,
  imageConfig,
  IMAGE_METHODS,
  imageMethod,
  parseImageMethod,
} from "../../../src/train/images/config.ts";
import { described } from "../../../src/train/images/gather.ts";
import { batchOf, type ImageSet } from "../../../src/train/images/images.ts";
import { imageTask } from "../../../src/train/images/task.ts";
import { imageSettings } from "../../../src/train/images/settings.ts";
import { memoryStore, trainRun } from "../../../src/train/index.ts";
import type { TrainChanges } from "../../../src/train/settings.ts";

/** Fields that make a method small; a method that is not here is tried as it usually is. */
const SMALL: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  classifier: { features: 8 },
  "bn-vae": { latent: 3, features: 8, depth: 0 },
  gan: { latent: 3, features: 8, depth: 0 },
  ign: { latent: 3, features: 8, depth: 0 },
  patches: { patch: 4, width: 16, layers: 2, heads: 2, headWidth: 16, headBlocks: 1 },
  vae: { latent: 3, features: 8, depth: 0 },
  fsq: { levels: [3, 4], features: 8 },
  tokens: { layers: 1, width: 16, heads: 2 },
  vq: { codes: 6, channels: 3, features: 8 },
};

/** Bars across or along pictures of `8 × 8`, a class each; `shade` varies them. */
function bars(count: number, seed: number): ImageSet {
  const draws = random.uniforms(random.key(seed), 2 * count);
  const pixels = new Uint8Array(64 * count);
  const labels: string[] = [];
  for (let n = 0; n < count; n++) {
    const at = Math.floor((draws[2 * n] ?? 0) * 7);
    const across = n % 2 === 0;
    labels.push(across ? "flat bar" : "tall bar");
    const shade = 155 + Math.floor(100 * (draws[2 * n + 1] ?? 0));
    for (let i = 0; i < 64; i++) {
      const line = across ? i >> 3 : i & 7;
      if (line === at || line === at + 1) pixels[64 * n + i] = shade;
    }
  }
  return described({ channels: 1, height: 8, width: 8 }, pixels, { labels });
}
const images = { train: bars(40, 1), validation: bars(20, 2) };
const { space } = images.train;
const bases = new Map<string, Promise<{ config: ImageConfig; params: unknown }>>();

/** Trains for a few steps in memory. */
async function trained(
  config: ImageConfig,
  steps: number,
  more: { base?: unknown; accumulate?: number; changes?: TrainChanges } = {},
) {
  const { base, accumulate = 1, changes = {} } = more;
  const settings = imageSettings(config.type, {
    steps,
    batch: 8,
    accumulate,
    checkpointEvery: 2,
    ...changes,
  });
  const task = imageTask({ config, images, settings, ...(base !== undefined && { base }), threads: 1 });
  const store = memoryStore();
  return { result: await trainRun(task, settings, store, { threads: 1 }), store };
}

/** The smallest form of a method, and the trained one that it builds on. */
async function small(type: string): Promise<{ config: ImageConfig; base?: unknown }> {
  const [of] = imageMethod(type).base ?? [];
  const fields = SMALL[type] ?? {};
  if (of === undefined) return { config: imageConfig({ type, ...fields }) };
  const made =
    bases.get(of) ??
    small(of).then(async ({ config }) => ({ config, params: (await trained(config, 3)).result.params }));
  bases.set(of, made);
  const { config, params } = await made;
  return { config: imageConfig({ type, ...fields, base: config }), base: params };
}

const numbersOf = async (params: unknown): Promise<number[]> => {
  const all: number[] = [];
  for (const [, t] of flattenTree(params)) all.push(...Array.from(await t.data(), Number));
  return all;
};

describe.each(Object.keys(IMAGE_METHODS))("%s", (type) => {
  test("trains, tells finite figures, and goes on bitwise from a checkpoint", async () => {
    const { config, base } = await small(type);
    const more = base === undefined ? {} : { base };
    const { result } = await trained(config, 4, more);
    expect(result.trainLoss).toBeLessThan(1e6);
    for (const [name, value] of Object.entries(result.numbers ?? {}))
      expect(value, name).toSatisfy(Number.isFinite);
    expect(Object.keys(result.numbers ?? {})).not.toEqual([]);
    const { validation } = imageMethod(type);
    if (validation !== undefined) expect(result.numbers).toHaveProperty(validation);
    // The same in two parts: stopped by a signal after the second step, then gone on with.
    const settings = imageSettings(type, { steps: 4, batch: 8, checkpointEvery: 2 });
    const store = memoryStore();
    const stop = new AbortController();
    const on = { threads: 1, onStep: ({ step }: { step: number }) => step === 2 && stop.abort() };
    const first = await trainRun(
      imageTask({ config, images, settings, ...more, threads: 1 }),
      settings,
      store,
      {
        ...on,
        signal: stop.signal,
      },
    );
    expect([first.interrupted, first.steps]).toEqual([true, 2]);
    const rest = await trainRun(imageTask({ config, images, settings, threads: 1 }), settings, store, {
      threads: 1,
    });
    expect(await numbersOf(rest.params)).toEqual(await numbersOf(result.params));
  });

  test("parameters that no gradient moves stay or learn, and those of its base stay", async () => {
    const { config, base } = await small(type);
    const { result } = await trained(config, 2, { ...(base !== undefined && { base }), accumulate: 2 });
    const parameters = imageMethod(type).parameters(config, space);
    const fixed = new Map(flattenTree({ base }));
    for (const [name, t] of flattenTree(result.params)) {
      const numbers = Array.from(await t.data(), Number);
      expect(numbers.every(Number.isFinite), name).toBe(true);
      if (parameters[name]?.by === "nothing" && fixed.has(name))
        expect(numbers).toEqual(Array.from((await fixed.get(name)?.data()) ?? [], Number));
    }
  });

  test("encodes, decodes, reconstructs and draws pictures of its space, by key alone", async () => {
    const { config, base } = await small(type);
    const { result } = await trained(config, 2, base === undefined ? {} : { base });
    const { params } = result;
    const method = imageMethod(type);
    const batch = batchOf(images.validation, [0, 1, 2], random.key(4));
    const back = method.reconstruct?.(config, space, params, batch);
    if (back !== undefined) expect([...back.shape]).toEqual([3, 1, 8, 8]);
    const codes = method.encode?.(config, space, params, batch.pixels);
    if (codes !== undefined && method.codes !== undefined) {
      const K = method.codes(config);
      const values = Array.from(await codes.data(), Number);
      expect(values.every((v) => Number.isInteger(v) && v >= 0 && v < K)).toBe(true);
      const decoded = method.decode?.(config, space, params, codes);
      if (decoded === undefined || back === undefined) throw new Error("codes must have a way back");
      const [a, b] = [Array.from(await decoded.data(), Number), Array.from(await back.data(), Number)];
      a.forEach((v, i) => expect(v).toBeCloseTo(b[i] ?? 0, 5));
    }
    const sampler = method.sampler?.(config, space, { threads: 1 });
    if (sampler === undefined) return;
    const said = {
      labels: tensor(Int32Array.of(0, 1)),
      captions: tensor(images.train.captions?.slice(0, 2 * space.captionLength) ?? new Int32Array(), {
        shape: [2, space.captionLength],
      }),
    };
    const draw = async (seed: number): Promise<number[]> => {
      const drawn = await sampler.draw(params, { count: 2, key: random.key(seed), steps: 2, ...said });
      expect([...drawn.shape]).toEqual([2, 1, 8, 8]);
      return Array.from(await drawn.data(), Number);
    };
    const [once, again] = [await draw(1), await draw(1)];
    expect(again).toEqual(once);
    expect(once.every((v) => v >= 0 && v <= 1)).toBe(true);
    await sampler.release();
  });
});

describe("configurations", () => {
  test("from text, with what is usual", () => {
    expect(parseImageMethod("fsq:levels=8x6x5,form=atanh,features=32")).toEqual({
      type: "fsq",
      levels: [8, 6, 5],
      form: "atanh",
      network: "conv",
      features: 32,
      depth: 1,
      patch: 4,
    });
    expect(parseImageMethod("vq").type).toBe("vq");
  });

  test.each([
    ["fsk", "images: method must be one of"],
    ["fsk", "Did you mean fsq?"],
    [
      "fsq:levels=2x5",
      "images: fsq: levels must be whole numbers between 3 and 65536 with x between them, got [2,5].",
    ],
    ["fsq:levels=ax5", "images: fsq: levels must be whole numbers"],
    ["fsq:level=8", "level"],
    ["fsq:form=round", 'images: fsq: form must be one of official, atanh, sigmoid, got "round".'],
    ["fsq:features=3.5", "images: fsq: features must be a whole number between 1 and 4096, got 3.5."],
    ["fsq:features", 'images: fsq: "features" must be field=value. Separate fields by commas.'],
    ["fsq:a=1:b=2", 'images: method must be name:field=value,…, got "fsq:a=1:b=2".'],
    ["tokens", "images: tokens must build on a run of fsq or vq (--from), got none."],
    ["vq:decay=1", "images: vq: decay must be a number between 0 and"],
  ])("%s is refused", (text, sentence) => {
    expect(() => parseImageMethod(text)).toThrow(sentence);
  });

  test("a base that is not wanted, or of another method, is refused", () => {
    const base = imageConfig({ type: "vq" });
    expect(() => imageConfig({ type: "fsq", base })).toThrow(
      'images: fsq must stand alone, got one of "vq".',
    );
    const tokens = imageConfig({ type: "tokens", base });
    expect(() => imageConfig({ type: "tokens", base: tokens })).toThrow("must build on a run of fsq or vq");
  });

  test("sizes that a network cannot have", () => {
    const check = (text: string) => {
      const config = parseImageMethod(text);
      imageMethod(config.type).check?.(config, space);
    };
    expect(() => check("fsq:patch=3")).toThrow(
      "images: patch of network conv must be a power of two from 2 on, got 3. Take the nearest, or network patches.",
    );
    expect(() => check("fsq:network=patches,patch=3,features=100")).toThrow(
      "images: features of network patches must divide into 3 heads of 32, got 100. Take 96.",
    );
    expect(() => check("fsq:network=patches,patch=3")).not.toThrow();
  });
});

test("a VQ book moves by each of its three ways, and K-means begins it among vectors", async () => {
  for (const move of ["gradient", "average", "counted"]) {
    const config = imageConfig({ type: "vq", codes: 6, channels: 3, features: 8, move });
    const [one, three] = [await trained(config, 1), await trained(config, 3)];
    const book = async (params: unknown) => {
      const leaf = flattenTree(params).find(([name]) => /^book\.(codes|sum)$/.test(name));
      return Array.from((await leaf?.[1].data()) ?? [], Number);
    };
    const [first, later] = [await book(one.result.params), await book(three.result.params)];
    expect(
      later.some((v, i) => v !== first[i]),
      move,
    ).toBe(true);
    // ±1/K would be 0.17 at most; what the encoder gives is wider.
    expect(Math.max(...first.map(Math.abs)), move).toBeGreaterThan(1 / 6);
  }
});

test("FSQ learns bars: the error falls below that of the mean picture", async () => {
  const config = imageConfig({ type: "fsq", levels: [5, 5], features: 16 });
  const { result } = await trained(config, 150, { changes: { rate: 1e-2 } });
  const { pixels, count } = images.validation;
  const mean = new Float64Array(64);
  pixels.forEach((v, i) => (mean[i % 64] = (mean[i % 64] ?? 0) + v / 255 / count));
  let error = 0;
  pixels.forEach((v, i) => (error += (v / 255 - (mean[i % 64] ?? 0)) ** 2 / pixels.length));
  expect(result.numbers?.["reconstructionMse"]).toBeLessThan(0.4 * error);
  expect(result.numbers?.["usage"]).toBeGreaterThan(0.2);
});

test("pictures that do not divide into patches come back in their own size", async () => {
  const odd = described({ channels: 3, height: 7, width: 10 }, new Uint8Array(210 * 4).fill(90), {});
  for (const network of ["conv", "patches"]) {
    const config = imageConfig({ type: "fsq", levels: [3, 3], features: 8, network });
    const settings = imageSettings("fsq", { steps: 1, batch: 2 });
    const task = imageTask({ config, images: { train: odd, validation: odd }, settings, threads: 1 });
    const { params } = await trainRun(task, settings, memoryStore(), { threads: 1 });
    const batch = batchOf(odd, [0], random.key(0));
    const back = imageMethod("fsq").reconstruct?.(config, odd.space, params, batch);
    expect([...(back?.shape ?? [])]).toEqual([1, 3, 7, 10]);
  }
});
