// What a smaller cache costs: latent attention beside many, grouped and single key-value heads at equal parameters.
import { barChart } from "../../draw/bar-chart.ts";
import { type AttentionConfig, type CausalLMConfig, parameterCount } from "../../model/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { BOOKS } from "../needs.ts";
import { known, rangeOf, seedsOf } from "../statistics.ts";
import { bookCorpus, type TextCorpus, textConfig, trainOnText } from "../text-model.ts";

const METHODS = ["MHA", "GQA-2", "MQA", "MLA"] as const;
type Method = (typeof METHODS)[number];

interface LatentAttentionSettings {
  readonly method: Method;
  readonly steps: number;
  /** Bytes of context, and layers. */
  readonly context: number;
  readonly layers: number;
  /** Books that are read; default all. */
  readonly books?: number;
}

export interface LatentAttentionRow {
  readonly method: Method;
  /** Nats per byte of held-out text. */
  readonly loss: number;
  readonly parameters: number;
  /** Bytes in float32 that the cache keeps of one token in one layer. */
  readonly cacheBytes: number;
}

const WIDTH = 64;
const HEADS = 8;
const D = 16;
const HIDDEN = 192;
const SIZES = { width: WIDTH, heads: HEADS, headWidth: D } as const;
const LATENT = { latentWidth: 48, rotaryWidth: 16 } as const;

/** Heads of keys and values, the kind of attention, and numbers of the cache. */
const KINDS: Readonly<Record<Method, { groups: number; attention: AttentionConfig; numbers: number }>> = {
  MHA: { groups: HEADS, attention: { type: "dense" }, numbers: 2 * HEADS * D },
  "GQA-2": { groups: 2, attention: { type: "dense" }, numbers: 2 * 2 * D },
  MQA: { groups: 1, attention: { type: "dense" }, numbers: 2 * D },
  MLA: {
    groups: HEADS,
    attention: { type: "mla", ...LATENT },
    numbers: LATENT.latentWidth + LATENT.rotaryWidth,
  },
};

/** A model with as many parameters as that with MHA: what attention saves or spends goes to the MLP. */
function configOf(corpus: TextCorpus, { method, context, layers }: LatentAttentionSettings): CausalLMConfig {
  const make = (name: Method, hidden: number): CausalLMConfig => {
    const { groups, attention } = KINDS[name];
    return textConfig(corpus, { ...SIZES, context, layers, keyValueHeads: groups, attention, hidden });
  };
  const spare = parameterCount(make("MHA", HIDDEN)) - parameterCount(make(method, HIDDEN));
  return make(method, HIDDEN + Math.round(spare / (3 * WIDTH * layers)));
}

const losses = (rows: readonly LatentAttentionRow[]) => byMethod(rows, (r) => r.loss);

function figures(rows: readonly (LatentAttentionRow & { seed: number })[]): Record<string, string> {
  const of = losses(rows);
  const means = methodsOf(rows).map((name) => [name, of.mean(name) ?? 0] as const);
  const best = Math.min(...means.map(([, loss]) => loss));
  const figure = barChart({
    title: "What a smaller cache costs",
    subtitle: `Held-out nats per byte above the best, and cache of a token and layer in kB; ${seedsOf(rows)}`,
    names: ["loss above the best", "cache, kB"],
    rows: means.map(([name, loss]) => ({
      name,
      values: [loss - best, (4 * KINDS[name as Method].numbers) / 1000],
    })),
    most: (4 * KINDS.MHA.numbers) / 1000,
  });
  return { "latent-attention.svg": figure };
}

export const latentAttention: Entry<LatentAttentionSettings, LatentAttentionRow> = {
  name: "latent-attention",
  row: "mla",
  claim: {
    en: "At equal parameters latent attention predicts as well as many key-value heads with the cache of two, and better than grouped or single ones.",
    zh: "参数量相同时，MLA 以两组 KV 的缓存达到多头的效果，并优于分组（GQA）或单头（MQA）。",
  },
  source: {
    says: "Su 2024, The ultimate tug of war between cache and quality; DeepSeek-AI 2024, DeepSeek-V2, section 2.1 and appendix D",
    links: ["https://kexue.fm/archives/10091", "https://arxiv.org/abs/2405.04434"],
  },
  needs: [BOOKS],
  minutes: { quick: 3, full: 240 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "MLA", steps: 1, context: 16, layers: 1, books: 1 }],
    quick: METHODS.map((method) => ({ method, steps: 150, context: 64, layers: 2 })),
    // Ten times as long as the run that left the order open, on twice the context and layers.
    full: METHODS.map((method) => ({ method, steps: 4000, context: 256, layers: 4 })),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "The models have equal numbers of parameters, to half a per cent.",
        zh: "各模型的参数量相等（千分之五以内）。",
      },
      holds: (rows) => {
        const counts = rows.map((r) => r.parameters);
        return Math.max(...counts) < 1.005 * Math.min(...counts);
      },
    },
    {
      premise: true,
      says: {
        en: "There is something to lose: MQA predicts worse than MHA by more than the larger range over seeds.",
        zh: "确有可失：MQA 比 MHA 差，且差距大于二者跨种子的极差。",
      },
      holds: (rows) => {
        const of = losses(rows);
        const noise = Math.max(rangeOf(of.values("MHA")), rangeOf(of.values("MQA")));
        return known([of.mean("MHA"), of.mean("MQA")], (many = 0, one = 0) => one - many > noise);
      },
      direction: (rows) =>
        known([losses(rows).mean("MHA"), losses(rows).mean("MQA")], (many = 0, one = 0) => one > many),
      shows: (rows) => losses(rows).shows(["MHA", "MQA"], 3),
    },
    {
      says: { en: "MLA predicts better than GQA with the same cache.", zh: "缓存相同时 MLA 优于 GQA。" },
      holds: (rows) =>
        known([losses(rows).mean("MLA"), losses(rows).mean("GQA-2")], (mla = 1, gqa = 0) => mla < gqa),
      shows: (rows) => losses(rows).shows(["MLA", "GQA-2"], 3),
    },
    {
      says: { en: "MLA predicts better than MQA.", zh: "MLA 优于 MQA。" },
      holds: (rows) =>
        known([losses(rows).mean("MLA"), losses(rows).mean("MQA")], (mla = 1, mqa = 0) => mla < mqa),
      shows: (rows) => losses(rows).shows(["MLA", "MQA"], 3),
    },
    {
      says: {
        en: "MLA is within 0.02 nats of MHA, with a quarter of its cache.",
        zh: "MLA 与 MHA 相差 0.02 奈特以内，而缓存只有四分之一。",
      },
      holds: (rows) =>
        known([losses(rows).mean("MLA"), losses(rows).mean("MHA")], (mla = 1, mha = 0) => mla <= mha + 0.02),
      shows: (rows) => losses(rows).shows(["MHA", "MLA"], 3),
    },
  ],
  beyond: [
    {
      en: "Benchmarks of the report (MMLU 48.7 with MHA, 50.0 with MLA at 16 B) need models of that size.",
      zh: "报告中的评测（16B 下 MHA 的 MMLU 48.7、MLA 50.0）需要相应规模的模型。",
    },
  ],
  async run(settings, seed, context) {
    const { method, steps, books } = settings;
    const corpus = await bookCorpus(context, books);
    const config = configOf(corpus, settings);
    const { loss } = await trainOnText(config, corpus, { seed, steps, batch: 16 }, context.report);
    const row = { method, loss, parameters: parameterCount(config), cacheBytes: 4 * KINDS[method].numbers };
    context.report(
      `${method}, seed ${seed}: ${loss.toFixed(4)} nats per byte, ${row.cacheBytes} bytes a token and layer`,
    );
    return [row];
  },
  figures,
};
