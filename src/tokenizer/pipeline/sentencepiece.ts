// SentencePiece's own steps (https://github.com/google/sentencepiece: src/normalizer.cc, bpe_model.cc), for
// `.model` files: the normaliser with its character map, spaces and user-defined symbols, and BPE by score.
import { madeBy, pairTable } from "../encode/bpe-tables.ts";
import { mergeByRank } from "../encode/merge-heap.ts";
import { type Trie, buildTrie, find, longestMatch } from "../encode/trie.ts";
import { sequenceLength, textOf, utf8 } from "../utf8.ts";
import { type Model, byteTokens } from "./model.ts";
import type { Normalizer } from "./normalizers.ts";
import { type CharacterMap, mapAt } from "./precompiled.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What SentencePiece writes for a space. */
export const SPACE_MARK = "\u2581";

/** The file's `normalizer_spec`, and what of `trainer_spec` bears on it. */
export interface SentencePieceNormalizer {
  readonly map: CharacterMap | undefined;
  /** A space before the text, or after it (`suffix`). */
  readonly dummyPrefix: boolean;
  readonly suffix: boolean;
  /** Spaces at the ends go, several become one. */
  readonly removeExtra: boolean;
  /** Spaces become U+2581. */
  readonly escape: boolean;
  /** Symbols that are never changed. */
  readonly userDefined: readonly string[];
}

/** One step of the text: what it becomes, and how many bytes it was. */
interface Step {
  readonly text: string;
  readonly length: number;
}

/** Compiles the normaliser. */
export function sentencePieceNormalizer(n: SentencePieceNormalizer): Normalizer {
  const symbols = buildTrie(n.userDefined.map(utf8));
  const space = n.escape ? SPACE_MARK : " ";

  const stepAt = (bytes: Uint8Array, at: number): Step => {
    const symbol = longestMatch(symbols, bytes, at, bytes.length);
    const own = symbol < 0 ? undefined : n.userDefined[symbol];
    if (own !== undefined) return { text: own, length: utf8(own).length };
    const mapped = n.map && mapAt(n.map, bytes, at, true);
    if (mapped !== undefined) return { text: textOf(mapped.text), length: mapped.length };
    const length = Math.max(1, sequenceLength(bytes, at, bytes.length));
    return { text: textOf(bytes.subarray(at, at + length)), length };
  };

  return (text) => {
    const bytes = utf8(text);
    let at = 0;
    while (n.removeExtra && at < bytes.length) {
      const step = stepAt(bytes, at);
      if (step.text !== " ") break;
      at += step.length;
    }
    if (at === bytes.length) return "";
    const parts: string[] = n.dummyPrefix && !n.suffix ? [space] : [];
    let afterSpace = n.removeExtra;
    while (at < bytes.length) {
      const step = stepAt(bytes, at);
      const kept = afterSpace ? step.text.replace(/^ +/, "") : step.text;
      if (kept !== "") {
        parts.push(n.escape ? kept.replaceAll(" ", space) : kept);
        afterSpace = n.removeExtra && kept.endsWith(" ");
      }
      at += step.length;
    }
    let result = parts.join("");
    while (n.removeExtra && result.endsWith(space)) result = result.slice(0, -space.length);
    return n.dummyPrefix && n.suffix ? result + space : result;
  };
}

/** Pieces of a BPE file: any two neighbours whose join is a piece merge, highest score first, then leftmost. */
export interface ScoredMerges {
  readonly vocabulary: Vocabulary;
  readonly scores: Float64Array;
  /** Ids that are found in text: ordinary pieces. */
  readonly ordinary: readonly number[];
  readonly userDefined: readonly number[];
  readonly unknown: number;
  readonly byteFallback: boolean;
}

/** All pairs whose join is a piece, `[left, right, merged]` flat. */
export function allMerges({ vocabulary, ordinary }: ScoredMerges): Int32Array {
  const trie = ordinaryTrie(vocabulary, ordinary);
  const flat: number[] = [];
  for (const id of ordinary) {
    const piece = utf8(vocabulary.nameOf[id] ?? "");
    for (let cut = 1; cut < piece.length; cut++) {
      const left = find(trie, piece, 0, cut);
      const right = left < 0 ? -1 : find(trie, piece, cut);
      if (right >= 0) flat.push(left, right, id);
    }
  }
  return Int32Array.from(flat);
}

function ordinaryTrie({ nameOf }: Vocabulary, ids: readonly number[]): Trie {
  const shown = new Set(ids);
  return buildTrie(nameOf.map((name, id) => (shown.has(id) ? utf8(name ?? "") : new Uint8Array(0))));
}

/** The BPE model of a file. */
export function sentencePieceBpe(m: ScoredMerges): Model {
  const { vocabulary, scores, unknown } = m;
  const trie = ordinaryTrie(vocabulary, [...m.ordinary, ...m.userDefined]);
  const symbols = ordinaryTrie(vocabulary, m.userDefined);
  const merges = allMerges(m);
  const pairs = pairTable(merges);
  const made = madeBy(merges);
  const distinct = [...new Set(Array.from(made, (id) => scores[id] ?? 0))].sort((a, b) => b - a);
  const place = new Map(distinct.map((score, i) => [score, i]));
  const order = made.map((id) => place.get(scores[id] ?? 0) ?? 0);
  const bytes = m.byteFallback ? byteTokens(vocabulary) : undefined;
  const size = vocabulary.nameOf.length;

  return {
    vocabulary,
    encode(text, out) {
      const input = utf8(text);
      const ids = new Int32Array(input.length);
      const lacking: string[] = []; // characters without a piece: ids from `size` on
      let n = 0;
      for (let at = 0; at < input.length; ) {
        const symbol = longestMatch(symbols, input, at, input.length);
        const length =
          symbol < 0 ? sequenceLength(input, at, input.length) : utf8(vocabulary.nameOf[symbol] ?? "").length;
        const id = symbol < 0 ? find(trie, input, at, at + length) : symbol;
        if (id < 0) lacking.push(textOf(input.subarray(at, at + length)));
        ids[n++] = id < 0 ? size + lacking.length - 1 : id;
        at += length;
      }
      n = mergeByRank(ids, n, pairs, made, order);
      let wasUnknown = false;
      for (let i = 0; i < n; i++) {
        const id = ids[i] ?? 0;
        const fallback = id < size ? undefined : bytes?.(lacking[id - size] ?? "");
        for (const b of fallback ?? []) out.push(b);
        const isUnknown = id >= size && fallback === undefined;
        // Neighbouring unknown characters are one token.
        if (id < size || (isUnknown && !wasUnknown)) out.push(id < size ? id : unknown);
        wasUnknown = isUnknown;
      }
    },
  };
}
