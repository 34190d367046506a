// Examples as rows of tokens: several short ones in a row, which do not see one another.
import { random, type Tensor, tensor } from "../tensor/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { Example } from "./examples.ts";

/** Tokens of an example, and which of them are learnt. */
export interface Tokens {
  readonly ids: Int32Array;
  /** 1 where the token is to be predicted. */
  readonly learned: Uint8Array;
}

/** Tokens of examples, and what did not fit. */
export interface Encoded {
  readonly tokens: readonly Tokens[];
  readonly notices: readonly string[];
}

/** What stands around an example. */
export interface Ends {
  readonly bos?: number;
  readonly eos?: number;
}

/**
 * Tokens of each example, at most `context + 1`: what is longer loses its end, texts that divide become several. A token
 * that begins before a learnt part and ends in it is learnt.
 */
export function encodeExamples(
  tokenizer: Tokenizer,
  examples: readonly Example[],
  context: number,
  { bos, eos }: Ends,
): Encoded {
  const out: Tokens[] = [];
  const lost: string[] = [];
  let cut = 0;
  for (const example of examples) {
    const whole = tokensOf(tokenizer, example, {
      ...(bos !== undefined && !example.specials && { bos }),
      ...(eos !== undefined && { eos }),
    });
    const { length } = whole.ids;
    const step = example.divides ? context : Number.POSITIVE_INFINITY;
    if (length > context + 1 && !example.divides) cut += 1;
    let used = false;
    for (let from = 0; from < length - 1; from += step) {
      const part = {
        ids: whole.ids.subarray(from, from + context + 1),
        learned: whole.learned.slice(from, from + context + 1),
      };
      part.learned[0] = 0; // nothing stands before it
      if (!part.learned.includes(1)) continue;
      out.push(part);
      used = true;
    }
    if (!used) lost.push(example.where);
  }
  const named = `${lost.slice(0, 5).join("; ")}${lost.length > 5 ? ` and ${lost.length - 5} more` : ""}`;
  return {
    tokens: out,
    notices: [
      ...(cut > 0
        ? [
            `adapt: ${cut} of ${examples.length} examples are longer than ${context} tokens and lose their ends. Raise --context to keep them whole.`,
          ]
        : []),
      ...(lost.length > 0
        ? [`adapt: nothing of these is left to learn in ${context} tokens, and they are left out: ${named}.`]
        : []),
    ],
  };
}

function tokensOf(
  tokenizer: Tokenizer,
  { text, learned, ends, specials }: Example,
  { bos, eos }: Ends,
): Tokens {
  const encode = (part: string): Int32Array =>
    Int32Array.from(tokenizer.encode(part, { allowSpecials: specials }));
  const body = encode(text);
  const before = bos === undefined ? [] : [bos];
  const after = ends && eos !== undefined ? [eos] : [];
  const ids = Int32Array.from([...before, ...body, ...after]);
  const marks = new Uint8Array(ids.length);
  for (const [from, to] of learned) {
    const start = from === 0 ? 0 : sharedStart(encode(text.slice(0, from)), body);
    const end = to === text.length ? body.length : sharedStart(encode(text.slice(0, to)), body);
    marks.fill(1, before.length + start, before.length + end);
    if (to === text.length) marks.fill(1, before.length + body.length);
  }
  return { ids, learned: marks };
}

/** How many tokens two texts have in common at their beginning. */
function sharedStart(a: Int32Array, b: Int32Array): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n += 1;
  return n;
}

/** Examples side by side in one row of the batch. */
export type Row = readonly Tokens[];

/** Rows of at most `context` predictions, each filled with the first examples that fit; or one example a row. */
export function packRows(
  tokens: readonly Tokens[],
  context: number,
  together: boolean,
  key: random.Key,
): Row[] {
  if (!together) return tokens.map((t) => [t]);
  const rows: Tokens[][] = [];
  const free: number[] = [];
  for (const i of random.permutation(key, tokens.length)) {
    const t = tokens[i];
    if (t === undefined) continue;
    const size = t.ids.length - 1;
    let at = free.findIndex((room) => room >= size);
    if (at < 0) at = rows.push([]) - 1;
    rows[at]?.push(t);
    free[at] = (free[at] ?? context) - size;
  }
  return rows;
}

/** Rows as tensors. */
export interface PackedBatch {
  /** `[B, T]`, int32. */
  readonly ids: Tensor;
  readonly targets: Tensor;
  /** `[B, T]`, float32: 1 where the target is learnt. */
  readonly weights: Tensor;
  /** `[B, T]`, int32: which example of its row a token belongs to; −1 beyond the last. */
  readonly owner: Tensor;
  /** Scalar: tokens learnt here over those of a mean part of the whole batch. */
  readonly share: Tensor;
}

/** `rows` as a batch of `context` tokens a row. @param perPart Tokens learnt in a mean part of the whole batch. */
export function packedBatch(rows: readonly Row[], context: number, perPart?: number): PackedBatch {
  const shape = [rows.length, context];
  const [ids, targets] = [new Int32Array(rows.length * context), new Int32Array(rows.length * context)];
  const owner = new Int32Array(rows.length * context).fill(-1);
  const weights = new Float32Array(rows.length * context);
  rows.forEach((row, r) => {
    let at = r * context;
    row.forEach((t, k) => {
      const size = t.ids.length - 1;
      ids.set(t.ids.subarray(0, size), at);
      targets.set(t.ids.subarray(1), at);
      weights.set(t.learned.subarray(1), at);
      owner.fill(k, at, at + size);
      at += size;
    });
  });
  const share = perPart === undefined ? 1 : learnedIn(rows) / perPart;
  return {
    ids: tensor(ids, { shape }),
    targets: tensor(targets, { shape }),
    weights: tensor(weights, { shape }),
    owner: tensor(owner, { shape }),
    share: tensor(share),
  };
}

/** Tokens that are learnt in `rows`. */
export function learnedIn(rows: readonly Row[]): number {
  let sum = 0;
  for (const row of rows) for (const { learned } of row) for (const mark of learned) sum += mark;
  return sum;
}

/** The rows of a step: every epoch visits all of them in an order of its own; a pure function of seed and step. */
export function rowsOfStep(rows: readonly Row[], count: number, seed: number): (step: number) => Row[] {
  const key = random.fold(random.key(seed), "data");
  let epoch = -1;
  let order: Uint32Array = new Uint32Array(0);
  return (step) =>
    Array.from({ length: count }, (_, i) => {
      const n = step * count + i;
      const wanted = Math.floor(n / rows.length);
      if (wanted !== epoch)
        [epoch, order] = [wanted, random.permutation(random.fold(key, wanted), rows.length)];
      return rows[order[n % rows.length] ?? 0] ?? [];
    });
}
