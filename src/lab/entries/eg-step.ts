// Step sizes by exponentiated gradient: a quadratic in 20 directions at a rate a hundred times too small, whose minimum moves.
import { lineChart } from "../../draw/line-chart.ts";
import { constantRate, funnelledGain, metaGain, sgd, type Transform } from "../../optim/index.ts";
import { compile, evaluate, random, type Tensor, tensor } from "../../tensor/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { known, seedsOf } from "../statistics.ts";

const METHODS = {
  "SGD, 0.001": { rate: 0.001, gamma: 0, kind: "plain" },
  "SGD, 0.1": { rate: 0.1, gamma: 0, kind: "plain" },
  "article, γ = 0.01": { rate: 0.001, gamma: 0.01, kind: "raw" },
  "article, γ = 0.1": { rate: 0.001, gamma: 0.1, kind: "raw" },
  "signs, γ = 0.02": { rate: 0.001, gamma: 0.02, kind: "signs" },
  "whole by cosines, γ = 0.02": { rate: 0.001, gamma: 0.02, kind: "whole" },
} as const;
type Method = keyof typeof METHODS;

interface EgStepSettings {
  readonly method: Method;
  readonly steps: number;
}

export interface EgStepRow {
  readonly method: Method;
  /** Mean loss of the last twentieth; null where it was not finite, or above that of the start a thousandfold. */
  readonly loss: number | null;
  /** log₁₀ of mean losses over fiftieths of the run; null where not finite. */
  readonly curve: readonly (number | null)[];
}

interface Params {
  readonly x: Tensor;
}

const SIZE = 20;
const CURVATURE = Float64Array.from({ length: SIZE }, (_, i) => 0.1 * 100 ** (i / (SIZE - 1)));

function ruleOf(method: Method): Transform<Params, Record<string, unknown>> {
  const { rate, gamma, kind } = METHODS[method];
  const by = constantRate(rate);
  if (kind === "plain") return sgd(by);
  // The article has no bounds: these are beyond any that is reached before numbers overflow.
  if (kind === "raw") return metaGain(by, { gamma, low: 1e-30, high: 1e30 });
  if (kind === "signs") return metaGain(by, { gamma, normalise: true });
  return funnelledGain(by, { gamma: 0, whole: gamma, momentum: 0, beta: 0, normalise: true });
}

async function lossesOf({ method, steps }: EgStepSettings, seed: number): Promise<number[]> {
  const rule = ruleOf(method);
  const step = compile((x: Tensor, state: Record<string, unknown>, minimum: Tensor, noise: Tensor) => {
    const away = x.sub(minimum);
    const h = tensor(CURVATURE);
    const { updates, state: next } = rule.update({ x: away.mul(h).add(noise) }, state, { x });
    return { x: x.add(updates.x), state: next, loss: away.mul(away).mul(h).sum().mul(0.5) };
  });
  const key = random.key(seed);
  const noise = random.normals(random.fold(key, "noise"), steps * SIZE);
  const places = [0, 1].map((k) => tensor(random.normals(random.fold(key, `minimum ${k}`), SIZE)));
  const [before, after] = places as [Tensor, Tensor];
  const losses: number[] = [];
  let now: { x: Tensor; state: Record<string, unknown> } = await evaluate({
    x: tensor(new Float64Array(SIZE)),
    state: rule.init({ x: before }),
  });
  for (let t = 0; t < steps; t++) {
    const part = noise.slice(t * SIZE, (t + 1) * SIZE).map((v) => 0.05 * v);
    const next = await step(now.x, now.state, t < steps / 2 ? before : after, tensor(part));
    losses.push(await next.loss.item());
    now = next;
  }
  await step.release();
  return losses;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const finite = (value: number, start: number): number | null =>
  Number.isFinite(value) && value < 1000 * start ? value : null;

const found = (rows: readonly EgStepRow[]) => byMethod(rows, (r) => r.loss ?? Number.POSITIVE_INFINITY);
const below = (rows: readonly EgStepRow[], a: Method, b: Method, factor = 1): boolean | null =>
  known([found(rows).mean(a), found(rows).mean(b)], (x = 0, y = 0) => x < factor * y);
const settings = (steps: number): EgStepSettings[] =>
  (Object.keys(METHODS) as Method[]).map((method) => ({ method, steps }));

export const egStep: Entry<EgStepSettings, EgStepRow> = {
  name: "eg-step",
  row: "eg-step",
  claim: {
    en: "Step sizes trained by exponentiated gradient adapt where a rate is far too small; raw products of gradients diverge or adapt by the size of γ, normalised ones recover.",
    zh: "用指数梯度训练的步长能自动适应过小的学习率；直接用梯度乘积时，发散与否取决于 γ 的大小，而归一化后可以恢复。",
  },
  source: {
    says: "Su 2022, Exponentiated gradient and meta-learned step sizes; Amid, Anil, Fifty and Warmuth 2022",
    links: ["https://kexue.fm/archives/8968", "https://arxiv.org/abs/2202.00145"],
  },
  needs: [],
  minutes: { quick: 0.5, full: 2 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "article, γ = 0.01", steps: 50 }],
    quick: settings(2000),
    full: settings(2000),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "The rate is far too small: SGD at 0.1 ends below a tenth of SGD at 0.001.",
        zh: "学习率确实过小：0.1 的 SGD 的最终损失不到 0.001 的十分之一。",
      },
      holds: (rows) => below(rows, "SGD, 0.1", "SGD, 0.001", 0.1),
      shows: (rows) => found(rows).shows(["SGD, 0.1", "SGD, 0.001"], 4),
    },
    {
      says: {
        en: "The article's gains adapt at γ = 0.01: they end below SGD at the same rate.",
        zh: "文章形式在 γ = 0.01 时能够适应：最终损失低于同学习率的 SGD。",
      },
      holds: (rows) => below(rows, "article, γ = 0.01", "SGD, 0.001"),
      shows: (rows) => found(rows).shows(["article, γ = 0.01"], 4),
    },
    {
      says: {
        en: "They diverge at γ = 0.1, on every seed.",
        zh: "γ = 0.1 时在每个种子上都发散。",
      },
      holds: (rows) => {
        const of = rows.filter((r) => r.method === "article, γ = 0.1");
        return of.length === 0 ? null : of.every((r) => r.loss === null);
      },
      shows: (rows) => found(rows).shows(["article, γ = 0.1"], 4),
    },
    {
      says: {
        en: "Gains by signs end below a twentieth of SGD at the same rate.",
        zh: "按符号归一化的增益的最终损失低于同学习率 SGD 的二十分之一。",
      },
      holds: (rows) => below(rows, "signs, γ = 0.02", "SGD, 0.001", 0.05),
      shows: (rows) => found(rows).shows(["signs, γ = 0.02"], 4),
    },
    {
      says: {
        en: "One gain of the whole by cosines ends below a twentieth of it too.",
        zh: "按余弦归一化的整体增益也是如此。",
      },
      holds: (rows) => below(rows, "whole by cosines, γ = 0.02", "SGD, 0.001", 0.05),
      shows: (rows) => found(rows).shows(["whole by cosines, γ = 0.02"], 5),
    },
  ],
  beyond: [
    {
      en: "The post has no experiment of its own, and the paper's on large models are out of reach.",
      zh: "文章本身没有实验；论文在大模型上的实验无法在此重现。",
    },
  ],
  async run(settings, seed) {
    const losses = await lossesOf(settings, seed);
    const start = losses[0] ?? 1;
    const size = Math.ceil(losses.length / 50);
    const curve = Array.from({ length: Math.ceil(losses.length / size) }, (_, i) => {
      const value = finite(mean(losses.slice(i * size, (i + 1) * size)), start);
      return value === null ? null : Math.log10(Math.max(value, 1e-12));
    });
    const last = finite(mean(losses.slice(-Math.ceil(losses.length / 20))), start);
    return [{ method: settings.method, loss: last, curve }];
  },
  figures: (rows) => ({
    "eg-step.svg": lineChart({
      title: "A rate a hundred times too small, and a minimum that moves halfway",
      subtitle: `Quadratic in 20 directions, curvatures 0.1 to 10, noisy gradients; ${seedsOf(rows.slice(0, 1))}`,
      x: "fiftieth of the run",
      y: "log₁₀ loss",
      series: methodsOf(rows).map((name) => ({
        name,
        points: (rows.find((r) => r.method === name)?.curve ?? []).flatMap((v, i): [number, number][] =>
          v === null ? [] : [[i + 1, v]],
        ),
      })),
    }),
  }),
};
