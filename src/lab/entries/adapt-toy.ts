// LoRA-GA and LoRA-Pro on a net of two layers whose teacher is the base and a change, of rank 4 or of full rank; each method at
// its best rate.
import {
  type Adapter,
  isFactor,
  lora,
  loraGaStart,
  loraPlusRate,
  loraPro,
  type LoraParams,
  startedAdapter,
  freshAdapter,
  withAdapter,
} from "../../adapt/index.ts";
import { lineChart } from "../../draw/line-chart.ts";
import { adamw, sgd } from "../../optim/index.ts";
import {
  compile,
  evaluate,
  grad,
  matmul,
  mean,
  random,
  square,
  sum,
  svd,
  tanh,
  type Tensor,
  tensor,
  valueAndGrad,
  zipTrees,
} from "../../tensor/index.ts";
import type { Entry } from "../entry.ts";
import { known } from "../statistics.ts";

const METHODS = ["full", "LoRA", "LoRA+", "LoRA-GA", "LoRA-Pro", "LoRA-GA + Pro"] as const;
type Method = (typeof METHODS)[number];
type Shift = "rank 4" | "full rank";
type Rule = "SGD" | "Adam";

interface AdaptToySettings {
  readonly shift: Shift;
  readonly optimizer: Rule;
  readonly method: Method;
  readonly rate: number;
  readonly steps: number;
}

export interface AdaptToyRow {
  readonly shift: Shift;
  readonly optimizer: Rule;
  readonly method: Method;
  readonly rate: number;
  /** Loss after 10 and 30 steps, and after the last; null where it was not finite. */
  readonly at10: number | null;
  readonly at30: number | null;
  readonly last: number | null;
}

const [FROM, HIDDEN, OUT, SAMPLES, RANK] = [32, 64, 16, 512, 4];
/** Scale of both factors of LoRA-GA before LoRA-Pro, as the specification's table has it. */
const SMALL = 0.25;

interface Net {
  readonly up: { readonly weight: Tensor };
  readonly down: { readonly weight: Tensor };
}

function apply(net: Net, x: Tensor): Tensor {
  const map = (params: { readonly weight: Tensor }, input: Tensor): Tensor =>
    "lora_A" in params
      ? lora.apply(params as unknown as LoraParams, input)
      : matmul(input, params.weight, { transposeB: true });
  return map(net.down, tanh(map(net.up, x)));
}

/** The base, inputs, and what the teacher gives for them. */
async function problem(shift: Shift, seed: number): Promise<{ base: Net; x: Tensor; y: Tensor }> {
  const normal = (name: string, ...shape: number[]): Tensor =>
    random.normal(random.fold(random.key(seed), name), shape);
  const change = (name: string, out: number, from: number): Tensor =>
    shift === "full rank"
      ? normal(name, out, from).mul(1 / Math.sqrt(from))
      : matmul(normal(`${name} b`, out, RANK), normal(`${name} a`, RANK, from)).mul(
          1 / Math.sqrt(RANK * from),
        );
  const base = await evaluate({
    up: { weight: normal("up", HIDDEN, FROM).mul(1 / Math.sqrt(FROM)) },
    down: { weight: normal("down", OUT, HIDDEN).mul(1 / Math.sqrt(HIDDEN)) },
  });
  const teacher = {
    up: { weight: base.up.weight.add(change("up change", HIDDEN, FROM)) },
    down: { weight: base.down.weight.add(change("down change", OUT, HIDDEN)) },
  };
  const x = await evaluate(normal("x", SAMPLES, FROM));
  return { base, x, y: await evaluate(apply(teacher, x)) };
}

/** Mean over samples of half the squared distance. */
const lossOf = (net: Net, x: Tensor, y: Tensor): Tensor =>
  mean(sum(square(apply(net, x).sub(y)), { axis: -1 })).mul(0.5);

async function startOf(method: Method, base: Net, x: Tensor, y: Tensor, seed: number): Promise<Adapter> {
  const config = { rank: RANK, targets: ["up", "down"] };
  const key = random.key(seed);
  if (method === "full")
    return { "up.weight": base.up.weight.add(0), "down.weight": base.down.weight.add(0) };
  if (!method.startsWith("LoRA-GA")) return freshAdapter(base, config, key);
  const gradient = await evaluate(grad((net: Net) => lossOf(net, x, y))(base));
  return startedAdapter(base, config, key, async ({ name, weight, size, key: own }) => {
    const found = await svd(name === "up" ? gradient.up.weight : gradient.down.weight);
    const { lora_A, lora_B } = await loraGaStart(found, weight, size, own, { scale: "unit" });
    const c = method === "LoRA-GA" ? 1 : SMALL;
    return { lora_A: lora_A.mul(c), lora_B: lora_B.mul(c) };
  });
}

async function lossesOf(settings: AdaptToySettings, seed: number): Promise<number[]> {
  const { shift, optimizer, method, rate, steps } = settings;
  const { base, x, y } = await problem(shift, seed);
  const start = await evaluate(await startOf(method, base, x, y, seed));
  const part = (is: boolean): Adapter =>
    Object.fromEntries(
      Object.entries(start).filter(([name]) => (method === "full" || isFactor(name)) === is),
    );
  const fixed = part(false);
  const by = (): Tensor => tensor(rate);
  const rule = optimizer === "SGD" ? sgd<Adapter>(by) : adamw<Adapter>(by, { decay: 0 });
  const pro = method.endsWith("Pro") ? loraPro({ scale: 1 }) : undefined;
  const faster = method === "LoRA+" ? loraPlusRate() : () => 1;
  const step = compile(
    (own: Adapter, state: Record<string, unknown>) => {
      const { value, grad: g } = valueAndGrad((p: Adapter) =>
        lossOf(withAdapter(base, { ...fixed, ...p }), x, y),
      )(own);
      const { updates, state: next } = rule.update(pro?.update(g, {}, own).updates ?? g, state, own);
      const moved = zipTrees(own, updates, (p, u, name) => p.add(u.mul(faster(name))));
      return { own: moved, state: next, loss: value };
    },
    { donate: [0, 1], threads: 1 },
  );
  let now = await evaluate({ own: part(true), state: rule.init(part(true)) });
  const losses: number[] = [];
  for (let t = 0; t <= steps; t++) {
    const next = await step(now.own, now.state);
    losses.push(await next.loss.item());
    now = next;
  }
  await step.release();
  return losses;
}

/** Rates that are tried for every method. */
const RATES: Readonly<Record<Rule, readonly number[]>> = {
  SGD: [0.03, 0.1, 0.3, 1],
  Adam: [1e-3, 3e-3, 1e-2, 3e-2],
};

function settings(
  steps: number,
  combos: readonly (readonly [Shift, Rule])[],
  rates: (rule: Rule) => readonly number[],
) {
  return combos.flatMap(([shift, optimizer]) =>
    METHODS.flatMap((method) =>
      rates(optimizer).map((rate): AdaptToySettings => ({ shift, optimizer, method, rate, steps })),
    ),
  );
}

/** Mean over the seeds of a number, at the rate whose mean last loss is the least; undefined without rows. */
function atBest(
  rows: readonly AdaptToyRow[],
  shift: Shift,
  optimizer: Rule,
  method: Method,
  value: (row: AdaptToyRow) => number | null,
): number | undefined {
  const of = rows.filter((r) => r.shift === shift && r.optimizer === optimizer && r.method === method);
  const mean = (list: readonly AdaptToyRow[], get: (row: AdaptToyRow) => number | null): number =>
    list.reduce((n, r) => n + (get(r) ?? Number.POSITIVE_INFINITY), 0) / list.length;
  const byRate = [...Map.groupBy(of, (r) => r.rate).values()].sort(
    (a, b) => mean(a, (r) => r.last) - mean(b, (r) => r.last),
  );
  const found = byRate[0] && mean(byRate[0], value);
  return found !== undefined && Number.isFinite(found) ? found : undefined;
}

type Get = (row: AdaptToyRow) => number | null;
const [at10, last]: [Get, Get] = [(r) => r.at10, (r) => r.last];
/** Whether `a` is below `factor` times `b`. */
const below = (
  rows: readonly AdaptToyRow[],
  [shift, optimizer]: readonly [Shift, Rule],
  a: Method,
  b: Method,
  get: Get,
  factor = 1,
): boolean | null =>
  known(
    [atBest(rows, shift, optimizer, a, get), atBest(rows, shift, optimizer, b, get)],
    (x = 0, y = 0) => x < factor * y,
  );
const shows = (rows: readonly AdaptToyRow[], [shift, optimizer]: readonly [Shift, Rule], get: Get): string =>
  METHODS.flatMap((m) => {
    const value = atBest(rows, shift, optimizer, m, get);
    return value === undefined ? [] : [`${m} ${value.toPrecision(3)}`];
  }).join(", ");
const LOW_SGD = ["rank 4", "SGD"] as const;
const LOW_ADAM = ["rank 4", "Adam"] as const;
const FULL_SGD = ["full rank", "SGD"] as const;

export const adaptToy: Entry<AdaptToySettings, AdaptToyRow> = {
  name: "adapt-toy",
  row: "lora",
  claim: {
    en: "LoRA-GA and LoRA-Pro follow full fine-tuning in the first steps better than LoRA does, each at its best rate.",
    zh: "在各自的最佳学习率下，LoRA-GA 与 LoRA-Pro 在最初几步比 LoRA 更接近全量微调。",
  },
  source: {
    says: "Su 2024; Wang et al. 2024, LoRA-GA; Wang et al. 2024, LoRA-Pro",
    links: [
      "https://kexue.fm/archives/10226",
      "https://kexue.fm/archives/10266",
      "https://arxiv.org/abs/2407.05000",
      "https://arxiv.org/abs/2407.18242",
    ],
  },
  needs: [],
  minutes: { quick: 1, full: 12 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ shift: "rank 4", optimizer: "SGD", method: "LoRA-Pro", rate: 0.1, steps: 10 }],
    quick: settings(300, [LOW_SGD], () => [0.1, 0.3]),
    full: settings(300, [LOW_SGD, LOW_ADAM, FULL_SGD], (rule) => RATES[rule]),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "The base is far from its teacher and full fine-tuning reaches it: with a change of rank 4 its last loss is below a fifth of that after ten steps of LoRA.",
        zh: "底座离教师足够远，且全量微调能够到达：变化的秩为 4 时，其最终损失低于 LoRA 十步后损失的五分之一。",
      },
      holds: (rows) =>
        known(
          [atBest(rows, ...LOW_SGD, "full", last), atBest(rows, ...LOW_SGD, "LoRA", at10)],
          (a = 0, b = 0) => a < b / 5,
        ),
      shows: (rows) => shows(rows, LOW_SGD, last),
    },
    {
      says: {
        en: "After ten steps of descent both are below half of LoRA's loss, with a change of rank 4.",
        zh: "变化的秩为 4 时，梯度下降十步后两者的损失都低于 LoRA 的一半。",
      },
      holds: (rows) => {
        const [ga, pro] = (["LoRA-GA", "LoRA-Pro"] as const).map((m) =>
          below(rows, LOW_SGD, m, "LoRA", at10, 0.5),
        );
        return ga === null || pro === null ? null : Boolean(ga && pro);
      },
      shows: (rows) => shows(rows, LOW_SGD, at10),
    },
    {
      says: {
        en: "The same by Adam.",
        zh: "用 Adam 时也是如此。",
      },
      holds: (rows) => {
        const [ga, pro] = (["LoRA-GA", "LoRA-Pro"] as const).map((m) =>
          below(rows, LOW_ADAM, m, "LoRA", at10, 0.5),
        );
        return ga === null || pro === null ? null : Boolean(ga && pro);
      },
      shows: (rows) => shows(rows, LOW_ADAM, at10),
    },
    {
      says: {
        en: "In the end LoRA-GA at unit scale is above LoRA where the change has rank 4: what it begins with is taken off for good.",
        zh: "变化的秩为 4 时，单位尺度的 LoRA-GA 最终高于 LoRA：它的初始偏移被永久减去了。",
      },
      holds: (rows) => below(rows, LOW_SGD, "LoRA", "LoRA-GA", last),
      shows: (rows) => shows(rows, LOW_SGD, last),
    },
    {
      says: {
        en: "Where the change is of full rank LoRA-GA is below LoRA after ten steps and in the end.",
        zh: "变化满秩时，LoRA-GA 在十步后和最终都低于 LoRA。",
      },
      holds: (rows) => {
        const both = [at10, last].map((get) => below(rows, FULL_SGD, "LoRA-GA", "LoRA", get));
        return both.includes(null) ? null : both.every(Boolean);
      },
      shows: (rows) => `${shows(rows, FULL_SGD, at10)}; ${shows(rows, FULL_SGD, last)}`,
    },
  ],
  beyond: [
    {
      en: "The papers' tables are of T5-base and Llama-2-7B, which are out of reach here.",
      zh: "论文的表格基于 T5-base 与 Llama-2-7B，此处无法重现。",
    },
  ],
  async run(given, seed) {
    const losses = await lossesOf(given, seed);
    const at = (t: number): number | null => {
      const value = losses[Math.min(t, losses.length - 1)] ?? Number.NaN;
      return Number.isFinite(value) && losses.slice(0, t + 1).every(Number.isFinite) ? value : null;
    };
    const { shift, optimizer, method } = given;
    return [
      { shift, optimizer, method, rate: given.rate, at10: at(10), at30: at(30), last: at(losses.length - 1) },
    ];
  },
  figures: (rows) => ({
    "adapt-toy.svg": lineChart({
      title: "Loss at 10, 30 and 300 steps, each method at its best rate",
      subtitle: "Two layers, 32 to 64 to 16, a change of rank 4, gradient descent; mean of the seeds, log₁₀",
      x: "steps",
      y: "log₁₀ loss",
      xScale: "log2",
      series: METHODS.map((method) => ({
        name: method,
        points: (
          [
            [10, at10],
            [30, (r: AdaptToyRow) => r.at30],
            [300, last],
          ] as const
        ).flatMap(([t, get]): [number, number][] => {
          const value = atBest(rows, ...LOW_SGD, method, get);
          return value === undefined ? [] : [[t, Math.log10(Math.max(value, 1e-12))]];
        }),
      })),
    }),
  }),
};
