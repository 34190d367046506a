// The content of a SentencePiece `.model` (https://github.com/google/sentencepiece, src/sentencepiece_model.proto),
// read through pbf.
import { PbfReader } from "pbf";
import { FileError } from "../../errors.ts";
import { type CharacterMap, characterMap } from "../pipeline/precompiled.ts";
import { textOf } from "../utf8.ts";

/** Types of pieces. */
const TYPES = ["", "normal", "unknown", "control", "user", "unused", "byte"] as const;

/** What the readers of a file need of it. */
export interface SentencePieceFile {
  readonly pieces: readonly { text: string; score: number; type: (typeof TYPES)[number] }[];
  readonly type: "unigram" | "bpe";
  readonly byteFallback: boolean;
  readonly suffix: boolean;
  readonly roles: Readonly<Record<"unk" | "bos" | "eos" | "pad", number>>;
  readonly charsmap: Uint8Array;
  readonly map: CharacterMap | undefined;
  readonly dummyPrefix: boolean;
  readonly removeExtra: boolean;
  readonly escape: boolean;
}

/** True if `data` begins with a piece: field 1, and in it its text (field 1) and its score (field 2). */
export function isSentencePiece(data: Uint8Array): boolean {
  const text = data[3] ?? 0;
  return data[0] === 0x0a && data[2] === 0x0a && data[4 + text] === 0x15 && text < (data[1] ?? 0);
}

/** Fields as protocol buffers default them. */
interface Raw {
  pieces: { text: string; score: number; type: number }[];
  type: number;
  byteFallback: boolean;
  suffix: boolean;
  unk: number;
  bos: number;
  eos: number;
  pad: number;
  charsmap: Uint8Array;
  dummyPrefix: boolean;
  removeExtra: boolean;
  escape: boolean;
}

/** Reads a file. @throws FileError that names the field at fault. */
export function parseSentencePiece(data: Uint8Array, file: string): SentencePieceFile {
  const raw: Raw = {
    pieces: [],
    type: 1,
    byteFallback: false,
    suffix: false,
    unk: 0,
    bos: 1,
    eos: 2,
    pad: -1,
    charsmap: new Uint8Array(0),
    dummyPrefix: true,
    removeExtra: true,
    escape: true,
  };
  let last = 0;
  try {
    const pbf = new PbfReader(data);
    pbf.readFields((tag, result: Raw, reader) => {
      if (tag === 1) {
        const piece = { text: "", score: 0, type: 1 };
        result.pieces.push(reader.readMessage(readPiece, piece));
      } else if (tag === 2) reader.readMessage(readTrainer, result);
      else if (tag === 3) reader.readMessage(readNormalizer, result);
      last = reader.pos;
    }, raw);
  } catch (error) {
    throw cut(file, last, error instanceof Error ? error.message : String(error));
  }
  if (last > data.length) throw cut(file, last, "its end");
  const type = raw.type === 1 ? "unigram" : raw.type === 2 ? "bpe" : undefined;
  if (type === undefined) {
    throw new FileError(`load: ${file}: model_type must be UNIGRAM (1) or BPE (2), got ${raw.type}.`);
  }
  const pieces = raw.pieces.map((p, id) => {
    const name = TYPES[p.type];
    if (name === undefined || name === "" || !Number.isFinite(p.score) || p.text === "") {
      throw new FileError(
        `load: ${file}: piece ${id} must have a text, a finite score and a type from 1 to 6, got ${JSON.stringify(p.text)}, ${p.score} and ${p.type}.`,
      );
    }
    if (name === "unused" && type === "bpe") {
      throw new FileError(
        `load: ${file}: pieces of a BPE model must not be of type UNUSED, got piece ${id}. Use the tokenizer where it was made.`,
      );
    }
    return { text: p.text, score: p.score, type: name };
  });
  if (pieces[raw.unk]?.type !== "unknown") {
    throw new FileError(
      `load: ${file}: unk_id must be that of an UNKNOWN piece, got ${raw.unk} of ${pieces.length}. Is it a SentencePiece model?`,
    );
  }
  const map =
    raw.charsmap.length === 0 ? undefined : characterMap(raw.charsmap, `${file}: precompiled_charsmap`);
  return { ...raw, pieces, type, map, roles: { unk: raw.unk, bos: raw.bos, eos: raw.eos, pad: raw.pad } };
}

function cut(file: string, at: number, why: string): FileError {
  return new FileError(
    `load: ${file} must be a whole SentencePiece model, got an error after byte ${at}: ${why}. Fetch the file again.`,
  );
}

function readPiece(tag: number, piece: { text: string; score: number; type: number }, pbf: PbfReader): void {
  if (tag === 1) piece.text = textOf(pbf.readBytes());
  else if (tag === 2) piece.score = pbf.readFloat();
  else if (tag === 3) piece.type = pbf.readVarint();
}

function readTrainer(tag: number, raw: Raw, pbf: PbfReader): void {
  if (tag === 3) raw.type = pbf.readVarint();
  else if (tag === 24) raw.suffix = pbf.readBoolean();
  else if (tag === 35) raw.byteFallback = pbf.readBoolean();
  else if (tag === 40) raw.unk = pbf.readVarint(true);
  else if (tag === 41) raw.bos = pbf.readVarint(true);
  else if (tag === 42) raw.eos = pbf.readVarint(true);
  else if (tag === 43) raw.pad = pbf.readVarint(true);
}

function readNormalizer(tag: number, raw: Raw, pbf: PbfReader): void {
  if (tag === 2) raw.charsmap = pbf.readBytes();
  else if (tag === 3) raw.dummyPrefix = pbf.readBoolean();
  else if (tag === 4) raw.removeExtra = pbf.readBoolean();
  else if (tag === 5) raw.escape = pbf.readBoolean();
}
