// The idempotent generative network in two dimensions: data on a ring, a network that begins as the identity.
import { lineChart } from "../../draw/line-chart.ts";
import { IGN_DEFAULTS, ignLosses, type IgnOptions } from "../../generative/index.ts";
import { linear, type LinearParams } from "../../nn/index.ts";
import { compile, concat, cos, random, sin, type Tensor } from "../../tensor/index.ts";
import { adam } from "../adam.ts";
import type { Entry, Seeded } from "../entry.ts";
import { byMethod, everySeed, methodsOf } from "../methods.ts";
import { known, meanOf, seedsOf } from "../statistics.ts";

const squared = (more: Partial<IgnOptions>): IgnOptions => ({
  ...IGN_DEFAULTS,
  distance: "squared",
  ...more,
});
const byData = { type: "tanh", a: 1.5, rho: "data", through: false } as const;
const METHODS = [
  "no tightness",
  "ρ of the noise",
  "ρ of the data",
  "ρ of the data, weight 10",
  "unclamped",
] as const;
type Method = (typeof METHODS)[number];
const OPTIONS: Readonly<Record<Method, IgnOptions>> = {
  "no tightness": squared({ weights: [20, 20, 0] }),
  "ρ of the noise": squared({}),
  "ρ of the data": squared({ clamp: byData }),
  "ρ of the data, weight 10": squared({ clamp: byData, weights: [20, 20, 10] }),
  unclamped: squared({ clamp: { type: "none" } }),
};

interface Settings {
  readonly method: Method;
  readonly steps: number;
}

export interface RingRow {
  readonly method: Method;
  readonly steps: number;
  /** Mean distance of `‖f(z)‖` from the radius. */
  readonly off: number;
  /** Of `‖f(f(z))‖`. */
  readonly twice: number;
  /** Share of sixteen directions that are drawn. */
  readonly covered: number;
}

const [RADIUS, BATCH, IDENTITY, HELD, BINS] = [2, 256, 300, 1024, 16] as const;

interface Net {
  readonly a: LinearParams;
  readonly b: LinearParams;
  readonly c: LinearParams;
}
const leaky = (x: Tensor): Tensor => x.relu().sub(x.neg().relu().mul(0.2));
const apply =
  (p: Net) =>
  (x: Tensor): Tensor =>
    linear(p.c, leaky(linear(p.b, leaky(linear(p.a, x)))));

async function run({ method, steps }: Settings, seed: number): Promise<RingRow[]> {
  const key = random.fold(random.key(seed), "ign-ring");
  const layer = (name: string, out: number, from: number): LinearParams => ({
    weight: random.normal(random.fold(key, name), [out, from], { std: Math.sqrt(2 / from) }),
    bias: random.normal(random.fold(key, `${name} bias`), [out], { std: 0.01 }),
  });
  const noise = (at: random.AnyKey, count: number): Tensor => random.normal(at, [count, 2]);
  const start: Net = { a: layer("a", 64, 2), b: layer("b", 64, 64), c: layer("c", 2, 64) };
  const how = { rate: 1e-3, beta1: 0.5 } as const;
  // From anything else even no tightness lands on the ring: what is fitted there is all that the network knows.
  const identity = await adam(
    start,
    (p, at) => {
      const z = noise(random.fold(at, "noise"), BATCH);
      return apply(p)(z).sub(z).square().mean();
    },
    { ...how, steps: Math.min(IDENTITY, steps), key: random.fold(key, "identity") },
  );
  const params = await adam(
    identity,
    (p, at) => {
      const angle = random.uniform(random.fold(at, "data"), [BATCH, 1], { high: 2 * Math.PI });
      const x = concat([cos(angle), sin(angle)], 1).mul(RADIUS);
      return ignLosses(apply(p), x, noise(random.fold(at, "noise"), BATCH), OPTIONS[method]).loss;
    },
    { ...how, steps, key: random.fold(key, "method") },
  );
  const look = compile(
    (p: Net) => {
      const once = apply(p)(noise(random.fold(key, "held"), HELD));
      return { once, twice: apply(p)(once) };
    },
    { threads: 1 },
  );
  const { once, twice } = await look(params);
  const points = async (t: Tensor): Promise<[number, number][]> => {
    const all = Array.from(await t.data(), Number);
    return Array.from({ length: HELD }, (_, i) => [all[2 * i] ?? 0, all[2 * i + 1] ?? 0]);
  };
  const far = (all: readonly [number, number][]): number =>
    meanOf(all.map(([x, y]) => Math.abs(Math.hypot(x, y) - RADIUS)));
  const first = await points(once);
  const bins = new Set(
    first.map(([x, y]) => Math.floor(((Math.atan2(y, x) / Math.PI + 1) / 2) * BINS) % BINS),
  );
  const row = { method, steps, off: far(first), twice: far(await points(twice)), covered: bins.size / BINS };
  await look.release();
  return [row];
}

const off = (rows: readonly RingRow[]) => byMethod(rows, (r) => r.off);
const below = (rows: readonly Seeded<RingRow>[], method: Method, share: number): boolean | null =>
  everySeed(rows, (own) =>
    known([off(own).mean(method), off(own).mean("no tightness")], (a = 1, b = 0) => a < share * b),
  );

export const ignRing: Entry<Settings, RingRow> = {
  name: "ign-ring",
  row: "ign",
  claim: {
    en: "Tightness is what makes an idempotent network draw data, and what bounds it decides whether it can.",
    zh: "紧致性损失才是 IGN 能生成数据的原因，而其截断方式决定它能否起作用。",
  },
  source: {
    says: "Su 2024, IGN; Shocher et al. 2023; choices of ρ by re-implementations",
    links: ["https://kexue.fm/archives/9969", "https://arxiv.org/abs/2311.01462"],
  },
  needs: [],
  minutes: { quick: 1, full: 12 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "unclamped", steps: 3 }],
    quick: METHODS.map((method) => ({ method, steps: 900 })),
    full: METHODS.map((method) => ({ method, steps: 3000 })),
  },
  rules: [
    {
      says: {
        en: "Without tightness the network stays the identity it began as: more than 0.7 from the ring, on every seed.",
        zh: "没有紧致性损失时网络停留在恒等映射：距圆环超过 0.7（每个种子）。",
      },
      premise: true,
      holds: (rows) => everySeed(rows, (own) => known([off(own).mean("no tightness")], (a = 0) => a > 0.7)),
      shows: (rows) => off(rows).shows(["no tightness"]),
    },
    {
      says: {
        en: "With ρ of the noise's own error it draws the ring: a quarter of that distance at most, on every seed.",
        zh: "ρ 取噪声自身误差时能画出圆环：距离不超过其四分之一（每个种子）。",
      },
      holds: (rows) => below(rows, "ρ of the noise", 0.25),
      shows: (rows) => off(rows).shows(METHODS, 3),
    },
    {
      says: {
        en: "Unclamped, as the article has it, it draws the ring too.",
        zh: "不截断（文章的形式）同样能画出圆环。",
      },
      holds: (rows) => below(rows, "unclamped", 0.25),
      shows: (rows) => off(rows).shows(["unclamped"], 3),
    },
    {
      says: {
        en: "With ρ of the data's error the clamp chokes it: the data are reconstructed already, and three quarters of the distance are left.",
        zh: "ρ 取数据重建误差时截断使其失效：数据早已重建，距离仍剩四分之三以上。",
      },
      holds: (rows) => {
        const found = off(rows);
        return known(
          [found.mean("ρ of the data"), found.mean("no tightness")],
          (a = 0, b = 1) => a > 0.75 * b,
        );
      },
      shows: (rows) => off(rows).shows(["ρ of the data", "ρ of the data, weight 10"], 3),
    },
    {
      says: {
        en: "All sixteen directions are drawn wherever the ring is: no modes are lost in two dimensions.",
        zh: "只要画出圆环，十六个方向全部覆盖：二维中没有模式丢失。",
      },
      holds: (rows) => {
        const own = rows.filter((r) => r.method === "unclamped" || r.method === "ρ of the noise");
        return own.length === 0 ? null : own.every((r) => r.covered === 1);
      },
      shows: (rows) => byMethod(rows, (r) => r.covered).shows(METHODS),
    },
  ],
  async run(settings, seed, { report }) {
    const rows = await run(settings, seed);
    for (const r of rows)
      report(`${r.method}: ${r.off.toFixed(3)} off the ring, ${r.twice.toFixed(3)} when applied twice`);
    return rows;
  },
  figures(rows) {
    const twice = byMethod(rows, (r) => r.twice);
    return {
      "ign-ring.svg": lineChart({
        title: "How far from the ring noise lands",
        subtitle: `ring of radius ${RADIUS}, 2-64-64-2 network that begins as the identity; ${seedsOf(rows)}`,
        x: "applications",
        y: "mean distance",
        series: methodsOf(rows).map((name) => ({
          name,
          points: [
            [1, off(rows).mean(name) ?? 0],
            [2, twice.mean(name) ?? 0],
          ],
        })),
      }),
    };
  },
};
