// Longer texts than a model was trained on, on real text: every method at inference on a plain model, and models
// trained for it (HWFA, inverse Leaky ReRoPE), beside the same plain twin.
import { lineChart } from "../../draw/line-chart.ts";
import type { CausalLMConfig } from "../../model/index.ts";
import { hwfaPlan, type PositionSpec } from "../../position/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { BOOKS } from "../needs.ts";
import { known, seedsOf } from "../statistics.ts";
import { bookCorpus, lossByContext, textConfig, trainOnText } from "../text-model.ts";

const N = 128;
const LONGER = 8;
/** Half the length of training first: whether a model uses its context is seen there. */
const CONTEXTS = [N / 2, N, 2 * N, 4 * N, LONGER * N];
const LAST = N / 4;
const after = { logScale: "after", trainingLength: N } as const;
const trained = { logScale: "trained", trainingLength: N } as const;

interface TextLengthSettings {
  readonly plan: "plain" | "hwfa" | "inverse-leaky";
  readonly steps: number;
  readonly width: number;
  readonly layers: number;
  /** Stretches of held-out text that are scored. */
  readonly stretches: number;
  readonly contexts: readonly number[];
  readonly books?: number;
}

/** Loss of the same last bytes at one length of context. */
export interface TextLengthRow {
  readonly method: string;
  readonly context: number;
  /** Nats per byte. */
  readonly loss: number;
}

/** What a plain model is run with. */
const AFTERWARDS: readonly (readonly [name: string, spec: PositionSpec])[] = [
  ["RoPE", { type: "rope" }],
  ["PI", { type: "pi", scale: LONGER }],
  ["NTK-aware", { type: "ntk-aware", scale: LONGER }],
  ["NTK-fixed", { type: "ntk-fixed", scale: LONGER }],
  ["NTK-mixed", { type: "ntk-mixed", scale: LONGER }],
  ["NTK-mixed, log n", { type: "ntk-mixed", scale: LONGER, ...after }],
  ["dynamic NTK", { type: "ntk-dynamic", scale: 1, trainingLength: N }],
  ["YaRN, τ = 8", { type: "yarn", scale: LONGER, trainingLength: N, fast: 8 }],
  ["ReRoPE N/4, log n", { type: "rerope", window: N / 4, ...after }],
  ["ReRoPE N/2, log n", { type: "rerope", window: N / 2, ...after }],
  ["Leaky N/4, k = 32, log n", { type: "leaky-rerope", window: N / 4, leak: 32, ...after }],
  ["window N", { type: "rope", slidingWindow: N }],
];
const DRAWN = ["RoPE", "PI", "NTK-mixed", "YaRN, τ = 8", "ReRoPE N/4, log n", "Leaky N/4, k = 32, log n"];
const TRAINED = ["RoPE", "HWFA", "inverse Leaky ReRoPE, log n"];

/** A model that is trained, and what it is run with. */
interface Plan {
  readonly training: Partial<CausalLMConfig>;
  readonly inference: readonly (readonly [name: string, how: Partial<CausalLMConfig>])[];
}

function planOf({ plan, layers }: TextLengthSettings): Plan {
  if (plan === "plain") {
    return {
      training: { position: { type: "rope" } },
      inference: AFTERWARDS.map(([name, position]) => [name, { position }] as const),
    };
  }
  if (plan === "hwfa") {
    const perLayer = hwfaPlan({ layers, trainingLength: N }).map((position) => ({ position }));
    return { training: { perLayer }, inference: [["HWFA", {}]] };
  }
  return {
    // w = N/4 and slope 2s in training, plain RoPE at inference; log n in both, as in the article.
    training: { position: { type: "leaky-rerope", window: N / 4, leak: 1 / (2 * LONGER), ...trained } },
    inference: [["inverse Leaky ReRoPE, log n", { position: { type: "rope", ...trained } }]],
  };
}

/** Losses of methods at one context. */
const at = (rows: readonly TextLengthRow[], context: number) =>
  byMethod(
    rows.filter((r) => r.context === context),
    (r) => r.loss,
  );
const far = (rows: readonly TextLengthRow[]) => at(rows, LONGER * N);

/** Whether each of these methods is better at eight times the length than the next. */
function ranked(rows: readonly TextLengthRow[], methods: readonly string[]): boolean | null {
  return known(
    methods.map((m) => far(rows).mean(m)),
    (...losses) => losses.every((loss, i) => i === 0 || loss > (losses[i - 1] ?? Infinity)),
  );
}

function figures(rows: readonly (TextLengthRow & { seed: number })[]): Record<string, string> {
  const contexts = [...new Set(rows.map((r) => r.context))].filter((c) => c >= N);
  const chart = (title: string, methods: readonly string[]): string =>
    lineChart({
      title,
      subtitle: `Byte models of English books trained at ${N}: the same last ${LAST} bytes, ${seedsOf(rows)}`,
      x: "bytes of context",
      y: "nats per byte",
      xScale: "log2",
      series: methods
        .filter((name) => rows.some((r) => r.method === name))
        .map((name) => ({
          name,
          points: contexts.map((c) => [c, at(rows, c).mean(name) ?? Number.NaN] as const),
        })),
    });
  const drawn = (names: readonly string[]): boolean =>
    names.some((name) => rows.some((r) => r.method === name));
  return {
    ...(drawn(DRAWN) && {
      "text-length.svg": chart("Loss against context, other positions at inference", DRAWN),
    }),
    ...(drawn(TRAINED) && {
      "text-trained.svg": chart("Loss against context, models trained for it", TRAINED),
    }),
  };
}

const settings = (
  sizes: Omit<TextLengthSettings, "plan">,
  plans: readonly TextLengthSettings["plan"][] = ["plain", "hwfa", "inverse-leaky"],
): TextLengthSettings[] => plans.map((plan) => ({ plan, ...sizes }));

export const textLength: Entry<TextLengthSettings, TextLengthRow> = {
  name: "text-length",
  row: "frequencies",
  claim: {
    en: "On longer text than it was trained on a model with RoPE fails; other positions at inference repair it in the order PI, NTK, YaRN, ReRoPE, and HWFA or inverse Leaky ReRoPE prevent it.",
    zh: "RoPE 模型在超出训练长度的文本上失效；推理时更换位置编码可按 PI、NTK、YaRN、ReRoPE 的顺序逐步修复，而 HWFA 或逆 Leaky ReRoPE 能预防。",
  },
  source: {
    says: "Su 2023, Transformer upgrade path 9 to 16",
    links: [
      "https://kexue.fm/archives/9675",
      "https://kexue.fm/archives/9708",
      "https://kexue.fm/archives/9728",
      "https://kexue.fm/archives/9948",
    ],
  },
  needs: [BOOKS],
  minutes: { quick: 3, full: 300 },
  seeds: [0, 1, 2],
  settings: {
    smallest: settings({ steps: 1, width: 16, layers: 2, stretches: 1, contexts: [64, 128], books: 1 }, [
      "hwfa",
    ]),
    quick: settings({ steps: 300, width: 64, layers: 3, stretches: 16, contexts: CONTEXTS }, ["plain"]),
    // Ten times as long and eight times as large as the run whose models had nothing to say about text farther back.
    full: settings({ steps: 6000, width: 128, layers: 4, stretches: 128, contexts: CONTEXTS }),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "The plain model uses its context: the same bytes cost at least 0.01 nats less with N bytes before them than with N/2.",
        zh: "普通模型确实利用上下文：同样的字节，前文为 N 时比 N/2 时至少低 0.01 奈特。",
      },
      holds: (rows) =>
        known(
          [at(rows, N).mean("RoPE"), at(rows, N / 2).mean("RoPE")],
          (all = 1, half = 0) => all < half - 0.01,
        ),
      direction: (rows) =>
        known([at(rows, N).mean("RoPE"), at(rows, N / 2).mean("RoPE")], (all = 1, half = 0) => all < half),
      shows: (rows) => `${at(rows, N / 2).shows(["RoPE"], 3)} → ${at(rows, N).shows(["RoPE"], 3)}`,
    },
    {
      says: {
        en: "RoPE explodes: at 8 N it loses at least a nat.",
        zh: "RoPE 爆炸：8N 处至少多损失 1 奈特。",
      },
      holds: (rows) =>
        known([far(rows).mean("RoPE"), at(rows, N).mean("RoPE")], (long = 0, own = 0) => long > own + 1),
      direction: (rows) =>
        known([far(rows).mean("RoPE"), at(rows, N).mean("RoPE")], (long = 0, own = 0) => long > own + 0.2),
      shows: (rows) => `${at(rows, N).shows(["RoPE"], 3)} → ${far(rows).shows(["RoPE"], 3)}`,
    },
    {
      says: {
        en: "NTK-mixed is better than PI, YaRN than NTK-mixed, ReRoPE with log n than YaRN.",
        zh: "NTK-mixed 优于 PI，YaRN 优于 NTK-mixed，带 log n 的 ReRoPE 优于 YaRN。",
      },
      holds: (rows) =>
        known(
          ["PI", "NTK-mixed", "YaRN, τ = 8", "ReRoPE N/4, log n"].map((m) => far(rows).mean(m)),
          (...losses) => losses.every((loss, i) => i === 0 || loss < (losses[i - 1] ?? 0)),
        ),
      shows: (rows) => far(rows).shows(["PI", "NTK-mixed", "YaRN, τ = 8", "ReRoPE N/4, log n"], 3),
    },
    {
      says: { en: "NTK-mixed is better than RoPE.", zh: "NTK-mixed 优于 RoPE。" },
      holds: (rows) => ranked(rows, ["NTK-mixed", "RoPE"]),
      shows: (rows) => far(rows).shows(["NTK-mixed", "RoPE"], 3),
    },
    {
      says: { en: "log n after training makes NTK-mixed better.", zh: "训练后加 log n 能改进 NTK-mixed。" },
      holds: (rows) => ranked(rows, ["NTK-mixed, log n", "NTK-mixed"]),
      shows: (rows) => far(rows).shows(["NTK-mixed, log n", "NTK-mixed"], 3),
    },
    {
      says: {
        en: "The loss of ReRoPE (N/4, log n) does not rise with context (by more than 0.005).",
        zh: "ReRoPE（N/4，log n）的损失不随上下文上升（超过 0.005）。",
      },
      holds: (rows) =>
        known(
          CONTEXTS.slice(1).map((c) => at(rows, c).mean("ReRoPE N/4, log n")),
          (own = 0, ...longer) => longer.every((loss) => loss <= own + 0.005),
        ),
      shows: (rows) =>
        CONTEXTS.slice(1)
          .map((c) => at(rows, c).shows(["ReRoPE N/4, log n"], 3).replace("ReRoPE N/4, log n ", ""))
          .join(" → "),
    },
    {
      says: {
        en: "HWFA, trained so, does not rise with context (by more than 0.005).",
        zh: "按 HWFA 训练的模型的损失不随上下文上升（超过 0.005）。",
      },
      holds: (rows) =>
        known([far(rows).mean("HWFA"), at(rows, N).mean("HWFA")], (long = 1, own = 0) => long <= own + 0.005),
      shows: (rows) => `${at(rows, N).shows(["HWFA"], 3)} → ${far(rows).shows(["HWFA"], 3)}`,
    },
    {
      says: {
        en: "Inverse Leaky ReRoPE with log n, run as plain RoPE, loses at most a fifth of what RoPE loses.",
        zh: "带 log n 的逆 Leaky ReRoPE 按普通 RoPE 运行，损失的上升至多为 RoPE 的五分之一。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("inverse Leaky ReRoPE, log n"), far(rows).mean("RoPE"), at(rows, N).mean("RoPE")],
          (inverse = 1, rope = 0, own = 0) => inverse < own + 0.2 * (rope - own),
        ),
      shows: (rows) => far(rows).shows(["inverse Leaky ReRoPE, log n", "RoPE"], 3),
    },
  ],
  async run(given, seed, context) {
    const { steps, width, layers, stretches, contexts, books } = given;
    const { training, inference } = planOf(given);
    const corpus = await bookCorpus(context, books);
    const config = textConfig(corpus, { context: N, width, layers, heads: 2, ...training });
    const { params } = await trainOnText(config, corpus, { seed, steps, batch: 16 }, context.report);
    const rows: TextLengthRow[] = [];
    for (const [method, how] of inference) {
      const scored = { contexts, last: LAST, stretches };
      const losses = await lossByContext({ ...config, ...how }, params, corpus, scored);
      for (const found of losses) rows.push({ method, context: found.context, loss: found.loss });
      context.report(`${method}, seed ${seed}: ${losses.map((l) => l.loss.toFixed(3)).join("  ")}`);
    }
    return rows;
  },
  figures,
};
