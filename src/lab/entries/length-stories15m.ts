// Longer texts than a model was trained on, with a model that has learnt to use its context: stories15M, trained at 256.
// Nothing is trained; the same last tokens are scored under growing context. After Su 2023, parts 10 to 12 and 16.
import { lineChart } from "../../draw/line-chart.ts";
import { contextLoss, createDecoder, loadModel } from "../../model/index.ts";
import type { PositionSpec } from "../../position/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { STORIES, STORIES15M, STORIES_VOCABULARY } from "../needs.ts";
import { known } from "../statistics.ts";

const N = 256;
const LONGER = 8;
const CONTEXTS = [N / 2, N, 2 * N, 4 * N, LONGER * N];
/** Tokens scored at the end of each stretch: the same under every context. */
const LAST = N / 4;
const after = { logScale: "after", trainingLength: N } as const;

const METHODS: Readonly<Record<string, PositionSpec>> = {
  RoPE: { type: "rope" },
  PI: { type: "pi", scale: LONGER },
  "NTK-aware": { type: "ntk-aware", scale: LONGER },
  "NTK-fixed": { type: "ntk-fixed", scale: LONGER },
  "NTK-fixed, log n†": { type: "ntk-fixed", scale: LONGER, ...after },
  "NTK-mixed": { type: "ntk-mixed", scale: LONGER },
  "NTK-mixed, log n†": { type: "ntk-mixed", scale: LONGER, ...after },
  "dynamic NTK": { type: "ntk-dynamic", scale: 1, trainingLength: N },
  "YaRN, τ = 8": { type: "yarn", scale: LONGER, trainingLength: N, fast: 8 },
  "ReRoPE N/4": { type: "rerope", window: N / 4 },
  "ReRoPE N/4, log n†": { type: "rerope", window: N / 4, ...after },
  "ReRoPE N/2, log n†": { type: "rerope", window: N / 2, ...after },
  "Leaky N/4, k = 32, log n†": { type: "leaky-rerope", window: N / 4, leak: 32, ...after },
  "window N": { type: "rope", slidingWindow: N },
};

interface StoriesSettings {
  readonly method: string;
  readonly contexts: readonly number[];
  readonly stretches: number;
}

/** Loss of the same last tokens at one length of context. */
export interface StoriesRow {
  readonly method: string;
  readonly context: number;
  /** Nats per token. */
  readonly loss: number;
}

const at = (rows: readonly StoriesRow[], context: number) =>
  byMethod(
    rows.filter((r) => r.context === context),
    (r) => r.loss,
  );
const far = (rows: readonly StoriesRow[]) => at(rows, LONGER * N);

/** Whether each method loses more at eight times the length than the next. */
const falling = (rows: readonly StoriesRow[], methods: readonly string[]): boolean | null =>
  known(
    methods.map((m) => far(rows).mean(m)),
    (...losses) => losses.every((loss, i) => i === 0 || loss < (losses[i - 1] ?? 0)),
  );

const FRONT = ["ReRoPE N/4, log n†", "ReRoPE N/2, log n†", "Leaky N/4, k = 32, log n†"];
const DRAWN = [
  "RoPE",
  "PI",
  "NTK-mixed",
  "NTK-mixed, log n†",
  "YaRN, τ = 8",
  "ReRoPE N/2, log n†",
  "Leaky N/4, k = 32, log n†",
  "window N",
];
const settings = (
  stretches: number,
  methods: readonly string[] = Object.keys(METHODS),
  contexts: readonly number[] = CONTEXTS,
): StoriesSettings[] => methods.map((method) => ({ method, contexts, stretches }));

export const lengthStories15m: Entry<StoriesSettings, StoriesRow> = {
  name: "length-stories15m",
  row: "frequencies",
  claim: {
    en: "A language model trained at 256 with RoPE fails on longer text, and other positions at inference repair it in the order PI, NTK-mixed, YaRN, ReRoPE, whose loss falls with more context.",
    zh: "训练长度 256 的 RoPE 语言模型在更长文本上失效；推理时更换位置编码，按 PI、NTK-mixed、YaRN、ReRoPE 的顺序逐步修复，且 ReRoPE 的损失随上下文增加而下降。",
  },
  source: {
    says: "Su 2023, Transformer upgrade path 10, 11, 12 and 16",
    links: [
      "https://kexue.fm/archives/9675",
      "https://kexue.fm/archives/9706",
      "https://kexue.fm/archives/9708",
      "https://kexue.fm/archives/9948",
    ],
  },
  needs: [STORIES15M, STORIES_VOCABULARY, STORIES],
  minutes: { quick: 2, full: 25 },
  seeds: [0],
  settings: {
    smallest: settings(1, ["ReRoPE N/4"], [16]),
    quick: settings(3, ["RoPE", "PI", "NTK-mixed", "YaRN, τ = 8", "ReRoPE N/2, log n†"], [N / 2, N, 4 * N]),
    full: settings(16),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "The model uses its context: the same tokens cost less with 256 before them than with 128.",
        zh: "模型确实利用上下文：同样的 token，前文 256 时的损失低于 128 时。",
      },
      holds: (rows) =>
        known([at(rows, N).mean("RoPE"), at(rows, N / 2).mean("RoPE")], (all = 1, half = 0) => all < half),
      shows: (rows) => `${at(rows, N / 2).shows(["RoPE"], 3)} → ${at(rows, N).shows(["RoPE"], 3)}`,
    },
    {
      says: {
        en: "RoPE explodes: at 2,048 it loses at least a nat more than at 256.",
        zh: "RoPE 爆炸：2048 处比 256 处至少多损失 1 奈特。",
      },
      holds: (rows) =>
        known([far(rows).mean("RoPE"), at(rows, N).mean("RoPE")], (long = 0, own = 0) => long > own + 1),
      direction: (rows) =>
        known(
          [at(rows, 4 * N).mean("RoPE"), at(rows, N).mean("RoPE")],
          (long = 0, own = 0) => long > own + 1,
        ),
      shows: (rows) => `${at(rows, N).shows(["RoPE"])} → ${far(rows).shows(["RoPE"])}`,
    },
    {
      says: {
        en: "At 2,048 losses fall in the order PI, NTK-mixed, YaRN, ReRoPE (N/2, log n†).",
        zh: "2048 处损失按 PI、NTK-mixed、YaRN、ReRoPE（N/2，log n†）的顺序递减。",
      },
      holds: (rows) => falling(rows, ["PI", "NTK-mixed", "YaRN, τ = 8", "ReRoPE N/2, log n†"]),
      direction: (rows) =>
        known(
          ["PI", "NTK-mixed", "YaRN, τ = 8", "ReRoPE N/2, log n†"].map((m) => at(rows, 4 * N).mean(m)),
          (...losses) => losses.every((loss, i) => i === 0 || loss < (losses[i - 1] ?? 0)),
        ),
      shows: (rows) => far(rows).shows(["PI", "NTK-mixed", "YaRN, τ = 8", "ReRoPE N/2, log n†"]),
    },
    {
      says: {
        en: "NTK with the nominal scale stays sane to about half of it: at 1,024 NTK-mixed is below PI.",
        zh: "按标称缩放的 NTK 只在约一半长度内正常：1024 处 NTK-mixed 低于 PI。",
      },
      holds: (rows) =>
        known(
          [at(rows, 4 * N).mean("NTK-mixed"), at(rows, 4 * N).mean("PI")],
          (mixed = 1, pi = 0) => mixed < pi,
        ),
      shows: (rows) => at(rows, 4 * N).shows(["PI", "NTK-mixed"]),
    },
    {
      says: {
        en: "log n after training helps NTK-fixed and NTK-mixed at 512 and 1,024.",
        zh: "训练后加 log n 在 512 与 1024 处对 NTK-fixed 与 NTK-mixed 有帮助。",
      },
      holds: (rows) =>
        known(
          [2 * N, 4 * N].flatMap((c) =>
            ["NTK-fixed", "NTK-mixed"].flatMap((m) => [
              at(rows, c).mean(m),
              at(rows, c).mean(`${m}, log n†`),
            ]),
          ),
          (...losses) => losses.every((loss, i) => i % 2 === 0 || loss < (losses[i - 1] ?? 0)),
        ),
      shows: (rows) =>
        [2 * N, 4 * N]
          .map(
            (c) =>
              `${c}: ${at(rows, c).shows(["NTK-fixed", "NTK-fixed, log n†", "NTK-mixed", "NTK-mixed, log n†"])}`,
          )
          .join("; "),
    },
    {
      says: {
        en: "ReRoPE and Leaky ReRoPE with log n† lose at most 0.1 nat at 2,048 against RoPE at 256.",
        zh: "ReRoPE 与 Leaky ReRoPE（log n†）在 2048 处比 RoPE 在 256 处至多多损失 0.1 奈特。",
      },
      holds: (rows) =>
        known([...FRONT.map((m) => far(rows).mean(m)), at(rows, N).mean("RoPE")], (...losses) =>
          losses.slice(0, -1).every((loss) => loss <= (losses.at(-1) ?? 0) + 0.1),
        ),
      shows: (rows) => far(rows).shows(FRONT),
    },
    {
      says: {
        en: "Some method of the ReRoPE family gains by more context: less loss at 512 than at 256.",
        zh: "ReRoPE 系中至少有一种能从更长的上下文获益：512 处的损失低于 256 处。",
      },
      holds: (rows) => {
        const gains = FRONT.map((m) =>
          known([at(rows, 2 * N).mean(m), at(rows, N).mean("RoPE")], (more = 1, own = 0) => more < own),
        );
        return gains.includes(null) ? null : gains.includes(true);
      },
      shows: (rows) => `${at(rows, N).shows(["RoPE"], 3)}; ${at(rows, 2 * N).shows(FRONT, 3)}`,
    },
  ],
  beyond: [
    {
      en: "LLaMA-2-13B's losses (RoPE 1.4967 / 8.8615 at 4k / 8k, ReRoPE 1.4996 / 1.4267 / 1.4001 at 4k / 8k / 16k) need that model.",
      zh: "LLaMA-2-13B 的损失（4k / 8k：RoPE 1.4967 / 8.8615；4k / 8k / 16k：ReRoPE 1.4996 / 1.4267 / 1.4001）需要该模型。",
    },
  ],
  async run({ method, contexts, stretches }, _, { bytes, path, report }) {
    const model = await loadModel(path(STORIES15M));
    const tokenizer = await model.tokenizer();
    const ids = tokenizer.encode(await bytes(STORIES));
    const { base, layout } = model.config.position as PositionSpec;
    const position = {
      ...METHODS[method],
      type: METHODS[method]?.type ?? "rope",
      ...(base && { base }),
      ...(layout && { layout }),
    };
    const decoder = createDecoder({ ...model.config, position }, model.params);
    try {
      const { bos } = model.tokens;
      const last = Math.min(LAST, Math.min(...contexts) - 1);
      const losses = await contextLoss(decoder, ids, { contexts, last, stretches, bos });
      report(`${method}: ${losses.map(({ context, loss }) => `${context} ${loss.toFixed(3)}`).join(", ")}`);
      return losses.map(({ context, loss }) => ({ method, context, loss }));
    } finally {
      await decoder.release();
    }
  },
  figures(rows) {
    const contexts = [...new Set(rows.map((r) => r.context))];
    const drawn = methodsOf(rows).filter(
      (name) => DRAWN.includes(name) || methodsOf(rows).length < DRAWN.length,
    );
    const figure = lineChart({
      title: "Loss of stories15M against context",
      subtitle: `The same last ${LAST} tokens of stretches of TinyStories; trained at ${N}`,
      x: "tokens of context",
      y: "nats per token",
      xScale: "log2",
      yMost: 5,
      series: drawn.map((name) => ({
        name,
        points: contexts.flatMap((c): [number, number][] => {
          const loss = at(rows, c).mean(name);
          return loss === undefined ? [] : [[c, loss]];
        }),
      })),
    });
    return { "length-stories15m.svg": figure };
  },
};
