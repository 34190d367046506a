// Small byte models of real text, for claims about language rather than about a task made up for them.
import {
  type CausalLMConfig,
  causalLMConfig,
  type CausalLMParams,
  contextLoss,
  type ContextLoss,
  createDecoder,
} from "../model/index.ts";
import { byteTokenizer } from "../tokenizer/index.ts";
import { englishBooks } from "../train/books.ts";
import {
  bytesOfIds,
  encodeTexts,
  type Ids,
  memoryStore,
  type Split,
  splitSources,
  type TextFile,
  textTask,
  trainRun,
  trainSettings,
} from "../train/index.ts";
import type { LabContext } from "./entry.ts";
import { BOOKS } from "./needs.ts";

/** Part of every source that is only predicted. */
const HELD_OUT = 0.05;

/** Texts as bytes, the last twentieth of every source held out. */
export interface TextCorpus {
  readonly ids: Split<Ids>;
  readonly bytesOf: Int32Array;
  readonly vocabulary: number;
}

export function textCorpus(sources: readonly TextFile[]): TextCorpus {
  const tokenizer = byteTokenizer();
  const texts = splitSources(sources, HELD_OUT);
  return {
    ids: { train: encodeTexts(tokenizer, texts.train), validation: encodeTexts(tokenizer, texts.validation) },
    bytesOf: bytesOfIds(tokenizer),
    vocabulary: tokenizer.vocabularySize,
  };
}

/** The first `most` English books, each a source of its own, so that what is held out comes from all of them. */
export async function bookCorpus(context: LabContext, most: number = Infinity): Promise<TextCorpus> {
  const text = new TextDecoder().decode(await context.bytes(BOOKS));
  const books = englishBooks(text).slice(0, most);
  return textCorpus(books.map(([name, book]) => ({ name, texts: [new TextEncoder().encode(book)] })));
}

/** A model of bytes; what is not said is that of `causalLMConfig`. */
export function textConfig(
  corpus: TextCorpus,
  sizes: Omit<Parameters<typeof causalLMConfig>[0], "vocabulary">,
): CausalLMConfig {
  return causalLMConfig({ ...sizes, vocabulary: corpus.vocabulary });
}

/** How long to train, and on what. */
export interface TextTraining {
  readonly seed: number;
  readonly steps: number;
  /** Sequences in a step. */
  readonly batch: number;
}

/** A trained model and its loss on held-out text, nats per byte at the length of training. */
export interface TrainedText {
  readonly params: CausalLMParams;
  readonly loss: number;
}

/** Trains `config` with AdamW at rate 3e-3 falling to a tenth; the seed decides parameters and data order. */
export async function trainOnText(
  config: CausalLMConfig,
  corpus: TextCorpus,
  { seed, steps, batch }: TextTraining,
  report: (line: string) => void,
): Promise<TrainedText> {
  const settings = trainSettings({ steps, batch, seed, rate: 3e-3, validateEvery: steps });
  const { ids, bytesOf } = corpus;
  const every = Math.ceil(steps / 4);
  const task = textTask({ config, settings, ids, bytesOf });
  const { params, numbers } = await trainRun(task, settings, memoryStore({ keepStates: false }), {
    onStep({ step, loss, perSecond }) {
      if (step % every === 0)
        report(`  step ${step}: loss ${loss.toFixed(4)}, ${perSecond.toFixed(0)} bytes/s`);
    },
  });
  const loss = numbers?.["validationLoss"];
  if (loss === undefined) throw new Error("training ended without a validation");
  return { params, loss };
}

/** Loss of the same last `last` bytes of held-out stretches under growing context, as `config` scores positions. */
export async function lossByContext(
  config: CausalLMConfig,
  params: CausalLMParams,
  corpus: TextCorpus,
  options: { readonly contexts: readonly number[]; readonly last: number; readonly stretches: number },
): Promise<ContextLoss[]> {
  const decoder = createDecoder(config, params);
  try {
    return await contextLoss(decoder, corpus.ids.validation, options);
  } finally {
    await decoder.release();
  }
}
