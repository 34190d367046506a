// A variational auto-encoder of sentences as a task: words by frequency, sentences that are short enough, figures of what the
// vector holds, and a way between two sentences as its sample.
import { OptionError } from "../errors.ts";
import { annealed } from "../generative/index.ts";
import {
  initSentenceVae,
  learnSentenceVae,
  measureSentences,
  SENTENCE_IDS,
  type SentenceVaeConfig,
  sentenceVaeLoss,
  sentenceVaeParameters,
  type SentenceVaeParams,
  sentenceWriter,
  vectorsBetween,
} from "../model/sentence-vae.ts";
import type { SeenMoments } from "../generative/index.ts";
import {
  compile,
  type Device,
  evaluate,
  gather,
  mapTree,
  random,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import type { TrainSettings } from "./settings.ts";
import type { Task } from "./task.ts";

/** Sentences of words, those of the validation apart. */
export interface Sentences {
  /** Words in the order of their ids, the first at `SENTENCE_IDS.firstWord`. */
  readonly words: readonly string[];
  /** Ids `L` of a sentence, its end and padding included. */
  readonly length: number;
  /** `[N, L]`. */
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** Options of `sentencesOf`. */
export interface SentenceOptions {
  /** Most words of the vocabulary; others are unknown. Default 2,000. */
  readonly vocabulary?: number;
  /** Words of a sentence, at least and at most; default 3 to 12. */
  readonly least?: number;
  readonly most?: number;
  /** Share of sentences that is held out; default 0.1. */
  readonly held?: number;
}

/** The words of a sentence: letters in lower case, or single Chinese characters. */
export function wordsOf(sentence: string): string[] {
  return sentence.toLowerCase().match(/\p{Script=Han}|[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu) ?? [];
}

/**
 * Sentences of a text, cut at full stops of either script. Those with a word that is not among the most frequent are left out
 * where others suffice. @throws OptionError for a text with fewer than twenty sentences of the length.
 */
export function sentencesOf(text: string, options: SentenceOptions = {}): Sentences {
  const { vocabulary = 2000, least = 3, most = 12, held = 0.1 } = options;
  const all = text
    .split(/(?<=[.!?])\s+|[。！？；]+\s*|\n\s*\n/u)
    .map(wordsOf)
    .filter((words) => words.length >= least && words.length <= most);
  const counts = new Map<string, number>();
  for (const word of all.flat()) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts]
    .toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, vocabulary)
    .map(([word]) => word);
  const ids = new Map(words.map((word, i) => [word, SENTENCE_IDS.firstWord + i]));
  const known = all.filter((sentence) => sentence.every((word) => ids.has(word)));
  const unique = [...new Map(known.map((sentence) => [sentence.join(" "), sentence])).values()];
  if (unique.length < 20) {
    throw new OptionError(
      `sentencesOf: text must hold 20 different sentences of ${least} to ${most} words, got ${unique.length}. Give more text.`,
    );
  }
  const length = most + 1;
  const every = Math.max(2, Math.round(1 / held));
  const rows = (part: readonly (readonly string[])[]): Int32Array => {
    const out = new Int32Array(part.length * length).fill(SENTENCE_IDS.padding);
    part.forEach((sentence, i) =>
      out.set([...sentence.map((w) => ids.get(w) ?? SENTENCE_IDS.unknown), SENTENCE_IDS.end], i * length),
    );
    return out;
  };
  return {
    words,
    length,
    train: rows(unique.filter((_, i) => i % every !== 0)),
    validation: rows(unique.filter((_, i) => i % every === 0)),
  };
}

/** A sentence's ids as words. */
export function sentenceText({ words }: Pick<Sentences, "words">, ids: readonly number[]): string {
  return ids.map((id) => words[id - SENTENCE_IDS.firstWord] ?? "?").join(" ");
}

export interface SentenceTaskOptions {
  readonly config: SentenceVaeConfig;
  readonly sentences: Sentences;
  readonly settings: TrainSettings;
  /** Steps in which the divergence comes to its weight; default 0. */
  readonly anneal?: number;
  /** Nats of each dimension that cost nothing; default 0. */
  readonly freeNats?: number;
  readonly device?: Device;
  readonly threads?: number;
}

/** Sentences of a validation on the way. */
const ON_THE_WAY = 1024;
const AT_ONCE = 128;

/** The training of a sentence auto-encoder: `kl`, `nll` a sentence and a word, `activeUnits`, `mutualInformation` (≤ log 128). */
export function sentenceTask(
  options: SentenceTaskOptions,
): Task<SentenceVaeParams, { ids: Tensor; key: Tensor }, SeenMoments> {
  const { config, sentences, settings, anneal = 0, freeNats = 0, device, threads } = options;
  const on = { ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) };
  const { length: L } = sentences;
  const count = sentences.train.length / L;
  const key = random.key(settings.seed);
  const parameters = sentenceVaeParameters(config);
  const rowsAt = (from: Int32Array, places: readonly number[]): Tensor => {
    const out = new Int32Array(places.length * L);
    places.forEach((place, i) => out.set(from.subarray(place * L, (place + 1) * L), i * L));
    return tensor(out, { shape: [places.length, L], lend: true });
  };
  const measure = compile(
    (params: SentenceVaeParams, ids: Tensor, at: Tensor) => measureSentences(config, params, ids, at),
    on,
  );
  const writer = sentenceWriter(config, on);
  return {
    kind: "sentences",
    unit: { name: "sentences", perStep: settings.batch },
    words: { unit: "nats per sentence", validation: "elbo" },
    init: (at) => initSentenceVae(config, at),
    like: () => mapTree(initSentenceVae(config, random.key(0)), (t) => t.mul(0)),
    batch(step, part, parts) {
      const size = settings.batch / parts;
      const at = random.fold(random.fold(key, "batch"), step * parts + part);
      const places = Array.from(random.uniforms(at, size), (u) => Math.floor(u * count));
      return { ids: rowsAt(sentences.train, places), key: random.traced(random.fold(at, "noise")) };
    },
    losses: {
      loss(params, { ids, key: at }) {
        const weight = anneal === 0 ? 1 : params.steps.sum().div(anneal).clip(0, annealed(anneal, anneal));
        return sentenceVaeLoss(config, params, ids, at, { weight, freeNats });
      },
    },
    trained: (name) => (parameters[name]?.by ?? "gradient") === "gradient",
    learn: learnSentenceVae,
    async validate(params, { last }) {
      const all = sentences.validation.length / L;
      const most = last ? all : Math.min(all, ON_THE_WAY);
      const sums: Record<string, Float64Array> = {};
      for (let first = 0; first < most; first += AT_ONCE) {
        const places = Array.from({ length: Math.min(AT_ONCE, most - first) }, (_, i) => first + i);
        const at = random.traced(random.fold(random.fold(key, "validation"), first));
        for (const [name, t] of Object.entries(
          await measure(params, rowsAt(sentences.validation, places), at),
        )) {
          const values = Float64Array.from(await t.data(), Number);
          const before = sums[name];
          sums[name] = before ? before.map((v, i) => v + (values[i] ?? 0)) : values;
        }
      }
      const one = (name: string): number => (sums[name]?.[0] ?? 0) / most;
      const variance = (j: number): number =>
        (sums["squares"]?.[j] ?? 0) / most - ((sums["means"]?.[j] ?? 0) / most) ** 2;
      return {
        nll: one("nll"),
        nllPerWord: one("nll") / one("words"),
        kl: one("kl"),
        mutualInformation: one("mutual"),
        activeUnits: Array.from({ length: config.latent }, (_, j) => variance(j)).filter((v) => v > 0.01)
          .length,
      };
    },
    async sample(params) {
      const ends = await evaluate(rowsAt(sentences.validation, [0, 1]));
      const z = await writer.read(params, ends);
      const texts = await writer.write(params, await evaluate(vectorsBetween(z, 5)));
      return { text: texts.map((ids) => sentenceText(sentences, ids)).join("\n") };
    },
    async release() {
      await measure.release();
      await writer.release();
    },
  };
}

/** A vector for each of some sentences, and five on the way between the first two, as sentences. */
export async function interpolate(
  config: SentenceVaeConfig,
  params: SentenceVaeParams,
  sentences: Sentences,
  [a, b]: readonly [string, string],
  count = 7,
): Promise<string[]> {
  const writer = sentenceWriter(config);
  const ids = new Map(sentences.words.map((word, i) => [word, SENTENCE_IDS.firstWord + i]));
  const rows = [a, b].flatMap((text) => {
    const words = wordsOf(text).slice(0, sentences.length - 1);
    const row = [...words.map((w) => ids.get(w) ?? SENTENCE_IDS.unknown), SENTENCE_IDS.end];
    return [
      ...row,
      ...Array.from<number>({ length: sentences.length - row.length }).fill(SENTENCE_IDS.padding),
    ];
  });
  const z = await writer.read(params, tensor(Int32Array.from(rows), { shape: [2, sentences.length] }));
  const texts = await writer.write(
    params,
    await evaluate(vectorsBetween(gather(z, tensor(Int32Array.of(0, 1))), count)),
  );
  await writer.release();
  return texts.map((text) => sentenceText(sentences, text));
}
