// Rows of rare tokens under rules of signs: a toy of 200 tokens, and a small language model of Chinese characters.
import { barChart } from "../../draw/bar-chart.ts";
import { adamw, constantRate, lazyRows, lion, type Role, type Transform } from "../../optim/index.ts";
import {
  compile,
  evaluate,
  flattenTree,
  gather,
  grad,
  mean,
  random,
  softplus,
  sum,
  type Tensor,
  tensor,
} from "../../tensor/index.ts";
import type { TrainChanges } from "../../train/index.ts";
import type { Entry, LabContext } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { CLASSICS } from "../needs.ts";
import { characterCorpus, median, trainWith } from "../optimizer-run.ts";
import { known, seedsOf } from "../statistics.ts";

type Method = "AdamW" | "Lion" | "Tiger" | "Tiger, lazy rows" | "Tiger, tied" | "Tiger, AdamW for embeddings";

interface AnomalySettings {
  readonly part: "toy" | "text";
  readonly method: Method;
  readonly steps: number;
  /** Characters of text that are read. */
  readonly characters?: number;
}

export interface AnomalyRow {
  readonly part: "toy" | "text";
  readonly method: Method;
  /** Largest absolute entry of the table. */
  readonly largest: number;
  /** Median over the rarest quarter of rows of each row's largest absolute entry. */
  readonly rare: number;
  /** Held-out nats per character; of the toy, null. */
  readonly loss: number | null;
}

const TOKENS = 200;
const WIDTH = 8;
const BATCH = 8;
const table = (): Role => "table";

interface Params {
  readonly e: Tensor;
}

/** Rules of the toy: one rate, decay 0.01, no rates relative to parameters, so that Tiger is Lion with one beta. */
function toyRule(method: Method): Transform<Params, Record<string, unknown>> {
  const rate = constantRate(1e-3);
  const tiger = lion<Params>(rate, { beta1: 0.965, beta2: 0.965, decay: 0.01 });
  if (method === "AdamW") return adamw(rate, { decay: 0.01 });
  if (method === "Lion") return lion(rate, { beta1: 0.9, beta2: 0.99, decay: 0.01 });
  if (method === "Tiger") return tiger;
  return lazyRows(tiger, table) as unknown as Transform<Params, Record<string, unknown>>;
}

async function toy(method: Method, steps: number, seed: number): Promise<number[][]> {
  const rule = toyRule(method);
  const key = random.key(seed);
  const weights = Array.from({ length: TOKENS }, (_, i) => (i + 1) ** -1.3);
  const drawn = await random.categorical(random.fold(key, "tokens"), weights, [steps * BATCH]).data();
  const tokens = Int32Array.from(drawn as ArrayLike<number>, Number);
  const share = random.uniforms(random.fold(key, "share"), TOKENS);
  const chance = random.uniforms(random.fold(key, "labels"), steps * BATCH);
  const head = random.normal(random.fold(key, "head"), [WIDTH]);
  const signs = Float32Array.from(tokens, (id, i) =>
    (chance[i] ?? 0) < 0.1 + 0.8 * (share[id] ?? 0) ? 1 : -1,
  );
  const loss = ({ e }: Params, ids: Tensor, y: Tensor, w: Tensor): Tensor =>
    mean(softplus(sum(gather(e, ids).mul(w), { axis: -1 }).mul(y).neg()));
  const step = compile(
    (e: Tensor, state: Record<string, unknown>, ids: Tensor, y: Tensor, w: Tensor) => {
      const done = rule.update(grad(loss)({ e }, ids, y, w), state, { e });
      return { e: e.add(done.updates.e), state: done.state };
    },
    { threads: 1 },
  );
  const e = random.normal(random.fold(key, "table"), [TOKENS, WIDTH]).mul(0.02);
  let now: { e: Tensor; state: Record<string, unknown> } = await evaluate({ e, state: rule.init({ e }) });
  for (let t = 0; t < steps; t++) {
    const [from, to] = [t * BATCH, (t + 1) * BATCH];
    now = await step(now.e, now.state, tensor(tokens.slice(from, to)), tensor(signs.slice(from, to)), head);
  }
  const rows = rowsOf(await now.e.data(), WIDTH);
  await step.release();
  return rows;
}

function rowsOf(data: ArrayLike<number | bigint>, width: number): number[][] {
  return Array.from({ length: data.length / width }, (_, i) =>
    Array.from({ length: width }, (__, j) => Number(data[i * width + j])),
  );
}

const tiger = { optimizer: { type: "tiger" }, rate: 0.02 } as const;
const TEXT: Readonly<Record<Method, TrainChanges>> = {
  AdamW: { optimizer: { type: "adamw" }, rate: 3e-3 },
  Lion: { optimizer: { type: "lion", decay: 0.1 }, rate: 1e-3 },
  Tiger: tiger,
  "Tiger, lazy rows": { ...tiger, lazyRows: true },
  "Tiger, tied": tiger,
  "Tiger, AdamW for embeddings": { ...tiger, embedding: { optimizer: { type: "adamw" }, rate: 3e-3 } },
};

async function text(
  { method, steps, characters = 200_000 }: AnomalySettings,
  seed: number,
  context: LabContext,
): Promise<{ rows: number[][]; counts: readonly number[]; loss: number }> {
  const corpus = characterCorpus(new TextDecoder().decode(await context.bytes(CLASSICS)), characters);
  const sizes = { context: 64, width: 64, layers: 2, heads: 4, tieEmbeddings: method === "Tiger, tied" };
  const { params, loss } = await trainWith(corpus, sizes, {
    ...TEXT[method],
    schedule: { type: "constant" },
    steps,
    seed,
    batch: 8,
    validationWindows: 16,
  });
  const [, e] = flattenTree(params).find(([name]) => name.endsWith("embed_tokens.weight")) ?? [];
  if (e === undefined) throw new Error("a language model has an embedding");
  return { rows: rowsOf(await e.data(), 64), counts: corpus.counts, loss };
}

const most = (row: readonly number[]): number => row.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
const partOf = (rows: readonly AnomalyRow[], part: "toy" | "text") => rows.filter((r) => r.part === part);
const ratio = (
  rows: readonly AnomalyRow[],
  what: (row: AnomalyRow) => number,
  a: Method,
  b: Method,
  test: (ratio: number) => boolean,
): boolean | null => {
  const of = byMethod(rows, what);
  return known([of.mean(a), of.mean(b)], (x = 0, y = 1) => test(x / y));
};
const TOY: readonly Method[] = ["AdamW", "Lion", "Tiger", "Tiger, lazy rows"];
const ALL = Object.keys(TEXT) as Method[];
const settings = (toySteps: number, textSteps: number): AnomalySettings[] => [
  ...TOY.map((method) => ({ part: "toy" as const, method, steps: toySteps })),
  ...ALL.map((method) => ({ part: "text" as const, method, steps: textSteps })),
];
const shows = (part: "toy" | "text", what: (row: AnomalyRow) => number) => (rows: readonly AnomalyRow[]) =>
  byMethod(partOf(rows, part), what).shows(methodsOf(partOf(rows, part)));

export const embeddingAnomaly: Entry<AnomalySettings, AnomalyRow> = {
  name: "embedding-anomaly",
  row: "tiger",
  claim: {
    en: "Under Lion and Tiger the embeddings of rare tokens drift far off; lazy rows, tied embeddings or Adam for embeddings cure it.",
    zh: "在 Lion 与 Tiger 下，低频词的 Embedding 会漂移到异常大的值；只更新出现过的行、共享 Embedding，或对 Embedding 改用 Adam 均可治愈。",
  },
  source: {
    says: "Su 2023, The embedding anomaly of Lion and Tiger; Tiger",
    links: ["https://kexue.fm/archives/9736", "https://kexue.fm/archives/9512"],
  },
  needs: [CLASSICS],
  minutes: { quick: 4, full: 70 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ part: "toy", method: "Tiger, lazy rows", steps: 20 }],
    quick: settings(2000, 120),
    full: settings(20_000, 3000),
  },
  rules: [
    {
      says: {
        en: "Toy: Lion's and Tiger's largest entries are more than five times Adam's.",
        zh: "玩具模型：Lion 与 Tiger 的最大元素超过 Adam 的五倍。",
      },
      holds: (rows) => {
        const of = partOf(rows, "toy");
        const [a, b] = (["Lion", "Tiger"] as const).map((m) =>
          ratio(
            of,
            (r) => r.largest,
            m,
            "AdamW",
            (x) => x > 5,
          ),
        );
        return a === null || b === null ? null : a === true && b === true;
      },
      shows: shows("toy", (r) => r.largest),
    },
    {
      says: {
        en: "Toy: with lazy rows Tiger's rarest rows are less than a tenth of those without.",
        zh: "玩具模型：只更新出现过的行时，Tiger 最低频的行不到原来的十分之一。",
      },
      holds: (rows) =>
        ratio(
          partOf(rows, "toy"),
          (r) => r.rare,
          "Tiger, lazy rows",
          "Tiger",
          (x) => x < 0.1,
        ),
      direction: (rows) =>
        ratio(
          partOf(rows, "toy"),
          (r) => r.rare,
          "Tiger, lazy rows",
          "Tiger",
          (x) => x < 1,
        ),
      shows: shows("toy", (r) => r.rare),
    },
    {
      says: {
        en: "Text: Tiger's rarest rows are more than three times AdamW's.",
        zh: "文本：Tiger 最低频的行超过 AdamW 的三倍。",
      },
      holds: (rows) =>
        ratio(
          partOf(rows, "text"),
          (r) => r.rare,
          "Tiger",
          "AdamW",
          (x) => x > 3,
        ),
      direction: (rows) =>
        ratio(
          partOf(rows, "text"),
          (r) => r.rare,
          "Tiger",
          "AdamW",
          (x) => x > 1,
        ),
      shows: shows("text", (r) => r.rare),
    },
    ...(["Tiger, lazy rows", "Tiger, tied", "Tiger, AdamW for embeddings"] as const).map((method) => ({
      says: {
        en: `Text: under "${method}" the rarest rows are less than half of plain Tiger's.`,
        zh: `文本：采用“${method}”时，最低频的行不到普通 Tiger 的一半。`,
      },
      holds: (rows: readonly AnomalyRow[]) =>
        ratio(
          partOf(rows, "text"),
          (r) => r.rare,
          method,
          "Tiger",
          (x) => x < 0.5,
        ),
      direction: (rows: readonly AnomalyRow[]) =>
        ratio(
          partOf(rows, "text"),
          (r) => r.rare,
          method,
          "Tiger",
          (x) => x < 1,
        ),
    })),
  ],
  beyond: [
    {
      en: "Entries of exactly ±100 in a model of 7 billion parameters need its 20,000 steps and more.",
      zh: "七十亿参数模型中恰为 ±100 的元素，需要其两万步以上的训练。",
    },
  ],
  async run(settings, seed, context) {
    const { part, method, steps } = settings;
    const found =
      part === "toy"
        ? { rows: await toy(method, steps, seed), counts: [], loss: null }
        : await text(settings, seed, context);
    // Rows are by falling frequency; of a text, those that occur in it at all.
    const seen = part === "toy" ? found.rows : found.rows.filter((_, i) => (found.counts[i] ?? 0) > 0);
    const rarest = seen.slice(-Math.ceil(seen.length / 4)).map(most);
    const row = {
      part,
      method,
      largest: Math.max(...found.rows.map(most)),
      rare: median(rarest),
      loss: found.loss,
    };
    context.report(
      `${part}, ${method}, seed ${seed}: largest ${row.largest.toFixed(3)}, rare ${row.rare.toFixed(3)}`,
    );
    return [row];
  },
  figures: (rows) =>
    Object.fromEntries(
      (["toy", "text"] as const).map((part) => [
        `embedding-anomaly-${part}.svg`,
        barChart({
          title: part === "toy" ? "A toy of 200 tokens" : "A language model of Chinese characters",
          subtitle: `Absolute entries of the embedding; ${seedsOf(rows)}`,
          names: ["largest", "median of rare rows"],
          rows: methodsOf(partOf(rows, part)).map((name) => ({
            name,
            values: (["largest", "rare"] as const).map(
              (what) => byMethod(partOf(rows, part), (r) => r[what]).mean(name) ?? 0,
            ),
          })),
        }),
      ]),
    ),
};
