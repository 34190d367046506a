// How well a model answers: loss of completions, whether it would write them itself, and which of several choices it finds
// most probable.
import { causalLM, type CausalLMConfig, type CausalLMParams } from "../model/index.ts";
import {
  cast,
  compile,
  type Device,
  greaterEqual,
  logSoftmax,
  max,
  sum,
  takeAlongAxis,
  type Tensor,
  expandDims,
  reshape,
} from "../tensor/index.ts";
import type { Example } from "./examples.ts";
import { type Ends, encodeExamples, packedBatch, type Tokens } from "./packing.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** How a model did on examples. */
export interface ExampleScore {
  /** Nats per learnt token, all examples together. */
  readonly lossPerToken: number;
  /** Share of examples whose learnt tokens are each the most probable: what the model writes at temperature 0. */
  readonly exactMatch: number;
  /** Share of examples with choices whose right one is the most probable of them; null where none has choices. */
  readonly accuracy: number | null;
  readonly examples: number;
}

/** A model that can be scored. */
export interface Scored extends Ends {
  readonly config: CausalLMConfig;
  readonly params: CausalLMParams;
  readonly tokenizer: Tokenizer;
}

export interface ScoreOptions {
  /** Most tokens of an example; what is longer loses its end. */
  readonly context: number;
  /** Texts that are read together; default 8. */
  readonly batch?: number;
  readonly device?: Device;
  readonly onProgress?: (done: number, total: number) => void;
  readonly onNotice?: (sentence: string) => void;
}

/** What was found of one text. */
interface Found {
  /** Nats of its learnt tokens together. */
  readonly nats: number;
  readonly tokens: number;
  readonly exact: boolean;
}

/**
 * Scores examples: each text once, and once more for each of its other choices.
 * Nothing is counted of examples of which nothing is left to score in `context` tokens; `onNotice` names them.
 */
export async function scoreExamples(
  model: Scored,
  examples: readonly Example[],
  { context, batch = 8, device, onProgress, onNotice }: ScoreOptions,
): Promise<ExampleScore> {
  const texts = examples.flatMap((example, at) => variants(example).map((text) => ({ at, text })));
  const tokens = texts.map(({ text }) => {
    const { tokens: found, notices } = encodeExamples(model.tokenizer, [text], context, model);
    if (text.choice === undefined || text.right) for (const notice of notices) onNotice?.(notice);
    return found[0];
  });
  const found: (Found | undefined)[] = tokens.map(() => undefined);
  const program = scorer(model.config, model.params, device);
  const order = tokens
    .flatMap((t, i) => (t ? [i] : []))
    .sort((a, b) => (tokens[a]?.ids.length ?? 0) - (tokens[b]?.ids.length ?? 0));
  try {
    for (let from = 0; from < order.length; from += batch) {
      const here = order.slice(from, from + batch);
      const rows = here.map((i) => tokens[i] as Tokens);
      const scores = await program.score(rows, batch);
      here.forEach((i, k) => (found[i] = scores[k]));
      onProgress?.(Math.min(order.length, from + batch), order.length);
    }
  } finally {
    await program.release();
  }
  const right = texts.flatMap(({ text }, i) => (text.right && found[i] ? [found[i]] : []));
  const nats = right.reduce((n, f) => n + f.nats, 0);
  const count = right.reduce((n, f) => n + f.tokens, 0);
  const chosen = examples.flatMap((example, at) => {
    if (!example.choices) return [];
    const own = texts.flatMap(({ at: of, text }, i) =>
      of === at && found[i] ? [{ right: text.right, nats: found[i].nats }] : [],
    );
    const best = own.reduce<{ right: boolean; nats: number } | undefined>(
      (a, b) => (a && a.nats <= b.nats ? a : b),
      undefined,
    );
    return best ? [best.right] : [];
  });
  return {
    lossPerToken: nats / count,
    exactMatch: right.filter((f) => f.exact).length / right.length,
    accuracy: chosen.length === 0 ? null : chosen.filter(Boolean).length / chosen.length,
    examples: right.length,
  };
}

interface Variant extends Example {
  readonly right: boolean;
  readonly choice?: string;
}

/** The example itself, and itself with each other choice. */
function variants(example: Example): Variant[] {
  const from = example.learned[0]?.[0] ?? 0;
  const prompt = example.text.slice(0, from);
  const own = example.text.slice(from);
  return [
    { ...example, right: true, ...(example.choices && { choice: own }) },
    ...(example.choices ?? [])
      .filter((choice) => choice !== own)
      .map((choice): Variant => {
        const text = prompt + choice;
        return { ...example, text, learned: [[from, text.length]], right: false, choice };
      }),
  ];
}

/** Lengths are rounded up to this, so that few programs serve all. */
const STEP = 32;

function scorer(config: CausalLMConfig, params: CausalLMParams, device: Device | undefined) {
  const program = compile(
    (ids: Tensor, targets: Tensor, weights: Tensor) => {
      const logits = causalLM(config, params, ids).logits; // [B, T, V]
      const flat = (x: Tensor): Tensor => reshape(x, ids.shape);
      const at = (x: Tensor): Tensor => flat(takeAlongAxis(x, expandDims(targets, -1), -1));
      const best = greaterEqual(at(logits), max(logits, { axis: -1 }));
      return {
        nats: sum(at(logSoftmax(logits)).mul(weights), { axis: -1 }).neg(),
        hits: sum(cast(best, "float32").mul(weights), { axis: -1 }),
      };
    },
    device === undefined ? {} : { device },
  );
  return {
    async score(rows: readonly Tokens[], batch: number): Promise<Found[]> {
      const longest = Math.max(...rows.map(({ ids }) => ids.length - 1));
      const full = [
        ...rows.map((t) => [t]),
        ...Array.from({ length: batch - rows.length }, (): Tokens[] => []),
      ];
      const { ids, targets, weights } = packedBatch(full, Math.ceil(longest / STEP) * STEP);
      const { nats, hits } = await program(ids, targets, weights);
      const [n, h] = [await nats.data(), await hits.data()];
      return rows.map(({ learned }, i) => {
        const tokens = learned.subarray(1).reduce((a, b) => a + b, 0);
        return { nats: Number(n[i]), tokens, exact: Number(h[i]) === tokens };
      });
    },
    release: () => program.release(),
  };
}
