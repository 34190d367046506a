// The Unigram model of tokenizer.json and SentencePiece: characters, not bytes, are the least unit, and a
// character that is no piece costs the lowest score minus 10 (src/models/unigram/model.rs there).
import { OptionError } from "../../errors.ts";
import { reverseRange } from "../encode/ids.ts";
import { BASE_MASK, type Trie, buildTrie, find } from "../encode/trie.ts";
import { textOf, utf8 } from "../utf8.ts";
import { type Fields, flagField, listField, refuse } from "./fields.ts";
import { type Model, byteTokens } from "./model.ts";
import type { Vocabulary } from "./vocabulary.ts";

const UNKNOWN_PENALTY = 10;

/** Pieces with their scores, as the files list them. */
export interface ScoredPieces {
  readonly vocabulary: Vocabulary;
  readonly scores: Float64Array;
  readonly unknown: number | undefined;
  readonly byteFallback: boolean;
  readonly where: string;
  /** SentencePiece's arithmetic: scores are added in float32, and the lowest is that of ordinary pieces. */
  readonly lowest?: number;
}

/** Reads a Unigram model. @throws FileError that names the entry at fault. */
export function unigram(f: Fields): {
  vocabulary: Vocabulary;
  make: (hidden: ReadonlySet<number>) => Model;
} {
  const list = listField(f, "vocab");
  const names: string[] = [];
  const scores = new Float64Array(list.length);
  for (const [id, entry] of list.entries()) {
    const [name, score]: unknown[] = Array.isArray(entry) ? entry : [];
    if (typeof name !== "string" || typeof score !== "number" || !Number.isFinite(score)) {
      return refuse(`${f.where}.vocab[${id}]`, "[text, score]", entry);
    }
    names.push(name);
    scores[id] = score;
  }
  const id = f.of["unk_id"] ?? undefined;
  if (id !== undefined && !(typeof id === "number" && Number.isInteger(id) && id >= 0 && id < list.length)) {
    return refuse(`${f.where}.unk_id`, `an id from 0 to ${list.length - 1}, or null`, id);
  }
  const vocabulary = { idOf: new Map(names.map((name, i) => [name, i])), nameOf: names };
  const pieces: ScoredPieces = {
    vocabulary,
    scores,
    unknown: id,
    byteFallback: flagField(f, "byte_fallback", false),
    where: f.where,
  };
  return { vocabulary, make: (hidden) => unigramModel(pieces, hidden) };
}

/** The model of pieces with scores. @param hidden Ids that no text gives. */
export function unigramModel(pieces: ScoredPieces, hidden: ReadonlySet<number>): Model {
  const { vocabulary, scores, unknown } = pieces;
  const empty = new Uint8Array(0);
  // Of pieces with one text the last counts.
  const keys = vocabulary.nameOf.map((name, id) =>
    name === undefined || hidden.has(id) || vocabulary.idOf.get(name) !== id ? empty : utf8(name),
  );
  const trie = buildTrie(keys);
  const bytes = pieces.byteFallback ? byteTokens(vocabulary) : undefined;
  const lowest = pieces.lowest ?? scores.reduce((least, s) => Math.min(least, s), Infinity);
  const isSingle = pieces.lowest !== undefined;
  const penalty = isSingle ? Math.fround(lowest - UNKNOWN_PENALTY) : lowest - UNKNOWN_PENALTY;
  const scoreRoom = (n: number): Float64Array | Float32Array =>
    isSingle ? new Float32Array(n) : new Float64Array(n);
  const room: Room = { score: scoreRoom(256), start: new Int32Array(256), id: new Int32Array(256) };

  const unknownIds = (text: Uint8Array): readonly number[] => {
    const known = isSingle ? -1 : find(trie, text);
    if (known >= 0) return [known];
    const fallback = bytes?.(textOf(text));
    if (fallback !== undefined) return fallback;
    return [unknown ?? -1];
  };

  return {
    vocabulary,
    encode(text, out) {
      const input = utf8(text);
      const n = input.length;
      if (room.score.length <= n) {
        room.score = scoreRoom(2 * n);
        room.start = new Int32Array(2 * n);
        room.id = new Int32Array(2 * n);
      }
      bestPath(trie, scores, penalty, unknown ?? -1, input, room);
      const begin = out.length;
      // Backwards: a run of unknown nodes is looked up as one text.
      for (let end = n; end > 0; ) {
        let start = room.start[end] ?? 0;
        const id = room.id[end] ?? 0;
        if (id !== (unknown ?? -1)) out.push(id);
        else {
          while (start > 0 && room.id[start] === id) start = room.start[start] ?? 0;
          const run = unknownIds(input.subarray(start, end));
          if (run[0] === -1) {
            throw new OptionError(
              `encode: text must be made of pieces of ${pieces.where}, got "${textOf(input.subarray(start, end)).slice(0, 20)}", and it has no unk_id.`,
            );
          }
          for (let k = run.length - 1; k >= 0; k--) out.push(run[k] ?? 0);
        }
        end = start;
      }
      reverseRange(out.data, begin, out.length);
    },
  };
}

/** Best score that ends at each byte, where its last piece starts, and the piece. */
interface Room {
  score: Float64Array | Float32Array;
  start: Int32Array;
  id: Int32Array;
}

/** Viterbi over the bytes, from characters' starts only; a tie keeps the earlier start. */
function bestPath(
  trie: Trie,
  scores: Float64Array,
  penalty: number,
  unknown: number,
  input: Uint8Array,
  room: Room,
): void {
  const { units, values, root } = trie;
  const { score, start, id } = room;
  const isSingle = score instanceof Float32Array;
  start.fill(-1, 0, input.length + 1);
  score[0] = 0;
  const offer = (from: number, end: number, piece: number, total: number): void => {
    if (start[end] !== -1 && total <= (score[end] ?? 0)) return;
    score[end] = total;
    start[end] = from;
    id[end] = piece;
  };
  for (let from = 0; from < input.length; ) {
    const lead = input[from] ?? 0;
    const width = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const here = score[from] ?? 0;
    let single = false;
    let base = root;
    for (let i = from; i < input.length; i++) {
      const c = input[i] ?? 0;
      const node = base ^ c;
      const unit = units[node] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0) {
        const piece = values[node] ?? 0;
        const sum = here + (scores[piece] ?? 0);
        offer(from, i + 1, piece, isSingle ? Math.fround(sum) : sum);
        if (i + 1 - from === width) single = true;
      }
      base = (unit >>> 8) & BASE_MASK;
    }
    const total = here + penalty;
    if (!single) offer(from, from + width, unknown, isSingle ? Math.fround(total) : total);
    from += width;
  }
}
