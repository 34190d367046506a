// One model, both ways: digits drawn from their names are recognised by a classifier, digits are read; by head and system.
import { barChart } from "../../draw/bar-chart.ts";
import { random } from "../../tensor/index.ts";
import { imageMethod } from "../../train/images/config.ts";
import { batchOf, spread } from "../../train/images/images.ts";
import { DIGITS, drawDigits, halfDigits, judgeKnows, judgeOf, trainOnDigits } from "../digits.ts";
import type { Entry } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { known, seedsOf } from "../statistics.ts";

const SIZES = "patch=7,width=96,layers=3,headWidth=128,headBlocks=2";
const METHODS = [
  "raster, flow",
  "raster, diffusion",
  "raster, mse",
  "random, flow",
  "joint",
  "noised",
] as const;
type Method = (typeof METHODS)[number];
const FORMS: Readonly<Record<Method, string>> = {
  "raster, flow": `patches:system=raster,head=flow,${SIZES}`,
  "raster, diffusion": `patches:system=raster,head=diffusion,${SIZES}`,
  "raster, mse": `patches:system=raster,head=mse,${SIZES}`,
  "random, flow": `patches:system=random,head=flow,${SIZES}`,
  joint: `patches:system=joint,${SIZES}`,
  noised: `patches:system=noised,${SIZES}`,
};

interface Settings {
  readonly method: Method;
  readonly steps: number;
  readonly judge: number;
  readonly digits: number;
}

export interface PatchDigitsRow {
  readonly method: Method;
  readonly steps: number;
  /** The classifier's own accuracy on held-out digits. */
  readonly judge: number;
  /** Share of drawn digits that it calls by the name they were drawn from. */
  readonly recognised: number;
  /** Share of held-out digits whose name is written right. */
  readonly read: number;
  readonly frechet: number;
}

/** Digits drawn, and read. */
const DRAWN = 500;
const READ = 1000;

async function run(
  { method, steps, judge: judgeSteps, digits }: Settings,
  seed: number,
  context: Parameters<Entry<Settings, PatchDigitsRow>["run"]>[2],
): Promise<PatchDigitsRow[]> {
  const images = await halfDigits(context, { train: digits, held: Math.min(2000, digits) });
  const judge = await judgeOf(images, judgeSteps, seed);
  context.report(`judge: ${(100 * judge.accuracy).toFixed(1)} %`);
  const model = await trainOnDigits(FORMS[method], images, { steps, seed });
  const drawn = await drawDigits(model, images, Math.min(DRAWN, digits), seed + 1);
  const { space } = images.train;
  const captioner = imageMethod("patches").captioner?.(model.config, space, { threads: 1 });
  const held = batchOf(images.validation, spread(images.validation.count, READ), random.key(seed));
  const wanted = Array.from((await held.captions?.data()) ?? [], Number);
  const said = captioner
    ? Array.from(await (await captioner.read(model.params, held.pixels)).data(), Number)
    : [];
  await captioner?.release();
  const L = space.captionLength;
  const places = Array.from({ length: wanted.length / L }, (_, i) => i * L);
  const right = places.filter((at) =>
    Array.from({ length: L }, (_, j) => said[at + j] === wanted[at + j]).every(Boolean),
  );
  const row = {
    method,
    steps,
    judge: judge.accuracy,
    recognised: await judge.recognised(drawn.pixels, drawn.labels),
    read: right.length / places.length,
    frechet: await judge.frechet(drawn.pixels),
  };
  await judge.release();
  return [row];
}

const recognised = (rows: readonly PatchDigitsRow[]) => byMethod(rows, (r) => r.recognised);
const frechet = (rows: readonly PatchDigitsRow[]) => byMethod(rows, (r) => r.frechet);

export const patchDigits: Entry<Settings, PatchDigitsRow> = {
  name: "patch-digits",
  row: "patches",
  claim: {
    en: "One Transformer draws digits from their names and reads them, with patches as they are; a head trained on the squared error does not.",
    zh: "同一个 Transformer 直接以 Patch 为输入，既能由名称画出数字，也能读出数字；以 MSE 训练的输出头则画不好。",
  },
  source: {
    says: "Su 2024, Multimodal notes I and II; Li et al. 2024 (MAR)",
    links: [
      "https://kexue.fm/archives/9984",
      "https://kexue.fm/archives/10197",
      "https://arxiv.org/abs/2406.11838",
    ],
  },
  needs: DIGITS,
  minutes: { quick: 2, full: 300 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "joint", steps: 1, judge: 1, digits: 64 }],
    quick: (["raster, flow", "raster, mse"] as const).map((method) => ({
      method,
      steps: 250,
      judge: 200,
      digits: 10_000,
    })),
    full: METHODS.map((method) => ({ method, steps: 8000, judge: 2000, digits: 60_000 })),
  },
  rules: [
    judgeKnows(0.8),
    {
      says: {
        en: "With a flow head in raster order at least 95 of 100 drawn digits are recognised.",
        zh: "光栅顺序加流匹配头时，画出的数字至少 95% 被认出。",
      },
      holds: (rows) => known([recognised(rows).mean("raster, flow")], (a = 0) => a >= 0.95),
      direction: (rows) => known([recognised(rows).mean("raster, flow")], (a = 0) => a > 0.3),
      shows: (rows) => recognised(rows).shows(methodsOf(rows), 3),
    },
    {
      says: {
        en: "The same weights read at least 97 of 100 held-out digits.",
        zh: "同一组权重读对至少 97% 的测试数字。",
      },
      holds: (rows) => known([byMethod(rows, (r) => r.read).mean("raster, flow")], (a = 0) => a >= 0.97),
      direction: (rows) => known([byMethod(rows, (r) => r.read).mean("raster, flow")], (a = 0) => a > 0.3),
      shows: (rows) => byMethod(rows, (r) => r.read).shows(methodsOf(rows), 3),
    },
    {
      says: {
        en: "Digits of the squared error are further from real ones than those of the flow head, in the judge's features.",
        zh: "在分类器特征中，MSE 头画出的数字比流匹配头的离真实数字更远。",
      },
      holds: (rows) =>
        known(
          [frechet(rows).mean("raster, mse"), frechet(rows).mean("raster, flow")],
          (mse = 0, flow = 1) => mse > flow,
        ),
      shows: (rows) => frechet(rows).shows(methodsOf(rows), 1),
    },
    {
      says: {
        en: "Random order is nearer to real digits than raster order, as in MAR.",
        zh: "如 MAR 所述，随机顺序比光栅顺序更接近真实数字。",
      },
      holds: (rows) =>
        known(
          [frechet(rows).mean("random, flow"), frechet(rows).mean("raster, flow")],
          (free = 1, raster = 0) => free < raster,
        ),
      shows: (rows) => frechet(rows).shows(methodsOf(rows), 1),
    },
  ],
  beyond: [
    {
      en: "MAR's FID on ImageNet 256 × 256 needs its data and some hundred million parameters.",
      zh: "MAR 在 ImageNet 256 × 256 上的 FID 需要其数据与数亿参数。",
    },
  ],
  async run(settings, seed, context) {
    const rows = await run(settings, seed, context);
    for (const r of rows) {
      context.report(
        `${r.method}: ${(100 * r.recognised).toFixed(1)} % recognised, ${(100 * r.read).toFixed(1)} % read, Fréchet ${r.frechet.toFixed(1)}`,
      );
    }
    return rows;
  },
  figures(rows) {
    return {
      "patch-digits.svg": barChart({
        title: "Digits drawn from their names and recognised, and digits read",
        subtitle: `14 × 14, four patches; judge ${(100 * (rows[0]?.judge ?? 0)).toFixed(1)} %; ${seedsOf(rows)}`,
        names: ["drawn and recognised", "read"],
        rows: methodsOf(rows).map((name) => ({
          name,
          values: [recognised(rows).mean(name) ?? 0, byMethod(rows, (r) => r.read).mean(name) ?? 0],
        })),
      }),
    };
  },
};
