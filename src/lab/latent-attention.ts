// What a smaller cache costs: latent attention beside many, grouped and single key-value heads at equal parameters.
import type { AttentionConfig, CausalLMConfig } from "../model/index.ts";
import { parameterCount } from "../model/index.ts";
import type { TextFile } from "../train/index.ts";
import { barChart } from "../draw/bar-chart.ts";
import { type Lab, verdictOf } from "./lab.ts";
import { meanOf, seedsOf, type TextCorpus, textConfig, textCorpus, trainOnText } from "./text-model.ts";

export interface LatentAttentionOptions {
  readonly sources: readonly TextFile[];
  /** Default 0, 1, 2. */
  readonly seeds?: readonly number[];
  readonly steps?: number;
}

export interface LatentAttentionRow {
  readonly method: "MHA" | "GQA-2" | "MQA" | "MLA";
  readonly seed: number;
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
const SIZES = { context: 128, width: WIDTH, layers: 2, heads: HEADS, headWidth: D } as const;
const LATENT = { latentWidth: 48, rotaryWidth: 16 } as const;

/** Heads of keys and values, the kind of attention, and numbers of the cache. */
const METHODS: Readonly<
  Record<LatentAttentionRow["method"], { groups: number; attention: AttentionConfig; numbers: number }>
> = {
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
function configOf(corpus: TextCorpus, method: LatentAttentionRow["method"]): CausalLMConfig {
  const make = (name: LatentAttentionRow["method"], hidden: number): CausalLMConfig => {
    const { groups, attention } = METHODS[name];
    return textConfig(corpus, { ...SIZES, keyValueHeads: groups, attention, hidden });
  };
  const spare = parameterCount(make("MHA", HIDDEN)) - parameterCount(make(method, HIDDEN));
  return make(method, HIDDEN + Math.round(spare / (3 * WIDTH * SIZES.layers)));
}

async function run(
  { sources, seeds = [0, 1, 2], steps = 400 }: LatentAttentionOptions,
  report: (line: string) => void = () => undefined,
): Promise<{ rows: LatentAttentionRow[]; figures: Record<string, string> }> {
  const corpus = textCorpus(sources);
  const rows: LatentAttentionRow[] = [];
  for (const seed of seeds) {
    for (const method of Object.keys(METHODS) as LatentAttentionRow["method"][]) {
      const config = configOf(corpus, method);
      const { loss } = await trainOnText(config, corpus, { seed, steps, batch: 16 }, report);
      const cacheBytes = 4 * METHODS[method].numbers;
      rows.push({ method, seed, loss, parameters: parameterCount(config), cacheBytes });
      report(
        `${method}, seed ${seed}: ${loss.toFixed(4)} nats per byte, ${cacheBytes} bytes a token and layer`,
      );
    }
  }
  return { rows, figures: pictures(rows) };
}

function pictures(rows: readonly LatentAttentionRow[]): Record<string, string> {
  const means = meanLosses(rows);
  const best = Math.min(...Object.values(means));
  const figure = barChart({
    title: "What a smaller cache costs",
    subtitle: `Held-out nats per byte above the best, and cache of a token and layer in kB; ${seedsOf(rows)}`,
    names: ["loss above the best", "cache, kB"],
    rows: Object.entries(means).map(([method, loss]) => ({
      name: method,
      values: [loss - best, (4 * METHODS[method as LatentAttentionRow["method"]].numbers) / 1000],
    })),
    most: (4 * METHODS.MHA.numbers) / 1000,
  });
  return { "latent-attention.svg": figure };
}

/** Mean loss of each method over its seeds. */
function meanLosses(rows: readonly LatentAttentionRow[]): Record<string, number> {
  const methods = Object.keys(METHODS).filter((m) => rows.some((r) => r.method === m));
  return Object.fromEntries(
    methods.map((m) => [m, meanOf(rows.filter((r) => r.method === m).map((r) => r.loss))]),
  );
}

function verdict(rows: readonly LatentAttentionRow[]): ReturnType<typeof verdictOf> {
  const { MHA = NaN, "GQA-2": GQA = NaN, MQA = NaN, MLA = NaN } = meanLosses(rows);
  const counts = rows.map((r) => r.parameters);
  return verdictOf([
    [
      "The models have equal numbers of parameters, to half a per cent.",
      Math.max(...counts) < 1.005 * Math.min(...counts),
    ],
    ["MLA predicts at least as well as GQA with the same cache.", MLA <= GQA],
    ["MLA predicts at least as well as MQA.", MLA <= MQA],
    ["MLA is within 0.02 nats of MHA, with a quarter of its cache.", MLA <= MHA + 0.02],
    ["Fewer key-value heads predict no better: MHA ≤ GQA-2 ≤ MQA.", MHA <= GQA && GQA <= MQA],
  ]);
}

export const latentAttention: Lab<LatentAttentionOptions, LatentAttentionRow> = {
  name: "latent-attention",
  claim:
    "At equal parameters latent attention predicts as well as many key-value heads with the cache of two, and better than grouped or single ones.",
  source: "DeepSeek-AI 2024, DeepSeek-V2, section 2.1 and appendix D, https://arxiv.org/abs/2405.04434",
  run,
  verdict,
};
