// SentencePiece `.model` as a tokenizer: Unigram and BPE, with control and user-defined symbols, bytes for unknown
// characters, and the character map of the normaliser. Ids are those of `spm_encode`.
import { FileError } from "../../errors.ts";
import type { AddedToken, Special, SpecialRole } from "../model.ts";
import { decoderOf } from "../pipeline/decoders.ts";
import { pipelineTokenizer } from "../pipeline/pipeline.ts";
import {
  SPACE_MARK,
  type ScoredMerges,
  sentencePieceBpe,
  sentencePieceNormalizer,
} from "../pipeline/sentencepiece.ts";
import { unigramModel } from "../pipeline/unigram.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { utf8 } from "../utf8.ts";
import { type SentencePieceFile, parseSentencePiece } from "./sentencepiece-file.ts";
import { leadingSpaces, sentencePieceJson } from "./sentencepiece-json.ts";

/** C's FLT_MIN, where the search for the highest score starts there: so it is never below 0. */
const LEAST_POSITIVE = 2 ** -126;

/** A tokenizer from a `.model`. @throws FileError that names the field at fault. */
export function readSentencePiece(data: Uint8Array, file = "tokenizer.model"): Tokenizer {
  return sentencePieceTokenizer(parseSentencePiece(data, file), file);
}

/** A tokenizer from what a file says. @throws FileError that names the piece at fault. */
export function sentencePieceTokenizer(f: SentencePieceFile, file: string): Tokenizer {
  const nameOf = f.pieces.map((p) => p.text);
  const idOf = new Map<string, number>();
  for (const [id, name] of nameOf.entries()) {
    const other = idOf.get(name);
    if (other !== undefined) {
      throw new FileError(
        `load: ${file}: pieces must differ, got ${JSON.stringify(name)} for ${other} and ${id}.`,
      );
    }
    idOf.set(name, id);
  }
  const ofType = (...types: readonly string[]): number[] =>
    [...f.pieces.keys()].filter((id) => types.includes(f.pieces[id]?.type ?? ""));
  const user = ofType("user");
  const vocabulary = { idOf, nameOf };
  const hidden = new Set(ofType("unknown", "control", "unused", "byte"));
  const normal = ofType("normal");
  const scores = Float64Array.from(f.pieces, (p) => p.score);
  const scored = normal.map((id) => scores[id] ?? 0);
  const highest = scored.reduce((a, b) => Math.max(a, b), LEAST_POSITIVE);
  const merges: ScoredMerges = {
    vocabulary,
    scores,
    ordinary: normal,
    userDefined: user,
    unknown: f.roles.unk,
    byteFallback: f.byteFallback,
  };
  // A user-defined symbol is worth more than any way to spell it.
  for (const id of user) scores[id] = Math.fround(utf8(nameOf[id] ?? "").length * highest - 0.1);
  const lowest = scored.reduce((a, b) => Math.min(a, b), Infinity);
  const model =
    f.type === "bpe"
      ? sentencePieceBpe(merges)
      : unigramModel(
          {
            vocabulary,
            scores,
            unknown: f.roles.unk,
            byteFallback: f.byteFallback,
            where: file,
            lowest: Number.isFinite(lowest) ? lowest : 0,
          },
          hidden,
        );
  const specials: Special[] = ofType("unknown", "control").map((id) => ({
    id,
    text: nameOf[id] ?? "",
    role: roleIn(f, id),
  }));
  const added: AddedToken[] = [];
  return pipelineTokenizer({
    file,
    specials,
    added,
    normalize: sentencePieceNormalizer({ ...f, userDefined: user.map((id) => nameOf[id] ?? "") }),
    preTokenize: (segments) => [...segments],
    model,
    decoder: decoderOf(
      {
        type: "Sequence",
        decoders: [
          { type: "Replace", pattern: { String: SPACE_MARK }, content: " " },
          { type: "ByteFallback" },
          { type: "Fuse" },
          ...leadingSpaces(f),
        ],
      },
      `${file}: decoder`,
    ),
    template: { before: [], after: [] },
    json: sentencePieceJson(f, merges),
  });
}

function roleIn({ roles }: SentencePieceFile, id: number): SpecialRole {
  for (const role of ["unk", "bos", "eos", "pad"] as const) if (roles[role] === id) return role;
  return "other";
}
