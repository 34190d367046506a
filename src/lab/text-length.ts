// Longer texts than a model was trained on, on real text: every method at inference on plain models, and models
// trained for it (HWFA, inverse Leaky ReRoPE), beside the same plain twins.
import { lineChart } from "../draw/line-chart.ts";
import type { CausalLMConfig, CausalLMParams } from "../model/index.ts";
import { hwfaPlan, type PositionSpec } from "../position/index.ts";
import type { TextFile } from "../train/index.ts";
import { type Lab, verdictOf } from "./lab.ts";
import { lossByContext, meanOf, seedsOf, textConfig, textCorpus, trainOnText } from "./text-model.ts";

export interface TextLengthOptions {
  readonly sources: readonly TextFile[];
  /** Default 0, 1. */
  readonly seeds?: readonly number[];
  readonly steps?: number;
}

/** Loss of the same last bytes at one length of context. */
export interface TextLengthRow {
  readonly method: string;
  readonly seed: number;
  readonly context: number;
  /** Nats per byte. */
  readonly loss: number;
}

const N = 128;
const LONGER = 8;
const CONTEXTS = [N, 2 * N, 4 * N, LONGER * N];
const LAYERS = 3;
const SIZES = { context: N, width: 64, layers: LAYERS, heads: 2 } as const;
const SCORED = { contexts: CONTEXTS, last: N, stretches: 32 } as const;
const after = { logScale: "after", trainingLength: N } as const;

/** What a plain model is run with. */
const AFTERWARDS: readonly (readonly [name: string, spec: PositionSpec])[] = [
  ["RoPE", { type: "rope" }],
  ["PI", { type: "pi", scale: LONGER }],
  ["NTK-old", { type: "ntk-old", scale: LONGER }],
  ["NTK-aware", { type: "ntk-aware", scale: LONGER }],
  ["NTK-aware, 2s", { type: "ntk-aware", scale: 2 * LONGER }],
  ["NTK-fixed", { type: "ntk-fixed", scale: LONGER }],
  ["NTK-mixed", { type: "ntk-mixed", scale: LONGER }],
  ["dynamic NTK", { type: "ntk-dynamic", scale: 1, trainingLength: N }],
  ["YaRN, τ = 8", { type: "yarn", scale: LONGER, trainingLength: N, fast: 8 }],
  ["ReRoPE N/4", { type: "rerope", window: N / 4 }],
  ["ReRoPE N/4, log n", { type: "rerope", window: N / 4, ...after }],
  ["ReRoPE N/2", { type: "rerope", window: N / 2 }],
  ["ReRoPE N/2, log n", { type: "rerope", window: N / 2, ...after }],
  ["ReRoPE N", { type: "rerope", window: N }],
  ["Leaky N/4, k = 32", { type: "leaky-rerope", window: N / 4, leak: 32 }],
  ["Leaky N/4, k = 32, log n", { type: "leaky-rerope", window: N / 4, leak: 32, ...after }],
  ["window N", { type: "rope", slidingWindow: N }],
  ["window N, 4 sinks", { type: "rope", slidingWindow: N - 4, sinks: 4 }],
];

/** Methods drawn, so that lines stay apart. */
const DRAWN = [
  "RoPE",
  "PI",
  "NTK-aware",
  "NTK-mixed",
  "YaRN, τ = 8",
  "ReRoPE N/4, log n",
  "ReRoPE N/2, log n",
  "Leaky N/4, k = 32, log n",
];
const TRAINED = ["RoPE", "HWFA", "inverse Leaky ReRoPE"];

/** Models that are trained, and what they are run with. */
interface Plan {
  readonly training: Partial<CausalLMConfig>;
  readonly inference: readonly (readonly [name: string, how: Partial<CausalLMConfig>])[];
}

const PLANS: readonly Plan[] = [
  {
    training: { position: { type: "rope" } },
    inference: AFTERWARDS.map(([name, position]) => [name, { position }] as const),
  },
  {
    training: { perLayer: hwfaPlan({ layers: LAYERS, trainingLength: N }).map((position) => ({ position })) },
    inference: [["HWFA", {}]],
  },
  {
    // w = N/4 and slope 2s in training, plain RoPE at inference.
    training: { position: { type: "leaky-rerope", window: N / 4, leak: 1 / (2 * LONGER) } },
    inference: [["inverse Leaky ReRoPE", { position: { type: "rope" } }]],
  },
];

async function run(
  { sources, seeds = [0, 1], steps = 600 }: TextLengthOptions,
  report: (line: string) => void = () => undefined,
): Promise<{ rows: TextLengthRow[]; figures: Record<string, string> }> {
  const corpus = textCorpus(sources);
  const rows: TextLengthRow[] = [];
  const score = async (
    method: string,
    seed: number,
    config: CausalLMConfig,
    params: CausalLMParams,
  ): Promise<void> => {
    const losses = await lossByContext(config, params, corpus, SCORED);
    for (const { context, loss } of losses) rows.push({ method, seed, context, loss });
    report(`${method}, seed ${seed}: ${losses.map((l) => l.loss.toFixed(3)).join("  ")}`);
  };
  for (const seed of seeds) {
    for (const { training, inference } of PLANS) {
      const config = textConfig(corpus, { ...SIZES, ...training });
      const { params } = await trainOnText(config, corpus, { seed, steps, batch: 16 }, report);
      for (const [method, how] of inference) await score(method, seed, { ...config, ...how }, params);
    }
  }
  return { rows, figures: pictures(rows) };
}

function pictures(rows: readonly TextLengthRow[]): Record<string, string> {
  const at = curves(rows);
  const chart = (title: string, methods: readonly string[]): string =>
    lineChart({
      title,
      subtitle: `Byte models of English books trained at ${N}: the same last ${N} bytes, ${seedsOf(rows)}`,
      x: "bytes of context",
      y: "nats per byte",
      xScale: "log2",
      yMost: 2 * Math.min(...CONTEXTS.map((c) => at("RoPE", c))),
      series: methods.map((name) => ({ name, points: CONTEXTS.map((c) => [c, at(name, c)] as const) })),
    });
  return {
    "text-length.svg": chart("Loss against context, other positions at inference", DRAWN),
    "text-trained.svg": chart("Loss against context, models trained for it", TRAINED),
  };
}

/** Mean loss over seeds of a method at a context. */
function curves(rows: readonly TextLengthRow[]): (method: string, context: number) => number {
  return (method, context) =>
    meanOf(rows.filter((r) => r.method === method && r.context === context).map((r) => r.loss));
}

function verdict(rows: readonly TextLengthRow[]): ReturnType<typeof verdictOf> {
  const at = curves(rows);
  const far = (method: string): number => at(method, LONGER * N);
  const own = at("RoPE", N);
  const sane = ["PI", "NTK-mixed", "YaRN, τ = 8", "ReRoPE N/4, log n", "Leaky N/4, k = 32, log n"];
  const front = Math.min(far("ReRoPE N/4, log n"), far("ReRoPE N/2, log n"));
  const rest = AFTERWARDS.map(([name]) => name).filter((name) => !/ReRoPE|Leaky|window/.test(name));
  const better = (a: string, b: string): boolean => far(a) < far(b);
  return verdictOf([
    [`RoPE explodes: at ${LONGER} N it loses at least a nat.`, far("RoPE") > own + 1],
    [
      "PI, NTK-mixed, YaRN, ReRoPE and Leaky ReRoPE with log n stay below it.",
      sane.every((m) => better(m, "RoPE")),
    ],
    [
      "NTK-mixed is better than PI, and YaRN than NTK-mixed.",
      better("NTK-mixed", "PI") && better("YaRN, τ = 8", "NTK-mixed"),
    ],
    [
      "ReRoPE with log n is in front of every other change of frequencies.",
      rest.every((m) => front < far(m)),
    ],
    [
      "The loss of ReRoPE (N/4, log n) does not rise with context.",
      CONTEXTS.every((c) => at("ReRoPE N/4, log n", c) <= at("ReRoPE N/4, log n", N) + 0.005),
    ],
    ["HWFA, trained so, does not rise with context.", far("HWFA") <= at("HWFA", N) + 0.005],
    [
      "Inverse Leaky ReRoPE, run as plain RoPE, stays far below its twin.",
      far("inverse Leaky ReRoPE") < own + 0.2 * (far("RoPE") - own),
    ],
  ]);
}

export const textLength: Lab<TextLengthOptions, TextLengthRow> = {
  name: "text-length",
  claim:
    "On longer text than it was trained on a model with RoPE fails; other positions at inference repair it in the order PI, NTK, YaRN, ReRoPE, and HWFA or inverse Leaky ReRoPE prevent it.",
  source:
    "Su 2023, Transformer upgrade path 9 to 16, https://kexue.fm/archives/9675, https://kexue.fm/archives/9708, https://kexue.fm/archives/9728, https://kexue.fm/archives/9948",
  run,
  verdict,
};
