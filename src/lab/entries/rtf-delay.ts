// One rational filter learns a delay, and to copy, once its order is as long as the delay.
import { lineChart } from "../../draw/line-chart.ts";
import { crossEntropy } from "../../nn/index.ts";
import { rtf } from "../../sequence/index.ts";
import { matmul, narrow, random, type Tensor, tensor, zeros } from "../../tensor/index.ts";
import { memoryStore, type Task, trainRun, trainSettings } from "../../train/index.ts";
import type { Entry, Seeded } from "../entry.ts";
import { known, meanOf } from "../statistics.ts";

interface DelaySettings {
  readonly task: "delay" | "copy";
  readonly order: number;
  /** Steps that an input comes back after. */
  readonly delay: number;
  readonly steps: number;
}

export interface DelayRow {
  readonly task: "delay" | "copy";
  readonly order: number;
  readonly delay: number;
  /** Root of the mean square beside that of the input (delay), or share of symbols that are wrong (copy). */
  readonly error: number;
}

const SYMBOLS = 8;
const BATCH = 16;

type Params = { readonly a: Tensor; readonly b: Tensor; readonly h0: Tensor; readonly out: Tensor };
type Batch = { readonly u: Tensor; readonly ids: Tensor };

/** White noise, or symbols that are followed by as many blanks. */
function batchOf({ task, delay }: DelaySettings, key: random.Key): Batch {
  const T = 2 * delay;
  if (task === "delay") {
    return { u: random.normal(key, [BATCH, T, 1]), ids: zeros([BATCH, delay], { dtype: "int32" }) };
  }
  const ids = Int32Array.from(random.uniforms(key, BATCH * delay), (x) => Math.floor(x * SYMBOLS));
  const u = new Float32Array(BATCH * T * SYMBOLS);
  ids.forEach((id, i) => {
    u[(Math.floor(i / delay) * T + (i % delay)) * SYMBOLS + id] = 1;
  });
  return { u: tensor(u, { shape: [BATCH, T, SYMBOLS] }), ids: tensor(ids, { shape: [BATCH, delay] }) };
}

/** What comes out behind the first `delay` places, `[B, delay, C]`. */
function later(settings: DelaySettings, params: Params, { u }: Batch): Tensor {
  const T = 2 * settings.delay;
  const y = rtf(params, u, { length: Math.max(T, settings.order + 1) });
  return matmul(narrow(y, 1, settings.delay, T), params.out, { transposeB: true });
}

function lossOf(settings: DelaySettings, params: Params, batch: Batch): Tensor {
  const y = later(settings, params, batch);
  if (settings.task === "copy") return crossEntropy(y, batch.ids);
  return y
    .sub(narrow(batch.u, 1, 0, settings.delay))
    .square()
    .mean();
}

async function errorOf(settings: DelaySettings, params: Params, key: random.Key): Promise<number> {
  const batch = batchOf(settings, key);
  if (settings.task === "delay") return Math.sqrt(await lossOf(settings, params, batch).item());
  const [y, ids] = [await later(settings, params, batch).data(), await batch.ids.data()];
  let wrong = 0;
  ids.forEach((id, i) => {
    const row = Array.from(y.subarray(i * SYMBOLS, (i + 1) * SYMBOLS), Number);
    wrong += Number(row.indexOf(Math.max(...row)) !== Number(id));
  });
  return wrong / ids.length;
}

async function run(settings: DelaySettings, seed: number): Promise<DelayRow> {
  const { task, order, delay, steps } = settings;
  const C = task === "copy" ? SYMBOLS : 1;
  const data = random.fold(random.key(seed), "data");
  const learning: Task<Params, Batch> = {
    kind: "delay",
    unit: { name: "sequences", perStep: BATCH },
    // All poles at the origin; numerators small, so that no step is a symmetry.
    init: (key) => ({
      a: zeros([1, order]),
      b: random.normal(random.fold(key, "b"), [C, order], { std: 0.02 }),
      h0: zeros([C]),
      out: task === "copy" ? random.normal(random.fold(key, "out"), [C, C], { std: 0.5 }) : tensor([[1]]),
    }),
    batch: (step) => batchOf(settings, random.fold(data, step)),
    losses: { loss: (params, batch) => ({ loss: lossOf(settings, params, batch) }) },
    trained: (name) => task === "copy" || name !== "out",
  };
  const { params } = await trainRun(
    learning,
    trainSettings({
      steps,
      batch: BATCH,
      seed,
      rate: 1e-2,
      optimizer: { type: "adamw", decay: 0 },
      warmup: 0,
    }),
    memoryStore({ keepStates: false }),
  );
  return { task, order, delay, error: await errorOf(settings, params, random.fold(data, "held out")) };
}

const sweep = (
  task: DelaySettings["task"],
  delay: number,
  orders: readonly number[],
  steps: number,
): DelaySettings[] => orders.map((order) => ({ task, order, delay, steps }));

/** Mean errors of orders that hold the delay, and of those that do not. */
function sides(rows: readonly Seeded<DelayRow>[], task: DelayRow["task"]): { short?: number; long?: number } {
  const own = rows.filter((r) => r.task === task);
  const [short, long] = [own.filter((r) => r.order <= r.delay), own.filter((r) => r.order > r.delay)];
  return {
    ...(short.length > 0 && { short: Math.min(...short.map((r) => r.error)) }),
    ...(long.length > 0 && { long: Math.max(...long.map((r) => r.error)) }),
  };
}

const shown = ({ short, long }: { short?: number; long?: number }): string =>
  `shorter ≥ ${short?.toFixed(3) ?? "–"}, longer ≤ ${long?.toFixed(3) ?? "–"}`;

export const rtfDelay: Entry<DelaySettings, DelayRow> = {
  name: "rtf-delay",
  row: "rtf",
  claim: {
    en: "With all poles at the origin at first, one rational filter learns a delay, and to copy, as soon as its order exceeds the delay, and hardly before.",
    zh: "极点全部初始化在原点时，单个有理滤波器一旦阶数超过延迟便学会延迟与复制，在此之前几乎学不会。",
  },
  source: {
    says: "Parnichkun et al. 2024, section 5.2",
    links: ["https://arxiv.org/abs/2405.06147", "https://kexue.fm/archives/10180"],
  },
  needs: [],
  minutes: { quick: 0.7, full: 20 },
  seeds: [0, 1, 2],
  settings: {
    smallest: sweep("delay", 4, [6], 2),
    quick: [...sweep("delay", 16, [8, 24], 150), ...sweep("copy", 16, [8, 24], 150)],
    full: [
      ...sweep("delay", 64, [8, 16, 32, 64, 72, 96, 120], 800),
      ...sweep("copy", 64, [8, 32, 64, 72, 120], 800),
    ],
  },
  rules: [
    {
      says: {
        en: "Delay: every longer order errs less than a tenth of the input, every shorter one more than half of it.",
        zh: "延迟任务：阶数更长者误差均低于输入的十分之一，更短者均超过一半。",
      },
      holds: (rows) => {
        const { short, long } = sides(rows, "delay");
        return known([short, long], (s = 0, l = 9) => s > 0.5 && l < 0.1);
      },
      direction: (rows) => {
        const { short, long } = sides(rows, "delay");
        return known([short, long], (s = 0, l = 9) => l < s);
      },
      shows: (rows) => shown(sides(rows, "delay")),
    },
    {
      says: {
        en: "Copying: every longer order is right for more than 99 % of the symbols, no shorter one for more than 60 %.",
        zh: "复制任务：阶数更长者正确率均超过 99%，更短者均不超过 60%。",
      },
      holds: (rows) => {
        const { short, long } = sides(rows, "copy");
        return known([short, long], (s = 0, l = 9) => s > 0.4 && l < 0.01);
      },
      direction: (rows) => {
        const { short, long } = sides(rows, "copy");
        return known([short, long], (s = 0, l = 9) => l < s);
      },
      shows: (rows) => shown(sides(rows, "copy")),
    },
  ],
  async run(settings, seed, { report }) {
    const row = await run(settings, seed);
    report(`${row.task} of ${row.delay}, order ${row.order}: error ${row.error.toFixed(3)}`);
    return [row];
  },
  figures(rows) {
    const tasks = [...new Set(rows.map((r) => r.task))];
    return {
      "rtf-delay.svg": lineChart({
        title: "An order that holds the delay",
        subtitle: `Delay ${rows[0]?.delay ?? 0}: error beside that of knowing nothing`,
        x: "order d",
        y: "error",
        series: tasks.map((task) => {
          const own = rows.filter((r) => r.task === task);
          const orders = [...new Set(own.map((r) => r.order))].sort((a, b) => a - b);
          return {
            name: task,
            points: orders.map((d): [number, number] => [
              d,
              meanOf(own.filter((r) => r.order === d).map((r) => r.error)),
            ]),
          };
        }),
      }),
    };
  },
};
