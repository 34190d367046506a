// Texts for training, read more than once: counting, segmenting, sampling.
import { OptionError } from "../../errors.ts";
import { type ChunkBlock, Chunker, type TextBlock } from "./chunk.ts";

/** One text: a string, or bytes that should be UTF-8 and are trained on as they are where they are not. */
export type Text = string | Uint8Array;

/** A source of text that can be read again from its beginning. */
export interface Corpus {
  /** All texts from the first, block by block. A block holds until the next is asked for. */
  blocks(): Iterable<TextBlock> | AsyncIterable<TextBlock>;
  /** Bytes in all, where known beforehand: for the time left. */
  bytes?: number;
}

/** What can be trained on: an array (or set) of texts, a function that gives them anew, or a corpus. */
export type CorpusLike = Iterable<Text> | (() => Iterable<Text> | AsyncIterable<Text>) | Corpus;

/** What was read. */
export interface CorpusReport {
  /** Bytes after normalisation. */
  bytes: number;
  texts: number;
  /** Texts (files) that are not wholly UTF-8. */
  invalidTexts: number;
  /** Bytes outside every valid UTF-8 sequence. */
  invalidBytes: number;
}

/** Bytes of one block of a text in memory. */
const BLOCK = 1 << 20;

const encoder = new TextEncoder();

/** One text in memory as blocks. */
export function* textBlocks(text: Text): Generator<TextBlock> {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  for (let at = 0; at === 0 || at < bytes.length; at += BLOCK) {
    yield { bytes: bytes.subarray(at, at + BLOCK), last: at + BLOCK >= bytes.length };
  }
}

function isCorpus(source: CorpusLike): source is Corpus {
  return typeof source === "object" && "blocks" in source;
}

/**
 * The corpus behind `source`.
 * @throws OptionError for an iterator that could be read only once, or for one bare string.
 */
export function asCorpus(source: CorpusLike, where: string): Corpus {
  if (typeof source === "string" || source instanceof Uint8Array) {
    throw new OptionError(`${where}: corpus must be a list of texts, got one text. Pass [text].`);
  }
  if (typeof source === "function") {
    return {
      async *blocks() {
        for await (const text of source()) yield* textBlocks(text);
      },
    };
  }
  if (isCorpus(source)) return source;
  if (Object.is(source[Symbol.iterator](), source)) {
    throw new OptionError(
      `${where}: corpus must be readable more than once, got an iterator. Pass a function that makes it.`,
    );
  }
  const bytes = bytesOf(source);
  return {
    *blocks() {
      for (const text of source) yield* textBlocks(text);
    },
    ...(bytes !== undefined && { bytes }),
  };
}

/** Bytes of a list of bytes; of other texts they are not known without reading them all. */
function bytesOf(source: Iterable<Text>): number | undefined {
  if (!Array.isArray(source)) return undefined;
  let total = 0;
  for (const text of source as readonly Text[]) {
    if (typeof text === "string") return undefined;
    total += text.length;
  }
  return total;
}

/**
 * The chunks of a corpus, block by block, each valid until the next is asked for; fills `report` as it reads.
 * @param report Counts of this reading; starts at zero.
 */
export async function* chunkBlocks(
  corpus: Corpus,
  isolateDigits: boolean,
  report: CorpusReport,
): AsyncGenerator<ChunkBlock> {
  let chunker = new Chunker({ isolateDigits });
  let invalid = 0;
  for await (const block of corpus.blocks()) {
    const chunks = chunker.push(block);
    report.bytes += chunks.bytes.length;
    if (block.last) {
      invalid += chunker.invalid;
      chunker = new Chunker({ isolateDigits });
    }
    if (block.last && block.goesOn !== true) {
      report.texts += 1;
      report.invalidBytes += invalid;
      if (invalid > 0) report.invalidTexts += 1;
      invalid = 0;
    }
    if (chunks.ends.length > 0) yield chunks;
  }
}

/** A report before anything is read. */
export function emptyReport(): CorpusReport {
  return { bytes: 0, texts: 0, invalidTexts: 0, invalidBytes: 0 };
}
