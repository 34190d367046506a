// An idempotent network beside a GAN and a VAE of its size: Fréchet distance of drawn digits in the features of a classifier.
import { barChart } from "../../draw/bar-chart.ts";
import { DIGITS, drawDigits, halfDigits, judgeKnows, judgeOf, trainOnDigits } from "../digits.ts";
import type { Entry } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { known, rangeOf, seedsOf } from "../statistics.ts";

const SIZES = "features=16,depth=0,patch=2,latent=64";
const METHODS = ["IGN, ρ of the data", "IGN, ρ of the noise", "IGN, no clamp", "GAN", "VAE"] as const;
type Method = (typeof METHODS)[number];
const FORMS: Readonly<Record<Method, string>> = {
  "IGN, ρ of the data": `ign:rho=data,${SIZES}`,
  "IGN, ρ of the noise": `ign:rho=noise,${SIZES}`,
  "IGN, no clamp": `ign:rho=none,${SIZES}`,
  GAN: `gan:${SIZES}`,
  VAE: `vae:${SIZES}`,
};
const IGNS = METHODS.filter((name) => name.startsWith("IGN"));

interface Settings {
  readonly method: Method;
  readonly steps: number;
  readonly judge: number;
  readonly digits: number;
}

export interface IgnDigitsRow {
  readonly method: Method;
  readonly steps: number;
  /** The classifier's own accuracy. */
  readonly judge: number;
  readonly frechet: number;
}

const DRAWN = 1000;
const distance = (rows: readonly IgnDigitsRow[]) => byMethod(rows, (r) => r.frechet);
const best = (rows: readonly IgnDigitsRow[]): number | undefined => {
  const means = IGNS.flatMap((name) => distance(rows).mean(name) ?? []);
  return means.length < IGNS.length ? undefined : Math.min(...means);
};

export const ignDigits: Entry<Settings, IgnDigitsRow> = {
  name: "ign-digits",
  row: "ign",
  claim: {
    en: "An idempotent network draws worse than a GAN of the same network cut in two, and its runs differ more.",
    zh: "同样大小下，IGN 的生成效果不如 GAN，且不同种子之间差异更大。",
  },
  source: {
    says: "Su 2024, IGN; Shocher et al. 2023",
    links: ["https://kexue.fm/archives/9969", "https://arxiv.org/abs/2311.01462"],
  },
  needs: DIGITS,
  minutes: { quick: 2, full: 240 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "GAN", steps: 1, judge: 1, digits: 64 }],
    quick: (["IGN, ρ of the noise", "VAE"] as const).map((method) => ({
      method,
      steps: 120,
      judge: 150,
      digits: 5000,
    })),
    full: METHODS.map((method) => ({ method, steps: 8000, judge: 2000, digits: 60_000 })),
  },
  rules: [
    judgeKnows(0.7),
    {
      says: {
        en: "The best of three readings of the clamp is further from real digits than the GAN.",
        zh: "三种截断中最好的一种离真实数字仍比 GAN 远。",
      },
      holds: (rows) => known([best(rows), distance(rows).mean("GAN")], (ign = 0, gan = 1) => ign > gan),
      shows: (rows) => distance(rows).shows(methodsOf(rows), 1),
    },
    {
      says: { en: "It is further than the VAE.", zh: "也比 VAE 远。" },
      holds: (rows) => known([best(rows), distance(rows).mean("VAE")], (ign = 0, vae = 1) => ign > vae),
      shows: (rows) => distance(rows).shows(methodsOf(rows), 1),
    },
    {
      says: {
        en: "Over seeds its distances range more widely than the GAN's, as a share of their mean.",
        zh: "相对均值而言，IGN 在种子间的波动大于 GAN。",
      },
      holds: (rows) => {
        const share = (name: string): number | undefined => {
          const values = distance(rows).values(name);
          const mean = distance(rows).mean(name);
          return values.length < 2 || mean === undefined ? undefined : rangeOf(values) / mean;
        };
        return known([share("IGN, ρ of the noise"), share("GAN")], (ign = 0, gan = 1) => ign > gan);
      },
      shows: (rows) => distance(rows).shows(methodsOf(rows), 1),
    },
  ],
  async run({ method, steps, judge: judgeSteps, digits }, seed, context) {
    const images = await halfDigits(context, { train: digits, held: Math.min(2000, digits) });
    const judge = await judgeOf(images, judgeSteps, seed);
    const model = await trainOnDigits(FORMS[method], images, { steps, seed });
    const { pixels } = await drawDigits(model, images, Math.min(DRAWN, digits), seed + 1);
    const frechet = await judge.frechet(pixels);
    await judge.release();
    context.report(
      `${method}: Fréchet ${frechet.toFixed(1)} by a judge of ${(100 * judge.accuracy).toFixed(1)} %`,
    );
    return [{ method, steps, judge: judge.accuracy, frechet }];
  },
  figures(rows) {
    return {
      "ign-digits.svg": barChart({
        title: "Fréchet distance of drawn digits and real ones",
        subtitle: `in the features of a classifier of ${(100 * (rows[0]?.judge ?? 0)).toFixed(1)} %; 14 × 14, one network's size; ${seedsOf(rows)}`,
        names: ["distance"],
        rows: methodsOf(rows).map((name) => ({ name, values: [distance(rows).mean(name) ?? 0] })),
      }),
    };
  },
};
