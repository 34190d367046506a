// Text that continues a prompt, piece by piece.
import { OptionError } from "../errors.ts";
import {
  backoffs,
  branchDistribution,
  drawBranch,
  type PieceOrder,
  pieceOrder,
  randomStream,
  takeBranch,
  type Tokenizer,
} from "../tokenizer/index.ts";
import { type Decoder, longestText } from "./decode.ts";
import { follow } from "./follow.ts";
import { argMaxOf, checkSampling, logProbabilities, type SamplingOptions, sampleToken } from "./sampling.ts";

export interface GenerateOptions extends SamplingOptions {
  /** Tokens at most; default 256. */
  readonly maxTokens?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Texts that end generation; they are not part of the result. */
  readonly stop?: readonly string[];
  /** Tokens that end generation. */
  readonly eos?: readonly number[];
  /** Token put before every prompt. */
  readonly bos?: number | undefined;
  /** Token that an empty prompt starts from, where `bos` is absent. */
  readonly start?: number | undefined;
  /** The prompt may spell special tokens (chat templates do); default false. */
  readonly specials?: boolean;
  /**
   * `exact` (default): a prompt that ends inside a word goes on as if no token boundary stood there; `off`: it goes on
   * after its own tokens. See docs/methods/prompt-boundary.md.
   */
  readonly boundary?: "exact" | "off";
}

/** A new piece of text; several tokens may make one, and one may make none. */
export interface GeneratedPiece {
  readonly text: string;
  /** Ids generated so far. */
  readonly tokens: number;
}

/** Longest step back over a prompt's tokens; longer ones carry next to no probability. */
const BACKOFF_MOST = 8;

/** Continues `prompt` with `decoder`; yields text as it becomes certain. */
export async function* generate(
  decoder: Decoder,
  tokenizer: Tokenizer,
  prompt: string,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedPiece, { ids: number[]; reason: "stop" | "length" | "eos" }> {
  const {
    maxTokens = 256,
    seed = 0,
    stop = [],
    eos = [],
    bos,
    start,
    specials = false,
    boundary = "exact",
    ...sampling
  } = options;
  checkSampling(sampling);
  if (!(Number.isInteger(maxTokens) && maxTokens >= 0)) {
    throw new OptionError(`generate: maxTokens must be a whole number ≥ 0, got ${maxTokens}.`);
  }
  checkTokenizer(decoder, tokenizer);
  const rowOf = (logits: Float32Array, i: number): Float32Array =>
    overTokenizer(logits, i, decoder.config.vocabulary, tokenizer.vocabularySize);
  const random = randomStream(seed);
  const own = tokenizer.encode(prompt, { allowSpecials: specials });
  const first = bos ?? (own.length === 0 ? start : undefined);
  const ids = [...(first === undefined ? [] : [first]), ...own];
  if (ids.length === 0)
    throw new OptionError("generate: prompt must not be empty for a model without a BOS token.");
  checkIds(decoder, tokenizer, ids);

  // The prompt, and where it may be continued inside its last tokens.
  const order = boundary === "exact" && own.length > 0 ? orderOf(tokenizer) : undefined;
  const steps = order ? backoffs(order, ids, Math.min(own.length, BACKOFF_MOST)) : [];
  const back = steps.at(-1)?.k ?? 0;
  const reader = await follow(decoder);
  const rows = Math.min(ids.length, back + 1, longestText(decoder.config));
  let logits = await reader.read(ids, rows);
  // Row i: after ids.length − rows + 1 + i tokens.
  const row = (i: number): Float32Array => rowOf(logits, i);
  let text = "";
  if (order && steps.length > 0) {
    const branches = branchDistribution(order, ids, steps, (context) => {
      const i = context - (ids.length - rows + 1);
      return i >= 0 ? logProbabilities(row(i)) : undefined;
    });
    const chosen =
      sampling.temperature === 0 ? argMaxOf(branches.probabilities) : drawBranch(branches, random);
    const next = takeBranch(order, ids, branches, chosen);
    if (next.added.length > 0) {
      ids.splice(0, ids.length, ...next.ids);
      text = new TextDecoder().decode(next.added);
      logits = await reader.read(ids, 1);
    }
  }
  let last = rowOf(logits, -1);

  const stream = tokenizer.decoder();
  stream.push(ids);
  const produced: number[] = [];
  let pending = text;
  const longest = stop.reduce((n, s) => Math.max(n, s.length), 0);
  let reason: "stop" | "length" | "eos" = "length";
  for (;;) {
    const at = stop.map((s) => pending.indexOf(s)).filter((i) => i >= 0);
    if (at.length > 0) {
      pending = pending.slice(0, Math.min(...at));
      reason = "stop";
      break;
    }
    // What could still become a stop text is held back.
    const free = pending.length - heldBack(pending, stop, longest);
    if (free > 0) yield { text: pending.slice(0, free), tokens: produced.length };
    pending = pending.slice(free);
    if (produced.length >= maxTokens) break;
    const id = sampleToken(last, sampling, random, ids);
    if (eos.includes(id)) {
      reason = "eos";
      break;
    }
    produced.push(id);
    ids.push(id);
    pending += stream.push(id);
    if (produced.length < maxTokens) {
      last = rowOf(await reader.goOn(ids), -1);
    }
  }
  if (reason !== "stop") pending += stream.flush();
  if (pending !== "") yield { text: pending, tokens: produced.length };
  return { ids: produced, reason };
}

/** Characters at the end of `text` that begin some stop text. */
function heldBack(text: string, stop: readonly string[], longest: number): number {
  for (let n = Math.min(longest - 1, text.length); n > 0; n--) {
    const tail = text.slice(-n);
    if (stop.some((s) => s.startsWith(tail))) return n;
  }
  return 0;
}

/** @throws OptionError for a tokenizer with ordinary tokens that the model has no embeddings for. */
function checkTokenizer({ config: { vocabulary } }: Decoder, { vocabularySize, specials }: Tokenizer): void {
  const added = new Set(specials.map(({ id }) => id));
  for (let id = vocabulary; id < vocabularySize; id++) {
    if (added.has(id)) continue; // may stand in the file, and is refused where a prompt uses it
    throw new OptionError(
      `generate: the tokenizer must fit the model's ${vocabulary} embeddings, got ${vocabularySize} tokens. Give the model's own tokenizer.`,
    );
  }
}

/** @throws OptionError for added tokens of a prompt that the model has no embeddings for. */
function checkIds(
  { config: { vocabulary } }: Decoder,
  { specials }: Tokenizer,
  ids: readonly number[],
): void {
  const beyond = ids.find((id) => id >= vocabulary);
  if (beyond === undefined) return;
  const text = specials.find(({ id }) => id === beyond)?.text ?? "";
  throw new OptionError(
    `generate: prompt must be of the model's ${vocabulary} tokens, got "${text}" (${beyond}), which its tokenizer adds and it never learnt. Leave it out.`,
  );
}

/**
 * Row `i` of `logits` (negative: from the end) for the ids of a tokenizer: what a model has embeddings for beyond its
 * tokenizer is left out, and what the tokenizer has beyond the model can never be chosen.
 */
function overTokenizer(logits: Float32Array, i: number, vocabulary: number, size: number): Float32Array {
  const start = (i < 0 ? logits.length / vocabulary + i : i) * vocabulary;
  const own = logits.subarray(start, start + Math.min(size, vocabulary));
  if (size <= vocabulary) return own;
  const padded = new Float32Array(size).fill(-Infinity);
  padded.set(own);
  return padded;
}

const orders = new WeakMap<Tokenizer, PieceOrder>();

function orderOf(tokenizer: Tokenizer): PieceOrder {
  const known = orders.get(tokenizer) ?? pieceOrder(tokenizer);
  orders.set(tokenizer, known);
  return known;
}
