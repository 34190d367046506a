// llama2.c `tokenizer.bin` (https://github.com/karpathy/llama2.c, tokenizer.py): int32 longest piece, then per
// id float32 score, int32 length, bytes. Ids 0, 1, 2 are <unk>, <s>, </s>; 3 … 258 the bytes; merging starts
// from characters after an added space, highest score first, leftmost first among equals.
import { FileError } from "../../errors.ts";
import { mergesFromOrder } from "../encode/bpe-tables.ts";
import { isOneCharacter } from "../encode/bpe.ts";
import type { BpeModel, Special } from "../model.ts";
import { buildTrie, find } from "../encode/trie.ts";

const SPECIALS: readonly Special[] = [
  { id: 0, text: "<unk>", role: "unk" },
  { id: 1, text: "<s>", role: "bos" },
  { id: 2, text: "</s>", role: "eos" },
];

const FIRST_PIECE = 259;

/** True if `data` could be a tokenizer.bin: its first entry is `<unk>`. */
export function isLlama2c(data: Uint8Array): boolean {
  return data.length > 17 && new TextDecoder().decode(data.subarray(12, 17)) === "<unk>";
}

/** Reads a tokenizer.bin. @throws FileError if it ends early or is not one. */
export function readLlama2c(data: Uint8Array, file = "tokenizer.bin"): BpeModel {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const pieces: Uint8Array[] = [];
  const scores: number[] = [];
  for (let at = 4; at < data.length; ) {
    const length = at + 8 <= data.length ? view.getInt32(at + 4, true) : -1;
    if (length < 0 || at + 8 + length > data.length) {
      throw new FileError(
        `load: ${file} must hold whole entries, got one cut off at byte ${at}. Fetch the file again.`,
      );
    }
    const score = view.getFloat32(at, true);
    if (!Number.isFinite(score)) {
      throw new FileError(
        `load: ${file}: score of entry ${scores.length} must be a finite number, got ${score}. Fetch the file again.`,
      );
    }
    scores.push(score);
    pieces.push(data.slice(at + 8, at + 8 + length));
    at += 8 + length;
  }
  if (pieces.length < FIRST_PIECE) {
    throw new FileError(`load: ${file} must have at least ${FIRST_PIECE} entries, got ${pieces.length}.`);
  }
  for (const special of SPECIALS) pieces[special.id] = new Uint8Array(0);
  const byteFallback = Int32Array.from({ length: 256 }, (_, b) => b + 3);
  for (let b = 0; b < 256; b++) pieces[b + 3] = Uint8Array.of(b); // written there as the character U+00b
  const trie = buildTrie(pieces.map((p, id) => (id < FIRST_PIECE ? new Uint8Array(0) : p)));
  const longer = pieces
    .map((p, id) => ({
      id,
      score: scores[id] ?? 0,
      merged: id >= FIRST_PIECE && !isOneCharacter(p) && p.length > 0,
    }))
    .filter((x) => x.merged)
    .sort((a, b) => b.score - a.score || a.id - b.id);
  // The last score may be shared (space runs in Llama 2): those merges go leftmost first, all splits allowed.
  const last = longer.at(-1)?.score;
  const tied =
    longer.filter((x) => x.score === last).length > 1 ? longer.filter((x) => x.score === last) : [];
  const ordered = longer.slice(0, longer.length - tied.length).map((x) => x.id);
  const merges = mergesFromOrder(pieces, ordered, trie);
  const tiedMerges: number[] = [];
  for (const { id } of tied) {
    const piece = pieces[id] ?? new Uint8Array(0);
    for (let cut = 1; cut < piece.length; cut++) {
      const l = find(trie, piece, 0, cut);
      const r = find(trie, piece, cut);
      if (l >= 0 && r >= 0) tiedMerges.push(l, r, id);
    }
  }
  return {
    kind: "bpe",
    pieces,
    merges: Int32Array.from([...merges, ...tiedMerges]),
    ...(tiedMerges.length > 0 && { tiedFrom: merges.length / 3 }),
    specials: SPECIALS,
    byteFallback,
    dummyPrefix: true,
    template: { before: [1], after: [] }, // run.c begins every text with <s>
  };
}
