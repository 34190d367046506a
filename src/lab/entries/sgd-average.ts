// The theory of SGD on a logistic regression of real text: every line of the proofs, and the bounds beside what came.
import { lineChart } from "../../draw/line-chart.ts";
import {
  averageLines,
  constantRates,
  gradientAwareLines,
  hindsightRates,
  lastBound,
  lastLines,
  lastMonotoneLines,
  type Line,
  linearRates,
  lineHolds,
  logisticRegression,
  meanLoss,
  minimiser,
  type Problem,
  rootRates,
  runSgd,
  unboundedLines,
} from "../../optim/index.ts";
import { random } from "../../tensor/index.ts";
import { englishBooks } from "../../train/books.ts";
import type { Entry, LabContext } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { BOOKS } from "../needs.ts";
import { known, meanOf, seedsOf } from "../statistics.ts";

type Method = "constant" | "1/√t" | "linear";
const SCHEDULES: Readonly<Record<Method, typeof constantRates>> = {
  constant: constantRates,
  "1/√t": rootRates,
  linear: linearRates,
};

interface SgdAverageSettings {
  readonly method: Method;
  readonly steps: number;
  /** Windows of text, half of each of two books. */
  readonly windows: number;
}

export interface SgdAverageRow {
  readonly method: Method;
  readonly steps: number;
  /** Lines of the proofs, and those that were false: of I on this path, of II to V where every step sees all examples. */
  readonly lines: number;
  readonly broken: number;
  /** Mean of the losses on the path above those of the best parameters, and its bound. */
  readonly regret: number;
  readonly boundI: number;
  /** Loss of the last parameters above the least, and the bound on its mean. */
  readonly last: number;
  readonly boundIV: number;
}

const [RADIUS, LETTERS, WINDOW] = [3, 26, 400];

/** Windows of two books as frequencies of letters of length 1, centred: which book is it? */
function problemOf(text: string, count: number): { problem: Problem; everywhere: Problem } {
  const rows: number[][] = [];
  const labels: number[] = [];
  const books = englishBooks(text).slice(0, 2);
  for (const [b, [, book]] of books.entries()) {
    for (let i = 0; i < count / 2; i++) {
      const row = Array.from({ length: LETTERS }, () => 0);
      for (const c of book.slice(i * WINDOW, (i + 1) * WINDOW).toLowerCase()) {
        const at = c.charCodeAt(0) - 97;
        if (at >= 0 && at < LETTERS) row[at] = (row[at] ?? 0) + 1;
      }
      rows.push(row);
      labels.push(b === 0 ? 1 : -1);
    }
  }
  const mean = rows[0]?.map((_, j) => meanOf(rows.map((r) => r[j] ?? 0))) ?? [];
  const unit = rows.map((r) => {
    const centred = r.map((v, j) => v - (mean[j] ?? 0));
    const length = Math.hypot(...centred) || 1;
    return centred.map((v) => v / length);
  });
  return {
    problem: logisticRegression(unit, labels, RADIUS),
    everywhere: logisticRegression(unit, labels),
  };
}

/** The same problem as one example, so that expectations are what they are. */
function asOne(problem: Problem): Problem {
  return {
    examples: 1,
    loss: (_, theta) => meanLoss(problem, theta),
    gradient: (_, theta) => {
      const g = theta.map(() => 0);
      for (let i = 0; i < problem.examples; i++)
        for (const [j, v] of problem.gradient(i, theta).entries()) g[j] = (g[j] ?? 0) + v / problem.examples;
      return g;
    },
  };
}

/** Steps of the runs that see all examples. */
const WHOLE_STEPS = 24;

async function rowOf(
  { method, steps, windows }: SgdAverageSettings,
  seed: number,
  context: LabContext,
): Promise<SgdAverageRow> {
  const text = new TextDecoder().decode(await context.bytes(BOOKS));
  const { problem, everywhere } = problemOf(text, windows);
  const start = Array.from({ length: LETTERS }, () => 0);
  const best = minimiser(problem, start, 0.25, 400);
  const distance = Math.hypot(...best);
  const ratesOf = SCHEDULES[method];

  const rates = ratesOf({ steps, distance: 2 * RADIUS, gradient: 1 });
  const drawn = random.uniforms(random.fold(random.key(seed), "examples"), steps);
  const run = runSgd(
    problem,
    start,
    rates,
    Array.from(drawn, (u) => Math.floor(u * problem.examples)),
  );
  const path = averageLines(run, best, { diameter: 2 * RADIUS, gradient: 1 });

  const whole = ratesOf({ steps: WHOLE_STEPS, distance, gradient: 1 });
  const one = asOne(everywhere);
  const paths = [
    {
      weight: 1,
      run: runSgd(
        one,
        start,
        whole,
        whole.map(() => 0),
      ),
    },
  ];
  const options = { best, loss: (theta: readonly number[]) => one.loss(0, theta), gradient: 1 };
  const norms = paths[0]?.run.gradients.map((g) => Math.hypot(...g)) ?? [];
  const aware = hindsightRates(4, norms, distance);
  const bySlope = [
    {
      weight: 1,
      run: runSgd(
        one,
        start,
        aware,
        aware.map(() => 0),
      ),
    },
  ];
  const lines: Line[] = [
    ...path,
    ...unboundedLines(paths, options),
    ...lastMonotoneLines(paths, options),
    ...lastLines(paths, options),
    ...lastLines(bySlope, options),
    ...gradientAwareLines(norms, distance),
  ];
  const theorem = path.find(({ says }) => says === "I: average loss");
  const rate = ratesOf({ steps, distance, gradient: 1 });
  return {
    method,
    steps,
    lines: lines.length,
    broken: lines.filter((line) => !lineHolds(line)).length,
    regret: theorem?.left ?? Number.NaN,
    boundI: theorem?.right ?? Number.NaN,
    last: meanLoss(problem, run.thetas[steps - 1] ?? []) - meanLoss(problem, best),
    boundIV: lastBound(
      rates,
      rate.map(() => 1),
      distance,
    ),
  };
}

const at = (rows: readonly SgdAverageRow[], steps: number): readonly SgdAverageRow[] =>
  rows.filter((r) => r.steps === steps);
const longest = (rows: readonly SgdAverageRow[]): number => Math.max(...rows.map((r) => r.steps));
const shortest = (rows: readonly SgdAverageRow[]): number => Math.min(...rows.map((r) => r.steps));
const settings = (sizes: readonly number[], windows: number): SgdAverageSettings[] =>
  (Object.keys(SCHEDULES) as Method[]).flatMap((method) =>
    sizes.map((steps) => ({ method, steps, windows })),
  );

export const sgdAverage: Entry<SgdAverageSettings, SgdAverageRow> = {
  name: "sgd-average",
  row: "sgd-average",
  claim: {
    en: "The average loss of SGD is bounded on every sample path and falls like one over the root of the steps; for the last parameters a rate that falls in a line is best.",
    zh: "SGD 的平均损失在每条样本路径上都有界，且按步数平方根的倒数下降；而对最后一步的参数而言，线性衰减的学习率最好。",
  },
  source: {
    says: "Su 2023 to 2025, Convergence of SGD, parts I to V; Zinkevich 2003",
    links: [
      "https://kexue.fm/archives/9902",
      "https://kexue.fm/archives/11469",
      "https://kexue.fm/archives/11480",
      "https://kexue.fm/archives/11494",
      "https://kexue.fm/archives/11530",
    ],
  },
  needs: [BOOKS],
  minutes: { quick: 0.5, full: 3 },
  seeds: [0, 1, 2, 3, 4],
  settings: {
    smallest: [{ method: "linear", steps: 20, windows: 20 }],
    quick: settings([100, 6400], 400),
    full: settings([100, 400, 1600, 6400, 25600], 800),
  },
  rules: [
    {
      says: {
        en: "Every line of every proof holds, on every seed.",
        zh: "每个证明的每一行在每个种子上都成立。",
      },
      holds: (rows) => (rows.length === 0 ? null : rows.every((r) => r.broken === 0 && r.lines > 0)),
      shows: (rows) =>
        `${rows.reduce((a, r) => a + r.broken, 0)} of ${rows.reduce((a, r) => a + r.lines, 0)} lines`,
    },
    {
      says: {
        en: "The average loss lies below bound I, the last loss below bound IV in the mean over seeds.",
        zh: "平均损失低于界一；最后一步的损失对种子取平均后低于界四。",
      },
      holds: (rows) =>
        rows.length === 0
          ? null
          : rows.every((r) => r.regret <= r.boundI) && meanOf(rows.map((r) => r.boundIV - r.last)) >= 0,
    },
    {
      says: {
        en: "At constant rates the average loss falls with a power of the steps between −0.35 and −0.75.",
        zh: "常数学习率下平均损失随步数的幂次下降，指数在 −0.35 与 −0.75 之间。",
      },
      holds: (rows) => {
        const [few, many] = [shortest(rows), longest(rows)];
        if (few === many) return null;
        const of = (steps: number) => byMethod(at(rows, steps), (r) => r.regret).mean("constant");
        return known([of(few), of(many)], (a = 1, b = 1) => {
          const power = Math.log(b / a) / Math.log(many / few);
          return power < -0.35 && power > -0.75;
        });
      },
      shows: (rows) =>
        [shortest(rows), longest(rows)]
          .map((steps) => `${steps}: ${byMethod(at(rows, steps), (r) => r.regret).shows(["constant"], 4)}`)
          .join(", "),
    },
    {
      says: {
        en: "At the most steps the last loss is least under linear decay, whose average loss is the largest.",
        zh: "步数最多时，线性衰减的最后一步损失最小，而平均损失最大。",
      },
      holds: (rows) => {
        const most = at(rows, longest(rows));
        const [last, regret] = [byMethod(most, (r) => r.last), byMethod(most, (r) => r.regret)];
        return known(
          [
            last.mean("linear"),
            last.mean("constant"),
            last.mean("1/√t"),
            regret.mean("linear"),
            regret.mean("constant"),
            regret.mean("1/√t"),
          ],
          (a = 1, b = 0, c = 0, x = 0, y = 1, z = 1) => a < Math.min(b, c) && x > Math.max(y, z),
        );
      },
      shows: (rows) => byMethod(at(rows, longest(rows)), (r) => r.last).shows(methodsOf(rows), 5),
    },
  ],
  run: async (settings, seed, context) => [await rowOf(settings, seed, context)],
  figures: (rows) => ({
    "sgd-average.svg": lineChart({
      title: "Average and last loss above the best",
      subtitle: `Which of two books a window of 400 letters is from; ${seedsOf(rows)}`,
      x: "log₁₀ steps",
      y: "log₁₀ excess",
      series: methodsOf(rows).flatMap((name) =>
        (["regret", "last"] as const).map((what) => ({
          name: `${name}, ${what === "regret" ? "average" : "last"}`,
          points: [...new Set(rows.map((r) => r.steps))]
            .toSorted((a, b) => a - b)
            .flatMap((steps): [number, number][] => {
              const value = byMethod(at(rows, steps), (r) => r[what]).mean(name);
              return value === undefined || value <= 0 ? [] : [[Math.log10(steps), Math.log10(value)]];
            }),
        })),
      ),
    }),
  }),
};
