// Byte-pair encoding in linear time for any input: the longest piece that fits is tried first, and taken back
// when no continuation is compatible with it. Every position fails at most once, because the encoding of the
// text before it is unique (see bpe-tables.ts).
import { OptionError, unreachable } from "../../errors.ts";
import {
  type BpeTables,
  MergeOrderError,
  type PairTable,
  UNREACHABLE,
  areNeighbours,
  bpeTables,
  madeBy,
  pairRank,
  pairTable,
} from "./bpe-tables.ts";
import { jsPattern } from "../pipeline/pattern.ts";
import { hasNewCharacters, withoutNewCharacters } from "../pipeline/unicode.ts";
import type { IdBuffer } from "./ids.ts";
import { mergeByRank } from "./merge-heap.ts";
import { type BpeModel, checkSpecials } from "../model.ts";
import { type Trie, buildTrie, find, longestMatch } from "./trie.ts";
import { lineEnd } from "./unigram.ts";
import { isInsideCharacter, sequenceLength, strictTextOf } from "../utf8.ts";

/** A match of so many bytes that begins and ends with one byte may lie in a row of it. */
const LONG = 16;
/** Remembered answers of `longestAfter`: 48 KiB. */
const ASKED = 1 << 12;

/** A byte-pair vocabulary compiled for encoding, with its working memory: one per thread. */
export interface BpeEncoder {
  /** What the linear reading needs, or the heap's table where the merges have no such reading. */
  readonly tables: BpeTables;
  readonly heap: { readonly pairs: PairTable; readonly made: Int32Array } | undefined;
  /** Merges of the last, shared rank, and what they make. */
  readonly tied: { readonly pairs: PairTable; readonly merges: Int32Array } | undefined;
  readonly lengths: Int32Array;
  /** Tokens that merging can produce. */
  readonly trie: Trie;
  /** All tokens, where a part that is a token is taken whole; else undefined. */
  readonly whole: Trie | undefined;
  /** Longest token of `trie` that is a proper prefix of a token, or -1. */
  readonly prefix: Int32Array;
  readonly splits: Splits | undefined;
  readonly byteFallback: Int32Array | undefined;
  /** Answers of `longestAfter`, direct-mapped: `left, token, answer` per slot. */
  readonly asked: Int32Array;
  /** 1 at positions from which no encoding continues, relative to the part. */
  blocked: Uint8Array;
}

/** Compiles a vocabulary. @throws OptionError if it is inconsistent or lacks a byte it needs. */
export function bpeEncoder(model: BpeModel): BpeEncoder {
  const { pieces, byteFallback } = model;
  checkSpecials(model.specials, pieces, "bpe");
  const lengths = lengthsOf(pieces);
  const tiedFrom = 3 * (model.tiedFrom ?? model.merges.length / 3);
  const merges = model.merges.subarray(0, tiedFrom);
  const pairs = pairTable(merges);
  const linear = linearTables(lengths, merges, pairs);
  const tables = linear ?? bpeTables(lengths, new Int32Array(0));
  const tiedMerges = model.merges.subarray(tiedFrom);
  const fallback = new Set(byteFallback);
  const empty = new Uint8Array(0);
  const reachable = pieces.map((p, id) => {
    const rank = tables.rank[id] ?? -1;
    if (rank >= 0) return p;
    if (rank === UNREACHABLE || fallback.has(id)) return empty;
    // A longer token without a merge is no starting symbol: without characters to start from, only bytes are.
    const isStart = byteFallback === undefined ? p.length === 1 : isOneCharacter(p);
    return isStart ? p : empty;
  });
  const trie = buildTrie(reachable);
  for (let b = 0; b < 256; b++) {
    if (byteFallback === undefined ? find(trie, Uint8Array.of(b)) >= 0 : (byteFallback[b] ?? -1) >= 0)
      continue;
    throw new OptionError(`bpe: all 256 bytes must have a token, got none for byte ${b}. Add it.`);
  }
  const prefix = new Int32Array(pieces.length).fill(-1);
  // The heap asks for no prefixes.
  if (linear !== undefined) {
    pieces.forEach((p, id) => {
      if (p.length >= 2) prefix[id] = longestMatch(trie, p, 0, p.length - 1);
    });
  }
  return {
    tables,
    heap: linear === undefined ? { pairs, made: madeBy(merges) } : undefined,
    tied: tiedMerges.length === 0 ? undefined : { pairs: pairTable(tiedMerges), merges: tiedMerges },
    lengths,
    trie,
    whole: model.wholeParts === true ? buildTrie(pieces) : undefined,
    prefix,
    splits: model.split === undefined ? undefined : splitsOf(model.split),
    byteFallback,
    asked: new Int32Array(3 * ASKED).fill(-1),
    blocked: new Uint8Array(256),
  };
}

/** Tables for the linear reading; undefined where merges come before those that make their parts. */
function linearTables(lengths: Int32Array, merges: Int32Array, pairs: PairTable): BpeTables | undefined {
  try {
    return bpeTables(lengths, merges, pairs);
  } catch (error) {
    if (error instanceof MergeOrderError) return undefined;
    throw error;
  }
}

function lengthsOf(pieces: readonly Uint8Array[]): Int32Array {
  const lengths = new Int32Array(pieces.length);
  for (let id = 0; id < pieces.length; id++) lengths[id] = pieces[id]?.length ?? 0;
  return lengths;
}

/** One pattern twice: `here` tests a position without making a match object, `next` searches from it. */
interface Split {
  readonly here: RegExp;
  readonly next: RegExp;
}

/** Patterns that cut one after the other: for any text, and for one without characters of Unicode 17. */
interface Splits {
  readonly all: readonly Split[];
  readonly usual: readonly Split[];
}

function splitsOf(patterns: string | readonly string[]): Splits {
  const list = typeof patterns === "string" ? [patterns] : patterns;
  const sources = list.map((pattern) => jsPattern(pattern, "bpe: split"));
  const compile = (source: string): Split => ({
    here: new RegExp(source, "vy"),
    next: new RegExp(source, "gv"),
  });
  return { all: sources.map(compile), usual: sources.map((s) => compile(withoutNewCharacters(s))) };
}

/** True for the UTF-8 of a single code point. */
export function isOneCharacter(bytes: Uint8Array): boolean {
  const c = bytes[0] ?? 0;
  return bytes.length === (c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0);
}

/**
 * Appends the ids of `bytes[from … to)`.
 * @param text The same as text, where the caller has it: a split pattern needs it.
 */
export function encodeBpeInto(
  e: BpeEncoder,
  bytes: Uint8Array,
  from: number,
  to: number,
  out: IdBuffer,
  text?: string,
): void {
  const { splits } = e;
  if (splits === undefined) {
    for (let at = from; at < to; ) {
      const end = e.byteFallback === undefined ? lineEnd(bytes, at, to) : to;
      encodePart(e, bytes, at, end, out);
      at = end;
    }
    return;
  }
  const known = text ?? strictTextOf(bytes.subarray(from, to));
  if (known !== undefined) {
    encodeSplit(e, splitsFor(splits, known), bytes, from, to, out, known);
    return;
  }
  // Bytes that are no text: the valid runs between them are split, each invalid byte stands alone.
  for (let at = from; at < to; ) {
    let end = at;
    while (end < to && sequenceLength(bytes, end, to) > 0) end += sequenceLength(bytes, end, to);
    if (end > at)
      encodeSplit(e, splits.all, bytes, at, end, out, strictTextOf(bytes.subarray(at, end)) ?? "");
    if (end < to) encodePart(e, bytes, end, end + 1, out);
    at = end + 1;
  }
}

function splitsFor({ all, usual }: Splits, text: string): readonly Split[] {
  return hasNewCharacters(text) ? all : usual;
}

/** Encodes each match and each gap between matches alone: of the first pattern, in each the next one's. */
function encodeSplit(
  e: BpeEncoder,
  splits: readonly Split[],
  bytes: Uint8Array,
  from: number,
  to: number,
  out: IdBuffer,
  text: string,
  depth = 0,
): void {
  const split = splits[depth];
  if (split === undefined) {
    encodePart(e, bytes, from, to, out);
    return;
  }
  const isLast = depth + 1 === splits.length;
  const ascii = text.length === to - from;
  let unit = 0; // UTF-16 position that belongs to byte `at`
  let at = from;
  const advance = (target: number): void => {
    const end = ascii ? from + target : at + bytesBetween(text, unit, target);
    if (end > at && isLast) encodePart(e, bytes, at, end, out);
    else if (end > at) encodeSplit(e, splits, bytes, at, end, out, text.slice(unit, target), depth + 1);
    at = end;
    unit = target;
  };
  const { here, next } = split;
  for (let from16 = 0; from16 < text.length; ) {
    here.lastIndex = from16;
    if (here.test(text) && here.lastIndex > from16) {
      // After an empty match there is a character before this one.
      if (from16 > unit) advance(from16);
      from16 = here.lastIndex;
      advance(from16);
      continue;
    }
    next.lastIndex = from16;
    const match = next.exec(text);
    if (match === null) break;
    // V8 finds empty matches between the halves of a surrogate pair as well.
    if (match[0] === "" && isInsideCharacter(text, match.index)) {
      from16 = match.index + 1;
      continue;
    }
    advance(match.index);
    from16 = match.index + match[0].length;
    if (match[0].length > 0) advance(from16);
    // An empty match only marks a cut; the search goes on after the next character.
    else from16 += (text.codePointAt(from16) ?? 0) > 0xffff ? 2 : 1;
  }
  advance(text.length);
}

/** UTF-8 bytes of `text[from … to)`, which is well formed. */
function bytesBetween(text: string, from: number, to: number): number {
  let n = to - from;
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    // A surrogate is half of four bytes.
    if (c >= 0x80) n += c < 0x800 || (c >= 0xd800 && c < 0xe000) ? 1 : 2;
  }
  return n;
}

/** One part of the text: bytes that merging never leaves. */
function encodePart(e: BpeEncoder, bytes: Uint8Array, from: number, to: number, out: IdBuffer): void {
  if (e.whole !== undefined) {
    const id = find(e.whole, bytes, from, to);
    if (id >= 0) {
      out.push(id);
      return;
    }
  }
  if (e.byteFallback === undefined) {
    const first = out.length;
    mergeRange(e, bytes, from, to, out);
    mergeTied(e, out, first);
    return;
  }
  for (let at = from; at < to; ) {
    // A run of characters that the vocabulary has, then one that it lacks, byte by byte.
    let end = at;
    let width = 0;
    while (end < to) {
      width = Math.max(1, sequenceLength(bytes, end, to));
      if (find(e.trie, bytes, end, end + width) < 0) break;
      end += width;
    }
    if (end > at) {
      const first = out.length;
      mergeRange(e, bytes, at, end, out);
      mergeTied(e, out, first);
    }
    for (at = end; at < Math.min(to, end + width); at++) out.push(e.byteFallback[bytes[at] ?? 0] ?? 0);
  }
}

/**
 * The longest token among `token` and its prefixes that may stand after `left`, or -1; remembered, because long
 * runs ask the same again and again.
 */
function longestAfter({ tables, prefix, asked }: BpeEncoder, left: number, token: number): number {
  const slot = 3 * ((Math.imul(left, 0x9e3779b1) ^ Math.imul(token, 0x85ebca77)) >>> 20);
  if (asked[slot] === left && asked[slot + 1] === token) return asked[slot + 2] ?? -1;
  let answer = token;
  while (answer >= 0 && !areNeighbours(tables, left, answer)) answer = prefix[answer] ?? -1;
  asked[slot] = left;
  asked[slot + 1] = token;
  asked[slot + 2] = answer;
  return answer;
}

/** Merges `bytes[from … to)`, all of whose symbols the vocabulary has. */
function mergeRange(e: BpeEncoder, bytes: Uint8Array, from: number, to: number, out: IdBuffer): void {
  const { trie, lengths, prefix } = e;
  if (e.heap !== undefined) {
    const symbols = out.reserve(to - from).subarray(out.length);
    const n = startSymbols(e, bytes, from, to, symbols);
    out.length += mergeByRank(symbols, n, e.heap.pairs, e.heap.made);
    return;
  }
  let token = longestMatch(trie, bytes, from, to);
  if ((lengths[token] ?? 0) === to - from) {
    out.push(token); // most parts of most texts
    return;
  }
  const size = to - from + 1;
  if (e.blocked.length < size) e.blocked = new Uint8Array(size * 2);
  else e.blocked.fill(0, 0, size);
  const { blocked } = e;
  const first = out.length;
  const data = out.reserve(to - from);
  let n = first;
  // In a row of one byte the longest match is the same at every place that has `maxLength` bytes of it ahead.
  let rowFrom = 0;
  let rowTo = 0;
  let rowToken = -1;
  for (let at = from; at < to; ) {
    for (;;) {
      // A blocked end is known at once; whether two tokens may be neighbours takes a look-up.
      while (token >= 0 && blocked[at + (lengths[token] ?? 1) - from] === 1) token = prefix[token] ?? -1;
      if (token < 0 || n === first) break;
      const fitting = longestAfter(e, data[n - 1] ?? 0, token);
      if (fitting === token) break;
      token = fitting;
    }
    if (token >= 0) {
      data[n++] = token;
      at += lengths[token] ?? 1;
      if (at >= rowFrom && at < rowTo) token = rowToken;
      else if (at < to) {
        token = longestMatch(trie, bytes, at, to);
        if ((lengths[token] ?? 0) >= LONG && bytes[at] === bytes[at + LONG - 1]) {
          const past = rowEnd(bytes, at, to) - trie.maxLength + 1;
          if (at < past) {
            rowFrom = rowStart(bytes, at, from);
            rowTo = past;
            rowToken = token;
          }
        }
      }
    } else {
      // Nothing goes on from here: take the last token back and try a shorter one in its place.
      blocked[at - from] = 1;
      if (n === first) unreachable("a text without byte-pair encoding");
      const last = data[--n] ?? 0;
      at -= lengths[last] ?? 1;
      token = prefix[last] ?? -1;
    }
  }
  out.length = n;
}

/** The tokens that merging starts from: characters that have one, else bytes. */
function startSymbols(
  e: BpeEncoder,
  bytes: Uint8Array,
  from: number,
  to: number,
  symbols: Int32Array,
): number {
  let n = 0;
  for (let at = from; at < to; ) {
    const width = e.byteFallback === undefined ? 1 : Math.max(1, sequenceLength(bytes, at, to));
    symbols[n++] = find(e.trie, bytes, at, at + width);
    at += width;
  }
  return n;
}

/** Start of the row of equal bytes that `at` lies in. */
function rowStart(bytes: Uint8Array, at: number, from: number): number {
  let i = at;
  while (i > from && bytes[i - 1] === bytes[at]) i--;
  return i;
}

/** End of the row of equal bytes that `at` lies in. */
function rowEnd(bytes: Uint8Array, at: number, to: number): number {
  const byte = bytes[at];
  let i = at + 1;
  while (i < to && bytes[i] === byte) i++;
  return i;
}

/**
 * Applies the tied merges to the ids from `first` on, leftmost first: after a merge only the pair to its left
 * can be new on that side, so a stack that merges its top two as long as it can does exactly this.
 */
function mergeTied(e: BpeEncoder, out: IdBuffer, first: number): void {
  if (e.tied === undefined) return;
  const { data, length } = out;
  let n = first;
  for (let i = first; i < length; i++) {
    data[n++] = data[i] ?? 0;
    while (n - first >= 2) {
      const k = pairRank(e.tied.pairs, data[n - 2] ?? 0, data[n - 1] ?? 0);
      if (k < 0) break;
      n--;
      data[n - 1] = e.tied.merges[3 * k + 2] ?? 0;
    }
  }
  out.length = n;
}
