// ListOps: filters, recurrent cells and attention of one size on nested lists that we draw; the published file tests alone.
import { barChart } from "../../draw/bar-chart.ts";
import { classifierConfig } from "../../model/classifier-config.ts";
import { classifierParametersOf } from "../../model/classifier.ts";
import type { Prepared } from "../../train/classify/prepare.ts";
import { parseMixer } from "../../train/classify/recipe.ts";
import { classifyTask, outputsOf } from "../../train/classify/task.ts";
import { classScores } from "../../train/classify/scores.ts";
import { memoryStore, trainRun, trainSettings } from "../../train/index.ts";
import { random } from "../../tensor/index.ts";
import type { Entry, LabContext, Seeded } from "../entry.ts";
import { type ListOp, LISTOPS_TOKENS, parseListOp, randomListOp } from "../listops.ts";
import { byMethod, methodsOf } from "../methods.ts";
import type { Need } from "../needs.ts";
import { known, rangeOf } from "../statistics.ts";

interface ListOpsSettings {
  readonly method: string;
  readonly width: number;
  readonly layers: number;
  readonly examples: number;
  readonly steps: number;
  /** Tokens of a list at most. */
  readonly longest: number;
}

export interface ListOpsRow {
  readonly method: string;
  readonly parameters: number;
  /** Share right of lists drawn as those learnt. */
  readonly drawn: number;
  /** Share right of the published lists that are no longer. */
  readonly published: number;
  readonly publishedLists: number;
  /** Share of the commonest value among the lists drawn. */
  readonly commonest: number;
}

const LISTS: Need = {
  what: "the test lists of ListOps",
  file: "tasks/listops-test-d20s.tsv.gz",
  install:
    "put test_d20s.tsv of github.com/nyu-mll/spinn, gzipped, at tasks/listops-test-d20s.tsv.gz of the folder ATHANOR_DATA",
};

/** Lists side by side, filled up to `T`. */
function prepared(lists: readonly ListOp[], T: number): Prepared {
  const x = new Int32Array(lists.length * T);
  lists.forEach(({ tokens }, i) => x.set(tokens, i * T));
  return {
    x,
    lengths: Int32Array.from(lists, ({ tokens }) => tokens.length),
    targets: Float64Array.from(lists, ({ value }) => value),
    count: lists.length,
    T,
    F: 1,
    cut: 0,
  };
}

const VALUES = Array.from({ length: 10 }, (_, i) => String(i));

async function run(settings: ListOpsSettings, seed: number, context: LabContext): Promise<ListOpsRow> {
  const { method, width, layers, examples, steps, longest } = settings;
  const key = random.fold(random.key(seed), "lists");
  const sizes = { depth: 4, arguments: 5, longest };
  const drawn = (name: string, count: number): Prepared =>
    prepared(
      Array.from({ length: count }, (_, i) => randomListOp(random.fold(random.fold(key, name), i), sizes)),
      longest,
    );
  const rows = new TextDecoder()
    .decode(await context.bytes(LISTS))
    .trim()
    .split("\n");
  const published = rows
    .map((row) => parseListOp(row.slice(row.indexOf("\t") + 1)))
    .filter(({ tokens }) => tokens.length <= longest)
    .slice(0, 1000);
  const config = classifierConfig({
    input: { type: "tokens", vocabulary: LISTOPS_TOKENS.length },
    outputs: 10,
    context: longest,
    width,
    layers,
    heads: 4,
    attention: parseMixer(method, longest),
  });
  const held = drawn("held out", Math.max(16, Math.min(1000, Math.floor(examples / 10))));
  const labels = { type: "classes", names: VALUES } as const;
  const training = trainSettings({ steps, batch: 32, seed, rate: 2e-3, validateEvery: steps });
  const task = classifyTask({ config, settings: training, labels, train: drawn("learnt", examples), held });
  const { params } = await trainRun(task, training, memoryStore({ keepStates: false }), {
    onStep: ({ step, loss }) => {
      if (step % 200 === 0) context.report(`  ${method}, step ${step}: loss ${loss.toFixed(3)}`);
    },
  });
  const reader = outputsOf(config);
  const shareOf = async (lists: Prepared): Promise<number> =>
    classScores(await reader.read(params, lists), lists.targets ?? new Float64Array(lists.count), 10)
      .accuracy;
  const [own, others] = [
    await shareOf(held),
    published.length > 0 ? await shareOf(prepared(published, longest)) : 0,
  ];
  await reader.release();
  const counts = VALUES.map((_, value) => Array.from(held.targets ?? []).filter((v) => v === value).length);
  return {
    method,
    parameters: [...classifierParametersOf(config).values()].reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    ),
    drawn: own,
    published: others,
    publishedLists: published.length,
    commonest: Math.max(...counts) / held.count,
  };
}

const METHODS = ["rtf", "rnn", "dense"] as const;
const table = (methods: readonly string[], rest: Omit<ListOpsSettings, "method">): ListOpsSettings[] =>
  methods.map((method) => ({ method, ...rest }));

const drawnBy = (rows: readonly Seeded<ListOpsRow>[]) => byMethod(rows, (r) => r.drawn);

export const listops: Entry<ListOpsSettings, ListOpsRow> = {
  name: "listops",
  row: "rtf",
  claim: {
    en: "On nested lists a small model of rational filters does better than one of attention with as many parameters.",
    zh: "在嵌套列表任务 ListOps 上，参数量相当的有理滤波器小模型优于注意力小模型。",
  },
  source: {
    says: "Parnichkun et al. 2024, table 2 (ListOps 61.6 against 36.4 of a Transformer); Nangia and Bowman 2018",
    links: ["https://arxiv.org/abs/2405.06147", "https://arxiv.org/abs/1804.06028"],
  },
  needs: [LISTS],
  minutes: { quick: 2, full: 180 },
  seeds: [0, 1, 2],
  settings: {
    smallest: table(["linear"], { width: 8, layers: 1, examples: 32, steps: 1, longest: 12 }),
    quick: table(["rtf", "dense"], { width: 32, layers: 2, examples: 2000, steps: 120, longest: 24 }),
    full: table(METHODS, { width: 64, layers: 4, examples: 40_000, steps: 6000, longest: 64 }),
  },
  rules: [
    {
      says: {
        en: "Models have numbers of parameters within 30 % of one another, and every one beats the commonest value by 5 points.",
        zh: "各模型参数量相差不超过 30%，且都比“总猜最常见值”高 5 个百分点。",
      },
      premise: true,
      holds: (rows) => {
        const sizes = rows.map((r) => r.parameters);
        if (methodsOf(rows).length < 2) return null;
        return (
          Math.max(...sizes) < 1.3 * Math.min(...sizes) && rows.every((r) => r.drawn > r.commonest + 0.05)
        );
      },
      direction: (rows) => {
        const sizes = rows.map((r) => r.parameters);
        return methodsOf(rows).length < 2 ? null : Math.max(...sizes) < 1.5 * Math.min(...sizes);
      },
      shows: (rows) =>
        rows
          .map((r) => `${r.method} ${r.parameters}, ${r.drawn.toFixed(3)} over ${r.commonest.toFixed(3)}`)
          .join("; "),
    },
    {
      says: {
        en: "On lists drawn alike, rational filters are right more often than attention, by more than the seeds' range.",
        zh: "在同分布的列表上，有理滤波器的正确率高于注意力，且差距大于种子间的波动。",
      },
      holds: (rows) => {
        const of = drawnBy(rows);
        return known([of.mean("rtf"), of.mean("dense")], (r = 0, d = 1) => {
          const noise = Math.max(rangeOf(of.values("rtf")), rangeOf(of.values("dense")));
          return r - d > noise;
        });
      },
      shows: (rows) => drawnBy(rows).shows(methodsOf(rows), 3),
    },
    {
      says: {
        en: "On the published lists, which nothing was learnt from, the order is the same.",
        zh: "在未参与训练的公开测试列表上，次序相同。",
      },
      holds: (rows) => {
        const of = byMethod(rows, (r) => r.published);
        return known([of.mean("rtf"), of.mean("dense")], (r = 0, d = 1) => r > d);
      },
      shows: (rows) => byMethod(rows, (r) => r.published).shows(methodsOf(rows), 3),
    },
  ],
  beyond: [
    {
      en: "The lists of Long Range Arena are up to 2,000 tokens long, its models of width 256 and six layers: hours on a GPU each.",
      zh: "Long Range Arena 的列表长达 2000 个 token，模型为 6 层、宽 256：每个需数小时 GPU。",
    },
    {
      en: "A diagonal state space (S4D) is no mixer here, and is not run.",
      zh: "对角状态空间（S4D）不在本库的混合层之中，未运行。",
    },
  ],
  async run(settings, seed, context) {
    const row = await run(settings, seed, context);
    context.report(
      `${row.method}: ${row.drawn.toFixed(3)} of lists drawn alike, ${row.published.toFixed(3)} of ${row.publishedLists} published ones`,
    );
    return [row];
  },
  figures(rows) {
    const methods = methodsOf(rows);
    const published = byMethod(rows, (r) => r.published);
    return {
      "listops.svg": barChart({
        title: "Nested lists of digits",
        subtitle: "Share of lists that are right, by how layers mix",
        names: ["drawn alike", "published"],
        rows: methods.map((name) => ({
          name,
          values: [drawnBy(rows).mean(name) ?? 0, published.mean(name) ?? 0],
        })),
        most: 1,
      }),
    };
  },
};
