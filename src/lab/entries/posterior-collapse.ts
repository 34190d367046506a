// Where a decoder's likelihood is broad, a plain VAE says nothing of its data. A linear VAE with Gaussian likelihood shows it in
// seconds: 2 factors in 10 dimensions, 8 latent ones.
import { barChart } from "../../draw/bar-chart.ts";
import {
  aggregateMoments,
  activeUnits,
  divergenceFloor,
  divergenceLoss,
  posterior,
  type PosteriorConfig,
} from "../../generative/index.ts";
import { linear, type LinearParams } from "../../nn/index.ts";
import { compile, matmul, random, type Tensor, zeros } from "../../tensor/index.ts";
import { adam } from "../adam.ts";
import type { Entry } from "../entry.ts";
import { everySeed, methodsOf } from "../methods.ts";
import { known, meanOf, seedsOf, spread } from "../statistics.ts";

const METHODS = ["plain", "BN γ=0.5", "scaler τ=0.5", "free nats"] as const;
type Method = (typeof METHODS)[number];

interface Settings {
  readonly method: Method;
  /** Variance of the likelihood. */
  readonly variance: number;
  readonly steps: number;
}

export interface CollapseRow {
  readonly method: Method;
  readonly variance: number;
  readonly kl: number;
  readonly active: number;
  /** Mean squared distance of a picture and its reconstruction from a sample. */
  readonly error: number;
  readonly second: number;
}

const [FACTORS, WIDTH, LATENT, BATCH, TRUTH] = [2, 10, 8, 256, 4096] as const;
/** Variance of the data, all dimensions together. */
const SIGNAL = 14;

const KINDS: Readonly<Record<Method, PosteriorConfig>> = {
  plain: { type: "plain" },
  "BN γ=0.5": { type: "bn", gamma: 0.5 },
  "scaler τ=0.5": { type: "scaler", tau: 0.5 },
  "free nats": { type: "plain" },
};

interface Params {
  readonly mean: LinearParams;
  readonly spread: LinearParams;
  readonly out: LinearParams;
  readonly beta: Tensor;
  readonly theta: Tensor;
}

async function run({ method, variance, steps }: Settings, seed: number): Promise<CollapseRow[]> {
  const key = random.fold(random.key(seed), "posterior-collapse");
  const raw = random.normal(random.fold(key, "mixing"), [FACTORS, WIDTH]);
  const mixing = raw.mul(Math.sqrt(SIGNAL / (await raw.square().sum().item())));
  const layer = (name: string, out: number, from: number): LinearParams => ({
    weight: random.normal(random.fold(key, name), [out, from], { std: 0.3 }),
    bias: zeros([out]),
  });
  const start: Params = {
    mean: layer("mean", LATENT, WIDTH),
    spread: layer("spread", LATENT, WIDTH),
    out: layer("out", WIDTH, LATENT),
    beta: zeros([LATENT]),
    theta: zeros([LATENT]),
  };
  const kind = KINDS[method];
  const through = (p: Params, x: Tensor, at: random.AnyKey) => {
    const raw = { mean: linear(p.mean, x), spread: linear(p.spread, x) };
    const q = posterior(kind, p, raw, { train: true });
    const z = q.mean.add(q.deviation.mul(random.normal(at, q.mean.shape)));
    return { q, error: linear(p.out, z).sub(x).square().sum({ axis: 1 }).mean() };
  };
  const data = (at: random.AnyKey, count: number): Tensor =>
    matmul(random.normal(at, [count, FACTORS]), mixing);
  const params = await adam(
    start,
    (p, at) => {
      const { q, error } = through(p, data(random.fold(at, "data"), BATCH), random.fold(at, "noise"));
      const rule = method === "free nats" ? { freeNats: 0.125 } : {};
      return error.div(2 * variance).add(divergenceLoss(q, rule));
    },
    { steps, rate: 5e-3, key },
  );
  const look = compile(
    (p: Params) => {
      const { q, error } = through(
        p,
        data(random.fold(key, "truth"), TRUTH),
        random.fold(key, "truth noise"),
      );
      const { second } = aggregateMoments(q);
      return { kl: divergenceLoss(q), active: activeUnits(q.mean), error, second };
    },
    { threads: 1 },
  );
  const found = await look(params);
  const row = {
    method,
    variance,
    kl: await found.kl.item(),
    active: await found.active.item(),
    error: await found.error.item(),
    second: await found.second.item(),
  };
  await look.release();
  return [row];
}

type Rows = readonly CollapseRow[];
const values = (rows: Rows, method: Method, variance: number, of: (r: CollapseRow) => number): number[] =>
  rows.filter((r) => r.method === method && r.variance === variance).map(of);
const mean = (
  rows: Rows,
  method: Method,
  variance: number,
  of: (r: CollapseRow) => number,
): number | undefined => {
  const all = values(rows, method, variance, of);
  return all.length === 0 ? undefined : meanOf(all);
};
const shown = (rows: Rows, variance: number, of: (r: CollapseRow) => number): string =>
  METHODS.map((m) => `${m} ${spread(values(rows, m, variance, of))}`).join(", ");
const units = (variances: readonly number[], steps: number): Settings[] =>
  METHODS.flatMap((method) => variances.map((variance) => ({ method, variance, steps })));

const FLOOR = divergenceFloor(KINDS["BN γ=0.5"], LATENT);
const SCALER_FLOOR = divergenceFloor(KINDS["scaler τ=0.5"], LATENT);

export const posteriorCollapse: Entry<Settings, CollapseRow> = {
  name: "posterior-collapse",
  row: "bn-vae",
  claim: {
    en: "Normalising the posterior means keeps the divergence on its floor where a plain VAE collapses, and costs where nothing collapses.",
    zh: "对后验均值做 BN 能在普通 VAE 坍缩时让 KL 停在下界；在本不坍缩时则有代价。",
  },
  source: {
    says: "Su 2020, The divergence vanishing of VAEs; Zhu et al. 2020 (BN-VAE)",
    links: ["https://kexue.fm/archives/7381", "https://arxiv.org/abs/2004.12585"],
  },
  needs: [],
  minutes: { quick: 0.7, full: 6 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "BN γ=0.5", variance: 30, steps: 3 }],
    quick: units([1, 30], 700),
    full: units([1, 30, 100], 2500),
  },
  rules: [
    {
      says: {
        en: "A plain VAE collapses at a likelihood variance of 30: less than 0.05 nats, no active unit, on every seed.",
        zh: "似然方差为 30 时普通 VAE 坍缩：KL 低于 0.05，活跃单元为零（每个种子）。",
      },
      premise: true,
      holds: (rows) =>
        everySeed(rows, (own) =>
          known(
            [mean(own, "plain", 30, (r) => r.kl), mean(own, "plain", 30, (r) => r.active)],
            (kl = 1, active = 1) => kl < 0.05 && active === 0,
          ),
        ),
      shows: (rows) => shown(rows, 30, (r) => r.kl),
    },
    {
      says: {
        en: "There BN-VAE's divergence stands on its floor (within a twentieth) with all units active.",
        zh: "此时 BN-VAE 的 KL 停在下界（误差二十分之一以内），全部单元活跃。",
      },
      holds: (rows) =>
        known(
          [mean(rows, "BN γ=0.5", 30, (r) => r.kl), mean(rows, "BN γ=0.5", 30, (r) => r.active)],
          (kl = 0, active = 0) => Math.abs(kl / FLOOR - 1) < 0.05 && active === LATENT,
        ),
      shows: (rows) => `${shown(rows, 30, (r) => r.kl)}; floor ${FLOOR.toFixed(2)}`,
    },
    {
      says: {
        en: "There it reconstructs better than the plain VAE, by a fifth at least.",
        zh: "此时其重建误差比普通 VAE 至少低五分之一。",
      },
      holds: (rows) =>
        known(
          [mean(rows, "BN γ=0.5", 30, (r) => r.error), mean(rows, "plain", 30, (r) => r.error)],
          (bn = 1, plain = 0) => bn < 0.8 * plain,
        ),
      shows: (rows) => shown(rows, 30, (r) => r.error),
    },
    {
      says: {
        en: "At a variance of 1, where nothing collapses, it reconstructs worse than the plain VAE.",
        zh: "方差为 1（无坍缩）时，其重建比普通 VAE 差。",
      },
      holds: (rows) =>
        known(
          [mean(rows, "BN γ=0.5", 1, (r) => r.error), mean(rows, "plain", 1, (r) => r.error)],
          (bn = 0, plain = 1) => bn > plain,
        ),
      shows: (rows) => shown(rows, 1, (r) => r.error),
    },
    {
      says: {
        en: "Under the scaler the aggregate second moment is 1 (within 0.02), and the divergence above its floor.",
        zh: "使用 scaler 时总体二阶矩为 1（误差 0.02 以内），KL 高于其下界。",
      },
      holds: (rows) => {
        const own = rows.filter((r) => r.method === "scaler τ=0.5");
        if (own.length === 0) return null;
        // θ is learnt: τ alone bounds it, D τ / 2.
        return own.every((r) => Math.abs(r.second - 1) < 0.02 && r.kl > LATENT * 0.25 * 0.99);
      },
      shows: (rows) =>
        `${shown(rows, 30, (r) => r.second)}; divergence ${spread(values(rows, "scaler τ=0.5", 30, (r) => r.kl))}, ${SCALER_FLOOR.toFixed(2)} at θ = 0`,
    },
  ],
  async run(settings, seed, { report }) {
    const rows = await run(settings, seed);
    for (const r of rows)
      report(
        `${r.method}, variance ${r.variance}: ${r.kl.toFixed(3)} nats, ${r.active} active, error ${r.error.toFixed(2)}`,
      );
    return rows;
  },
  figures(rows) {
    const variances = [...new Set(rows.map((r) => r.variance))].sort((a, b) => a - b);
    const chart = (title: string, of: (r: CollapseRow) => number): string =>
      barChart({
        title,
        subtitle: `linear VAE, 2 factors in 10 dimensions, ${LATENT} latent ones; ${seedsOf(rows)}`,
        names: variances.map((v) => `variance ${v}`),
        rows: methodsOf(rows).map((name) => ({
          name,
          values: variances.map((v) => mean(rows, name as Method, v, of) ?? 0),
        })),
      });
    return {
      "posterior-collapse-kl.svg": chart(
        "Nats that the posterior holds, by the variance of the likelihood",
        (r) => r.kl,
      ),
      "posterior-collapse-error.svg": chart("Squared error of reconstructions", (r) => r.error),
    };
  },
};
