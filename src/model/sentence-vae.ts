// A variational auto-encoder of sentences: a bidirectional Transformer reads one into a vector, a recurrent or causal decoder
// writes it again. Bowman et al. 2015, https://arxiv.org/abs/1511.06349; posteriors are `generative/bn-vae.ts`.
import {
  divergenceLoss,
  type DivergenceRule,
  gaussianDivergence,
  gaussianLogDensity,
  importanceBound,
  learnPosterior,
  mutualInformation,
  normalLogDensity,
  type Posterior,
  posterior,
  type PosteriorConfig,
  posteriorParameters,
  type PosteriorParams,
  type SeenMoments,
} from "../generative/index.ts";
import { embedding, initial, linear, type LinearParams, norm, type Parameter, treeOf } from "../nn/index.ts";
import { cellOf, runThrough } from "../sequence/index.ts";
import {
  broadcastTo,
  compile,
  type CompileOptions,
  concat,
  expandDims,
  full,
  gather,
  greater,
  iota,
  narrow,
  permute,
  random,
  reshape,
  squeeze,
  stack,
  takeAlongAxis,
  tanh,
  type Tensor,
  tensor,
  where,
} from "../tensor/index.ts";
import { block, type CausalLMParams } from "./causal-lm.ts";
import { causalLMConfig } from "./check-config.ts";
import type { CausalLMConfig } from "./config.ts";
import { logitsOf, maps } from "./linear.ts";
import { parametersOf } from "./parameters.ts";

/** Ids of sentences that are no words: words begin at `firstWord`. A sentence is words, its end, then padding. */
export const SENTENCE_IDS = { padding: 0, end: 1, start: 2, unknown: 3, firstWord: 4 } as const;

export interface SentenceVaeConfig {
  /** Ids `V`, and the length `L` of sentences in them, their end included. */
  readonly vocabulary: number;
  readonly length: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Numbers `D` that a sentence becomes. */
  readonly latent: number;
  readonly posterior: PosteriorConfig;
  readonly decoder: "gru" | "transformer";
  /** Share of words that the decoder does not see when it says the next; 0 is none. */
  readonly wordDropout: number;
}

interface Recurrent {
  readonly embed: { readonly weight: Tensor }; // [V, C]
  readonly input: LinearParams; // C + D to 3C
  readonly hidden: LinearParams; // C to 3C
  readonly start: LinearParams; // D to C
}

export interface SentenceVaeParams {
  readonly encoder: {
    readonly lm: CausalLMParams;
    readonly mean: LinearParams;
    readonly spread: LinearParams;
  };
  readonly decoder: { readonly lm?: CausalLMParams; readonly from?: LinearParams; readonly gru?: Recurrent };
  readonly posterior?: PosteriorParams;
  /** Batches seen, `[1]`: what annealing goes by. */
  readonly steps: Tensor;
}

function transformerOf({ vocabulary, length, width, layers, heads }: SentenceVaeConfig): CausalLMConfig {
  return causalLMConfig({ vocabulary, context: length, width, layers, heads, position: { type: "learned" } });
}

/** Every parameter by name. */
export function sentenceVaeParameters(config: SentenceVaeConfig): Record<string, Parameter> {
  const { width: C, latent: D, vocabulary: V } = config;
  const map = (name: string, out: number, from: number, bias = true): Record<string, Parameter> => ({
    [`${name}.weight`]: { shape: [out, from], init: { std: 1 / Math.sqrt(from) } },
    ...(bias && { [`${name}.bias`]: { shape: [out], init: "zeros" } satisfies Parameter }),
  });
  const lm = (at: string): Record<string, Parameter> =>
    Object.fromEntries([...parametersOf(transformerOf(config))].map(([name, p]) => [`${at}.${name}`, p]));
  const decoder =
    config.decoder === "transformer"
      ? { ...lm("decoder.lm"), ...map("decoder.from", C, D) }
      : {
          "decoder.gru.embed.weight": { shape: [V, C], init: { std: 0.1 } } satisfies Parameter,
          ...map("decoder.gru.input", 3 * C, C + D),
          ...map("decoder.gru.hidden", 3 * C, C),
          ...map("decoder.gru.start", C, D),
        };
  return {
    ...lm("encoder.lm"),
    ...map("encoder.mean", D, C),
    ...map("encoder.spread", D, C, false),
    ...decoder,
    ...Object.fromEntries(
      Object.entries(posteriorParameters(config.posterior, D)).map(([name, p]) => [`posterior.${name}`, p]),
    ),
    steps: { shape: [1], init: "zeros", by: "average" },
  };
}

/** Fresh parameters. */
export function initSentenceVae(config: SentenceVaeConfig, key: random.Key): SentenceVaeParams {
  const all = Object.entries(sentenceVaeParameters(config));
  return treeOf(all.map(([name, p]) => [name, initial(p, random.fold(key, name))])) as SentenceVaeParams;
}

/** Blocks of a Transformer on `[B, T, C]`, its last norm applied. */
function through(config: SentenceVaeConfig, { model }: CausalLMParams, x: Tensor, mask?: Tensor): Tensor {
  const lm = transformerOf(config);
  const at = iota(Number(x.shape[1]));
  const places = { queries: at, keys: at, ...(mask && { mask }) };
  const y = model.layers.reduce((h, layer, i) => block(lm, i, layer, h, undefined, places).y, x);
  return norm(lm.norm, model.norm, y, lm.normEpsilon);
}

function placed({ model }: CausalLMParams, ids: Tensor): Tensor {
  const T = Number(ids.shape[1]);
  const words = maps.rows(model.embed_tokens, ids);
  return model.embed_positions ? words.add(gather(model.embed_positions.weight, iota(T))) : words;
}

/** What is a word or an end, `[B, L]` float. */
function present(ids: Tensor): Tensor {
  return greater(ids, tensor(SENTENCE_IDS.padding, { dtype: "int32" })).cast("float32");
}

/** The posterior of sentences. @param ids `[B, L]`, int32. */
export function encodeSentences(
  config: SentenceVaeConfig,
  params: SentenceVaeParams,
  ids: Tensor,
  { train }: { readonly train: boolean },
): Posterior {
  const { lm, mean, spread } = params.encoder;
  const [B = 1, L = 1] = ids.shape;
  const there = present(ids);
  const mask = greater(broadcastTo(reshape(there, [B, 1, 1, L]), [B, 1, L, L]), 0.5);
  const states = through(config, lm, placed(lm, ids), mask).mul(expandDims(there, 2));
  const whole = states.sum({ axis: 1 }).div(there.sum({ axis: 1, keep: true }));
  return posterior(
    config.posterior,
    params.posterior ?? {},
    { mean: linear(mean, whole), spread: linear(spread, whole) },
    { train },
  );
}

/** Logits of each place, `[B, L, V]`, from vectors `[B, D]` and what stands before the places: START and the words so far. */
export function sentenceLogits(
  config: SentenceVaeConfig,
  { decoder: { lm, from, gru } }: SentenceVaeParams,
  z: Tensor,
  before: Tensor,
): Tensor {
  if (lm && from) {
    const x = placed(lm, before).add(expandDims(linear(from, z), 1));
    return logitsOf(lm.model.embed_tokens, through(config, lm, x));
  }
  if (gru === undefined) throw new Error("a sentence decoder without parameters");
  const [B = 1, L = 1] = before.shape;
  const words = embedding(gru.embed, before); // [B, L, C]
  const told = broadcastTo(expandDims(z, 1), [B, L, config.latent]);
  const inputs = permute(concat([words, told], 2), [1, 0, 2]); // [L, B, C + D]
  const { states } = runThrough(cellOf("gru", gru.input, gru.hidden), inputs, tanh(linear(gru.start, z)));
  return logitsOf(gru.embed, permute(states, [1, 0, 2]));
}

/** `−log p(sentence | z)` in nats, `[B]`. @param seen `[B, L]`, 1 where the decoder may see a word; default all. */
export function sentenceError(
  config: SentenceVaeConfig,
  params: SentenceVaeParams,
  z: Tensor,
  ids: Tensor,
  seen?: Tensor,
): Tensor {
  const [B = 1, L = 1] = ids.shape.map(Number);
  const start = full([B, 1], SENTENCE_IDS.start, { dtype: "int32" });
  const shown = seen
    ? where(greater(seen, 0.5), ids, full([], SENTENCE_IDS.unknown, { dtype: "int32" }))
    : ids;
  const before = concat([start, narrow(shown, 1, 0, L - 1)], 1);
  const likely = sentenceLogits(config, params, z, before).logSoftmax();
  const chosen = squeeze(takeAlongAxis(likely, expandDims(ids, 2), 2), 2);
  return chosen.neg().mul(present(ids)).sum({ axis: 1 });
}

const drawn = (q: Posterior, key: random.AnyKey): Tensor =>
  q.mean.add(q.deviation.mul(random.normal(key, q.mean.shape)));

/** Negative evidence bound of a batch in nats a sentence, as trained on and without weights or free nats. */
export function sentenceVaeLoss(
  config: SentenceVaeConfig,
  params: SentenceVaeParams,
  ids: Tensor,
  key: random.AnyKey,
  rule: DivergenceRule = {},
): { readonly loss: Tensor; readonly shown: Tensor; readonly seen: SeenMoments } {
  const q = encodeSentences(config, params, ids, { train: true });
  const seen =
    config.wordDropout > 0
      ? random.bernoulli(random.fold(key, "words"), 1 - config.wordDropout, ids.shape).cast("float32")
      : undefined;
  const error = sentenceError(config, params, drawn(q, random.fold(key, "posterior")), ids, seen).mean();
  return { loss: error.add(divergenceLoss(q, rule)), shown: error.add(divergenceLoss(q)), seen: q.seen };
}

/** Parameters after a batch: running moments, and one batch more. */
export function learnSentenceVae(params: SentenceVaeParams, seen: SeenMoments): SentenceVaeParams {
  return {
    ...params,
    steps: params.steps.add(1),
    ...(params.posterior && { posterior: learnPosterior(params.posterior, seen) }),
  };
}

/** Sums over a batch: divergence, the bound of `samples` draws, mutual information, means and their squares, words. */
export function measureSentences(
  config: SentenceVaeConfig,
  params: SentenceVaeParams,
  ids: Tensor,
  key: random.AnyKey,
  samples = 4,
): Readonly<Record<"kl" | "nll" | "mutual" | "means" | "squares" | "words", Tensor>> {
  const q = encodeSentences(config, params, ids, { train: false });
  const z = Array.from({ length: samples }, (_, k) => drawn(q, random.fold(key, k)));
  const weights = z.map((zk) =>
    normalLogDensity(zk)
      .sub(gaussianLogDensity(q, zk))
      .sub(sentenceError(config, params, zk, ids)),
  );
  const B = Number(ids.shape[0]);
  return {
    kl: gaussianDivergence(q).sum(),
    nll: importanceBound(stack(weights)).mul(B),
    mutual: mutualInformation(q, z[0] ?? q.mean).mul(B),
    means: q.mean.sum({ axis: 0 }),
    squares: q.mean.square().sum({ axis: 0 }),
    words: present(ids).sum(),
  };
}

/** Reads sentences into vectors and writes vectors as sentences, with programs that stay compiled. */
export interface SentenceWriter {
  /** Posterior means, `[B, D]`. */
  read(params: SentenceVaeParams, ids: Tensor): Promise<Tensor>;
  /** The likeliest words one by one, `[B][…]`, the end left out. @param z `[B, D]`. */
  write(params: SentenceVaeParams, z: Tensor): Promise<number[][]>;
  release(): Promise<void>;
}

export function sentenceWriter(
  config: SentenceVaeConfig,
  options: Pick<CompileOptions, "device" | "threads"> = {},
): SentenceWriter {
  const reader = compile(
    (params: SentenceVaeParams, ids: Tensor) => encodeSentences(config, params, ids, { train: false }).mean,
    options,
  );
  const next = compile((params: SentenceVaeParams, z: Tensor, before: Tensor) => {
    const barred = tensor([0, 1, 2, 3].map((id) => (id === SENTENCE_IDS.end ? 0 : -1e9)));
    const logits = sentenceLogits(config, params, z, before);
    return logits.add(barred.pad([[0, config.vocabulary - 4]])).argMax();
  }, options);
  return {
    read: (params, ids) => reader(params, ids),
    async write(params, z) {
      const [B, L] = [Number(z.shape[0]), config.length];
      const texts: number[][] = Array.from({ length: B }, () => []);
      const open = new Set(texts.keys());
      for (let t = 0; t < L && open.size > 0; t++) {
        const before = new Int32Array(B * L).fill(SENTENCE_IDS.padding);
        texts.forEach((words, b) => before.set([SENTENCE_IDS.start, ...words].slice(0, L), b * L));
        const found = await (await next(params, z, tensor(before, { shape: [B, L] }))).data();
        for (const b of [...open]) {
          const id = Number(found[b * L + t]);
          if (id === SENTENCE_IDS.end) open.delete(b);
          else texts[b]?.push(id);
        }
      }
      return texts;
    },
    async release() {
      await reader.release();
      await next.release();
    },
  };
}

/** `count` vectors on the straight way between two of `[2, D]`, ends included. */
export function vectorsBetween(ends: Tensor, count: number): Tensor {
  const t = tensor(
    Float32Array.from({ length: count }, (_, i) => i / Math.max(1, count - 1)),
    { shape: [count, 1] },
  );
  const [a, b] = [narrow(ends, 0, 0, 1), narrow(ends, 0, 1, 2)];
  return a.mul(t.neg().add(1)).add(b.mul(t));
}
