// SentencePiece `.model` (https://github.com/google/sentencepiece, src/sentencepiece_model.proto), written
// through pbf. Its pieces are text: ours must be valid UTF-8 beyond single bytes (`ensureUnicode`), and single
// bytes above 0x7f become byte-fallback pieces. Scores there are float32.
//
// Where it differs from our encoder: SentencePiece gives every character that is no piece one fixed score (the
// lowest minus 10) instead of the sum of its bytes' scores, so texts with such characters may be cut otherwise.
import { PbfWriter } from "pbf";
import { OptionError } from "../../errors.ts";
import type { UnigramModel } from "../model.ts";
import { strictTextOf } from "../utf8.ts";

const TYPE = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

/** What SentencePiece writes for a space. */
const SPACE_MARK = "\u2581";

/**
 * The model as a SentencePiece file with the same ids.
 * @throws OptionError if a piece of two or more bytes is no text, or holds U+2581.
 */
export function writeSentencePiece(model: UnigramModel): Uint8Array {
  const special = new Map(model.specials.map((s) => [s.id, s]));
  const pbf = new PbfWriter();
  // SentencePiece insists on one unknown token; pad is never produced, so it can serve.
  const unknown =
    model.specials.find((s) => s.role === "unk") ?? model.specials.find((s) => s.role === "pad");
  if (unknown === undefined) {
    throw new OptionError(
      "writeSentencePiece: model must have a pad or unk special for <unk>, got neither. Add one.",
    );
  }
  model.pieces.forEach((piece, id) => {
    const s = special.get(id);
    const type = s ? (s === unknown ? TYPE.unknown : TYPE.control) : isByte(piece) ? TYPE.byte : TYPE.normal;
    const text = s ? s.text : type === TYPE.byte ? byteName(piece[0] ?? 0) : pieceText(piece, id);
    pbf.writeMessage(1, writePiece, { text, score: s ? 0 : (model.logProbs[id] ?? 0), type });
  });
  // Byte fallback needs all 256 byte pieces. ASCII is ordinary pieces above, so these are never produced; they
  // come last and leave every id as it is.
  for (let b = 1; b < 0x80; b++)
    pbf.writeMessage(1, writePiece, { text: byteName(b), score: 0, type: TYPE.byte });
  const size = model.pieces.length + 0x7f;
  pbf.writeMessage(2, writeTrainerSpec, { size, unknown: unknown.id });
  pbf.writeMessage(3, writeNormalizerSpec, null);
  return pbf.finish();
}

/** NUL cannot stand in a piece there; bytes above 0x7f are no text. */
function isByte(piece: Uint8Array): boolean {
  const b = piece[0] ?? 0;
  return piece.length === 1 && (b >= 0x80 || b === 0);
}

function byteName(b: number): string {
  return `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`;
}

function pieceText(piece: Uint8Array, id: number): string {
  const text = strictTextOf(piece);
  if (text === undefined || text.includes(SPACE_MARK)) {
    throw new OptionError(
      `writeSentencePiece: pieces must be text without U+2581, got bytes ${piece.join(" ")} for piece ${id}. Train with ensureUnicode.`,
    );
  }
  return text.replaceAll(" ", SPACE_MARK);
}

function writePiece(p: { text: string; score: number; type: number }, pbf: PbfWriter): void {
  // As bytes: pbf 5.1 writes characters beyond U+FFFF wrongly.
  pbf.writeBytesField(1, new TextEncoder().encode(p.text));
  pbf.writeFloatField(2, p.score);
  pbf.writeVarintField(3, p.type);
}

function writeTrainerSpec(t: { size: number; unknown: number }, pbf: PbfWriter): void {
  pbf.writeVarintField(3, 1); // model_type: UNIGRAM
  pbf.writeVarintField(4, t.size); // vocab_size
  pbf.writeBooleanField(35, true); // byte_fallback
  pbf.writeVarintField(40, t.unknown); // unk_id
}

/** Text is taken as it is: no folding, no added space, no space removed. */
function writeNormalizerSpec(_: null, pbf: PbfWriter): void {
  pbf.writeStringField(1, "identity");
  pbf.writeBooleanField(3, false); // add_dummy_prefix
  pbf.writeBooleanField(4, false); // remove_extra_whitespaces
  pbf.writeBooleanField(5, true); // escape_whitespaces
}
