// From texts to token ids: the split into training and validation, and the tokens of each.
import { OptionError } from "../errors.ts";
import { specialId } from "../tokenizer/model.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** The texts of one file: a single one, or one for each line of a JSONL file. */
export interface TextFile {
  readonly name: string;
  readonly texts: readonly Uint8Array[];
}

/** Token ids; two bytes each where the vocabulary allows. */
export type Ids = Uint16Array | Int32Array;

/** The two parts of a corpus. */
export interface Split<T> {
  readonly train: T;
  readonly validation: T;
}

/**
 * The last `share` of every source becomes validation: a single text is cut between two characters, a
 * list of texts between two texts. The same sources give the same split, whatever the seed.
 */
export function splitSources(sources: readonly TextFile[], share: number): Split<Uint8Array[]> {
  const train: Uint8Array[] = [];
  const validation: Uint8Array[] = [];
  for (const { texts } of sources) {
    const [only] = texts;
    if (texts.length === 1 && only) {
      const cut = characterStart(only, Math.floor(only.length * (1 - share)));
      train.push(only.subarray(0, cut));
      validation.push(only.subarray(cut));
      continue;
    }
    const total = texts.reduce((sum, t) => sum + t.length, 0);
    let seen = 0;
    for (const text of texts) {
      // A text belongs to the part in which it begins; the last one always validates.
      const late = seen >= total * (1 - share) || text === texts.at(-1);
      (late ? validation : train).push(text);
      seen += text.length;
    }
  }
  return { train, validation };
}

/** The nearest position at or before `at` where a UTF-8 character begins; `at` itself in bytes that are no UTF-8. */
export function characterStart(bytes: Uint8Array, at: number): number {
  for (let i = at; i > at - 4 && i >= 0; i--) if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return i;
  return at;
}

/** Longest part of a text encoded at once; cuts fall on line ends, where vocabularies hardly ever span. */
const PART = 1 << 18;

/** Parts of a text that end at line ends, each at least `PART` bytes except the last. */
function* parts(text: Uint8Array): Generator<Uint8Array> {
  let from = 0;
  while (from < text.length) {
    const newline = text.length - from > PART ? text.indexOf(10, from + PART) : -1;
    const to = newline < 0 ? text.length : newline + 1;
    yield text.subarray(from, to);
    from = to;
  }
}

/**
 * Ids of `texts` one after another, each followed by the end-of-text token where the tokenizer has one.
 * @param allowSpecials The texts may spell special tokens, as those that a chat template wrote; default false.
 */
export function encodeTexts(
  tokenizer: Tokenizer,
  texts: readonly Uint8Array[],
  { allowSpecials = false }: { readonly allowSpecials?: boolean } = {},
): Ids {
  const end = texts.length > 1 ? specialId(tokenizer, "eos") : undefined;
  const pieces: Int32Array[] = [];
  let length = 0;
  for (const text of texts) {
    for (const part of parts(text)) pieces.push(tokenizer.encode(part, { allowSpecials }));
    if (end !== undefined) pieces.push(Int32Array.of(end));
  }
  for (const piece of pieces) length += piece.length;
  const ids = tokenizer.vocabularySize <= 65536 ? new Uint16Array(length) : new Int32Array(length);
  let at = 0;
  for (const piece of pieces) {
    ids.set(piece, at);
    at += piece.length;
  }
  return ids;
}

/** Bytes of text that each id stands for; 0 for specials. */
export function bytesOfIds(tokenizer: Tokenizer): Int32Array {
  const special = new Set(tokenizer.specials.map((s) => s.id));
  return Int32Array.from({ length: tokenizer.vocabularySize }, (_, id) =>
    special.has(id) ? 0 : tokenizer.bytesOf(id).length,
  );
}

/** @throws OptionError when one of the parts holds no sequence of `context` tokens and the token after it. */
export function checkLength(ids: Split<Ids>, context: number): void {
  for (const [part, tokens] of [
    ["train", ids.train],
    ["validate", ids.validation],
  ] as const) {
    if (tokens.length > context) continue;
    throw new OptionError(
      `train: the corpus must hold at least ${context + 1} tokens to ${part} on with context ${context}, got ${tokens.length}. Add text or lower --context.`,
    );
  }
}
