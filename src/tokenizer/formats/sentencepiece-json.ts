// A SentencePiece model as the steps of a tokenizer.json, for saving and for other programs.
import { mergesFromOrder } from "../encode/bpe-tables.ts";
import { buildTrie } from "../encode/trie.ts";
import { SPACE_MARK, type ScoredMerges } from "../pipeline/sentencepiece.ts";
import { utf8 } from "../utf8.ts";
import { runMerges } from "./hugging-face-write.ts";
import type { SentencePieceFile } from "./sentencepiece-file.ts";

/** Content of the tokenizer.json; undefined where that cannot say the same. */
export function sentencePieceJson(
  f: SentencePieceFile,
  m: ScoredMerges,
): Record<string, unknown> | undefined {
  const model = f.type === "bpe" ? bpe(f, m) : unigram(f);
  // User-defined symbols are found after normalisation there, before it here.
  if (model === undefined || m.userDefined.length > 0 || (f.suffix && f.dummyPrefix)) return undefined;
  const replace = (pattern: object, content: string): object => ({ type: "Replace", pattern, content });
  const steps: object[] = [];
  if (f.map !== undefined) steps.push({ type: "Precompiled", precompiled_charsmap: base64(f.charsmap) });
  if (f.removeExtra) {
    steps.push(replace({ Regex: "\\A +| +\\z" }, ""), replace({ Regex: " {2,}" }, " "));
  }
  const mark = f.escape ? SPACE_MARK : " ";
  if (f.dummyPrefix) steps.push({ type: "Prepend", prepend: mark });
  if (f.escape) steps.push(replace({ String: " " }, SPACE_MARK));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: f.pieces.flatMap((p, id) =>
      p.type === "control" || p.type === "unknown"
        ? [
            {
              id,
              content: p.text,
              single_word: false,
              lstrip: false,
              rstrip: false,
              normalized: false,
              special: true,
            },
          ]
        : [],
    ),
    normalizer: { type: "Sequence", normalizers: steps },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        replace({ String: SPACE_MARK }, " "),
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...leadingSpaces(f),
      ],
    },
    model,
  };
}

/** The decoder's step that takes the spaces at the beginning away: all of them, where none can have been there. */
export function leadingSpaces(f: SentencePieceFile): object[] {
  if (f.suffix || !(f.dummyPrefix || f.removeExtra)) return [];
  return [{ type: "Strip", content: " ", start: f.removeExtra ? 1 << 30 : 1, stop: 0 }];
}

function roles(f: SentencePieceFile): object {
  return { roles: Object.fromEntries(Object.entries(f.roles).map(([role, id]) => [id, role])) };
}

function unigram(f: SentencePieceFile): object {
  return {
    type: "Unigram",
    unk_id: f.roles.unk,
    vocab: f.pieces.map((p) => [p.text, p.score]),
    byte_fallback: f.byteFallback,
  };
}

function bpe(f: SentencePieceFile, m: ScoredMerges): object | undefined {
  const name = (id: number): string => f.pieces[id]?.text ?? "";
  const bytes = f.pieces.map((p) => (p.type === "normal" ? utf8(p.text) : new Uint8Array(0)));
  const longer = m.ordinary
    .filter((id) => Array.from(name(id)).length > 1)
    .sort((a, b) => (m.scores[b] ?? 0) - (m.scores[a] ?? 0) || a - b);
  const last = m.scores[longer.at(-1) ?? -1];
  const tied = longer.filter((id) => m.scores[id] === last);
  const first = tied.length > 1 ? longer.slice(0, longer.length - tied.length) : longer;
  const merges = mergesFromOrder(bytes, first, buildTrie(bytes));
  const pairs: [string, string][] = Array.from({ length: merges.length / 3 }, (_, k) => [
    name(merges[3 * k] ?? 0),
    name(merges[3 * k + 1] ?? 0),
  ]);
  const runs = tied.length > 1 ? runMerges(tied.map(name)) : [];
  // Other tokens of one score would need ranks of their own.
  const scores = new Set(first.map((id) => m.scores[id]));
  if (runs === undefined || scores.size < first.length) return undefined;
  return {
    type: "BPE",
    dropout: null,
    unk_token: name(f.roles.unk),
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: f.byteFallback,
    ignore_merges: false,
    vocab: Object.fromEntries(f.pieces.map((p, id) => [p.text, id])),
    merges: [...pairs, ...runs],
    athanor: roles(f),
  };
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text);
}
