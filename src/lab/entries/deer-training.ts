// A GRU trained one step after another, and by Newton's method on the whole sequence: the same losses.
import { lineChart } from "../../draw/line-chart.ts";
import { binaryCrossEntropyWithLogits, linear } from "../../nn/index.ts";
import { type CellParams, CELLS, deer, rationalInit, runSequential } from "../../sequence/index.ts";

import { narrow, random, squeeze, type Tensor, tensor, zeros } from "../../tensor/index.ts";
import { memoryStore, type Task, trainRun, trainSettings } from "../../train/index.ts";
import type { Entry, Seeded } from "../entry.ts";
import { known } from "../statistics.ts";

interface TrainingSettings {
  readonly solver: "scan" | "deer";
  readonly length: number;
  readonly rounds: number;
  readonly steps: number;
}

export interface SolverRow {
  readonly solver: string;
  readonly step: number;
  readonly loss: number;
  /** Milliseconds a step over all but the first. */
  readonly ms: number;
}

const WIDTH = 8;
const BATCH = 8;
/** Both inputs that are to be told apart. */
const DELAYS = [2, 5] as const;

type Params = {
  readonly input: Tensor;
  readonly hidden: { readonly weight: Tensor; readonly bias: Tensor };
  readonly out: { readonly weight: Tensor; readonly bias: Tensor };
};
type Batch = { readonly u: Tensor; readonly targets: Tensor };

/** Random signs `[T, B, 1]`, and whether two earlier ones differ `[T − 5, B]`. */
function batchOf(T: number, key: random.Key): Batch {
  const signs = Float32Array.from(random.uniforms(key, T * BATCH), (x) => (x < 0.5 ? -1 : 1));
  const at = (t: number, b: number): number => signs[t * BATCH + b] ?? 0;
  const [near, far] = DELAYS;
  const targets = Float32Array.from({ length: (T - far) * BATCH }, (_, i) => {
    const [t, b] = [Math.floor(i / BATCH) + far, i % BATCH];
    return Number(at(t - near, b) !== at(t - far, b));
  });
  return {
    u: tensor(signs, { shape: [T, BATCH, 1] }),
    targets: tensor(targets, { shape: [T - far, BATCH] }),
  };
}

async function run(
  { solver, length: T, rounds, steps }: TrainingSettings,
  seed: number,
): Promise<SolverRow[]> {
  const { gates } = CELLS.gru;
  const data = random.fold(random.key(seed), "data");
  const cell = (p: CellParams, h: Tensor, g: Tensor): Tensor => CELLS.gru.step(p, h, g);
  const learning: Task<Params, Batch> = {
    kind: "delayed-xor",
    unit: { name: "sequences", perStep: BATCH },
    init: (key) => ({
      input: rationalInit("xavier", random.fold(key, "input"), [gates * WIDTH, 1]),
      hidden: {
        weight: rationalInit("xavier", random.fold(key, "hidden"), [gates * WIDTH, WIDTH]),
        bias: zeros([gates * WIDTH]),
      },
      out: { weight: rationalInit("xavier", random.fold(key, "out"), [1, WIDTH]), bias: zeros([1]) },
    }),
    batch: (step) => batchOf(T, random.fold(data, step)),
    losses: {
      loss({ input, hidden, out }, { u, targets }) {
        const g = linear({ weight: input }, u); // [T, B, 3n]
        const h0 = zeros([BATCH, WIDTH]);
        const states =
          solver === "scan"
            ? runSequential((h, x) => cell(hidden, h, x), g, h0)
            : deer(cell, hidden, g, h0, { iterations: rounds });
        const logits = squeeze(linear(out, narrow(states, 0, DELAYS[1], T)), 2);
        return { loss: binaryCrossEntropyWithLogits(logits, targets) };
      },
    },
  };
  const losses: { step: number; loss: number; seconds: number }[] = [];
  await trainRun(
    learning,
    trainSettings({ steps, batch: BATCH, seed, rate: 1e-2, optimizer: { type: "adamw", decay: 0 } }),
    memoryStore({ keepStates: false }),
    { onStep: ({ step, loss, seconds }) => void losses.push({ step, loss, seconds }) },
  );
  const [first, last] = [losses[0], losses.at(-1)];
  const ms =
    first && last && last !== first ? (1000 * (last.seconds - first.seconds)) / (losses.length - 1) : 0;
  return losses.map(({ step, loss }) => ({ solver, step, loss, ms }));
}

/** Largest difference of the losses of both solvers at one step and seed. */
function apart(rows: readonly Seeded<SolverRow>[]): number | undefined {
  const of = (solver: string): Map<string, number> =>
    new Map(rows.filter((r) => r.solver === solver).map((r) => [`${r.seed} ${r.step}`, r.loss]));
  const [scan, deer] = [of("scan"), of("deer")];
  const both = [...scan].flatMap(([at, loss]) => {
    const other = deer.get(at);
    return other === undefined ? [] : [Math.abs(loss - other)];
  });
  return both.length === 0 ? undefined : Math.max(...both);
}

const pair = (sizes: Omit<TrainingSettings, "solver">): TrainingSettings[] =>
  (["scan", "deer"] as const).map((solver) => ({ solver, ...sizes }));

const lastOf = (rows: readonly Seeded<SolverRow>[]): number | undefined => {
  const end = Math.max(...rows.map((r) => r.step));
  const own = rows.filter((r) => r.step === end).map((r) => r.loss);
  return own.length === 0 ? undefined : Math.max(...own);
};

export const deerTraining: Entry<TrainingSettings, SolverRow> = {
  name: "deer-training",
  row: "deer",
  claim: {
    en: "A GRU that is solved by Newton's method trains as one that runs step by step: their losses coincide.",
    zh: "用牛顿法并行求解的 GRU 与逐步运行的 GRU 训练过程相同：损失曲线重合。",
  },
  source: { says: "Lim et al. 2023, section 4.3", links: ["https://arxiv.org/abs/2309.12252"] },
  needs: [],
  minutes: { quick: 1.5, full: 30 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ solver: "scan", length: 8, rounds: 1, steps: 2 }],
    quick: pair({ length: 16, rounds: 6, steps: 60 }),
    full: pair({ length: 64, rounds: 8, steps: 600 }),
  },
  rules: [
    {
      says: {
        en: "The task is learnt: every last loss is below half of ln 2.",
        zh: "任务已学会：最后的损失都低于 ln 2 的一半。",
      },
      premise: true,
      holds: (rows) => known([lastOf(rows)], (loss = 9) => loss < Math.LN2 / 2),
      direction: (rows) => known([lastOf(rows)], (loss = 9) => loss < 0.72),
      shows: (rows) => lastOf(rows)?.toFixed(3) ?? "–",
    },
    {
      says: {
        en: "At no step are the losses of both solvers further apart than 0.01 nats.",
        zh: "任何一步两种解法的损失相差都不超过 0.01。",
      },
      holds: (rows) => known([apart(rows)], (most = 9) => most < 0.01),
      shows: (rows) => apart(rows)?.toExponential(1) ?? "–",
    },
  ],
  async run(settings, seed, { report }) {
    const rows = await run(settings, seed);
    report(
      `${settings.solver}: last loss ${rows.at(-1)?.loss.toFixed(4)}, ${rows.at(-1)?.ms.toFixed(0)} ms a step`,
    );
    return rows;
  },
  figures(rows) {
    const own = rows.filter((r) => r.seed === rows[0]?.seed);
    return {
      "deer-training.svg": lineChart({
        title: "One recurrence, two solvers",
        subtitle: "Delayed XOR, cross-entropy in nats, one seed",
        x: "steps",
        y: "loss",
        series: [...new Set(own.map((r) => r.solver))].map((name) => ({
          name,
          points: own.filter((r) => r.solver === name).map((r): [number, number] => [r.step, r.loss]),
        })),
      }),
    };
  },
};
