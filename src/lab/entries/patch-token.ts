// A next token that may be either of two: what each head draws. The mean of both is neither.
import { barChart } from "../../draw/bar-chart.ts";
import {
  type PatchHeadConfig,
  patchHeadLoss,
  patchHeadParameters,
  type PatchHeadParams,
  patchHeadSample,
} from "../../generative/index.ts";
import { initial, treeOf } from "../../nn/index.ts";
import { compile, concat, cos, random, sign, sin, type Tensor } from "../../tensor/index.ts";
import { adam } from "../adam.ts";
import type { Entry, Seeded } from "../entry.ts";
import { byMethod, everySeed } from "../methods.ts";
import { known, meanOf, seedsOf } from "../statistics.ts";

const METHODS = ["mse", "flow", "diffusion"] as const;
type Method = (typeof METHODS)[number];

interface Settings {
  readonly method: Method;
  readonly steps: number;
}

export interface TokenRow {
  readonly method: Method;
  /** Mean distance of what is drawn to the nearer of the two tokens; of data it is `noise`. */
  readonly nearest: number;
  readonly noise: number;
  /** Share near the first of the two, and within 0.4 of either. */
  readonly first: number;
  readonly within: number;
}

const [RADIUS, DEVIATION, BATCH, HELD] = [1.7, 0.1, 256, 2048] as const;
const [STEPS, NEAR] = [50, 0.4] as const;

/** Contexts on a circle, `[n, 2]`. */
function contexts(at: random.AnyKey, n: number): Tensor {
  const angle = random.uniform(at, [n, 1], { high: 2 * Math.PI });
  return concat([cos(angle), sin(angle)], 1);
}

/** A token: the context or its opposite, and a little noise. */
function tokens(at: random.AnyKey, context: Tensor): Tensor {
  const n = context.shape[0] ?? 1;
  const side = sign(random.uniform(random.fold(at, "side"), [n, 1]).sub(0.5));
  return context
    .mul(side.mul(RADIUS))
    .add(random.normal(random.fold(at, "noise"), context.shape, { std: DEVIATION }));
}

async function run({ method, steps }: Settings, seed: number): Promise<TokenRow[]> {
  const key = random.fold(random.key(seed), "patch-token");
  const config: PatchHeadConfig = { kind: method, width: 64, blocks: 2, degrees: 1000 };
  const start = treeOf(
    Object.entries(patchHeadParameters(config, 2, 2)).map(([name, p]) => [
      name,
      initial(p, random.fold(key, name)),
    ]),
  ) as PatchHeadParams;
  const params = await adam(
    start,
    (p, at) => {
      const z = contexts(random.fold(at, "context"), BATCH);
      const x = tokens(random.fold(at, "token"), z);
      const draws = {
        noise: random.normal(random.fold(at, "noise"), [1, BATCH, 2]),
        at: random.uniform(random.fold(at, "at"), [1, BATCH]),
      };
      return patchHeadLoss(config, p, z, x, draws).mean();
    },
    { steps, rate: 2e-3, key },
  );
  const draw = compile(
    (p: PatchHeadParams) => {
      const z = contexts(random.fold(key, "held"), HELD);
      const noise = random.normal(random.fold(key, "held noise"), [STEPS, HELD, 2]);
      return {
        z,
        drawn: patchHeadSample(config, p, z, noise, { steps: STEPS, bound: 4 }),
        data: tokens(random.fold(key, "held data"), z),
      };
    },
    { threads: 1 },
  );
  const found = await draw(params);
  const [z, drawn, data] = await Promise.all(
    [found.z, found.drawn, found.data].map(async (t) => Array.from(await t.data(), Number)),
  );
  /** Distances to the token and to its opposite. */
  const far = (all: readonly number[] | undefined): [number, number][] =>
    Array.from({ length: HELD }, (_, i) => {
      const of = (s: number): number =>
        Math.hypot(...[0, 1].map((j) => (all?.[2 * i + j] ?? 0) - s * RADIUS * (z?.[2 * i + j] ?? 0)));
      return [of(1), of(-1)];
    });
  const made = far(drawn);
  await draw.release();
  return [
    {
      method,
      nearest: meanOf(made.map((d) => Math.min(...d))),
      noise: meanOf(far(data).map((d) => Math.min(...d))),
      first: meanOf(made.map(([a, b]) => Number(a < b))),
      within: meanOf(made.map((d) => Number(Math.min(...d) < NEAR))),
    },
  ];
}

const nearest = (rows: readonly TokenRow[]) => byMethod(rows, (r) => r.nearest);
const sharp = (rows: readonly Seeded<TokenRow>[], method: Method): boolean | null =>
  everySeed(rows, (own) => {
    const first = byMethod(own, (r) => r.first);
    const noise = byMethod(own, (r) => r.noise);
    return known(
      [nearest(own).mean(method), noise.mean(method), first.mean(method)],
      (d = 1, n = 0, f = 0) => d < 2 * n && f > 0.4 && f < 0.6,
    );
  });

export const patchToken: Entry<Settings, TokenRow> = {
  name: "patch-token",
  row: "patches",
  claim: {
    en: "A head trained on the squared error draws the mean of what may come; a diffusion or flow head draws one of it.",
    zh: "以 MSE 训练的输出头画出的是各种可能的平均；扩散头或流匹配头画出的是其中之一。",
  },
  source: {
    says: "Su 2024, Multimodal notes II; Li et al. 2024 (MAR)",
    links: ["https://kexue.fm/archives/10197", "https://arxiv.org/abs/2406.11838"],
  },
  needs: [],
  minutes: { quick: 1, full: 8 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "flow", steps: 2 }],
    quick: METHODS.map((method) => ({ method, steps: 1000 })),
    full: METHODS.map((method) => ({ method, steps: 4000 })),
  },
  rules: [
    {
      says: {
        en: "The squared error's token lies further from both than nine tenths of their radius, on every seed.",
        zh: "MSE 头的 token 与两个模式的距离都超过半径的九成（每个种子）。",
      },
      holds: (rows) =>
        everySeed(rows, (own) => known([nearest(own).mean("mse")], (d = 0) => d > 0.9 * RADIUS)),
      shows: (rows) => nearest(rows).shows(METHODS, 3),
    },
    {
      says: {
        en: "The flow head's tokens lie within twice the data's own noise of one of the two, each drawn in 40 to 60 of 100, on every seed.",
        zh: "流匹配头的 token 与某一模式的距离在数据噪声的两倍以内，两个模式各占 40% 至 60%（每个种子）。",
      },
      holds: (rows) => sharp(rows, "flow"),
      shows: (rows) => byMethod(rows, (r) => r.first).shows(["flow"], 3),
    },
    {
      says: {
        en: "So do the diffusion head's.",
        zh: "扩散头同样如此。",
      },
      holds: (rows) => sharp(rows, "diffusion"),
      shows: (rows) => byMethod(rows, (r) => r.first).shows(["diffusion"], 3),
    },
  ],
  async run(settings, seed, { report }) {
    const rows = await run(settings, seed);
    for (const r of rows)
      report(
        `${r.method}: ${r.nearest.toFixed(3)} from the nearer (data ${r.noise.toFixed(3)}), ${(100 * r.first).toFixed(0)} % the first`,
      );
    return rows;
  },
  figures(rows) {
    return {
      "patch-token.svg": barChart({
        title: "Distance of a drawn token to the nearer of two that may come",
        subtitle: `tokens at ±${RADIUS} of their context, noise ${DEVIATION} a dimension; ${seedsOf(rows)}`,
        names: ["drawn", "of the data"],
        rows: METHODS.filter((m) => rows.some((r) => r.method === m)).map((name) => ({
          name,
          values: [nearest(rows).mean(name) ?? 0, byMethod(rows, (r) => r.noise).mean(name) ?? 0],
        })),
      }),
    };
  },
};
