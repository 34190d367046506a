// BytePiece's released model files (https://github.com/bojone/bytepiece, models/): a JSON object from
// base64(piece) to [id, piece as text for display, count]. Ids 0, 1, 2 are pad, bos, eos and not in the file.
import { FileError, OptionError } from "../../errors.ts";
import { DEFAULT_SPECIALS, type UnigramModel, checkUnigram } from "../model.ts";
import { isRecord, parseJson } from "./byte-level.ts";

const display = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads a BytePiece model. @throws FileError that names the entry at fault. */
export function readBytePiece(text: string, file = "model"): UnigramModel {
  const json = parseJson(text, file);
  if (!isRecord(json)) throw new FileError(`load: ${file} must be a JSON object, got ${typeof json}.`);
  const first = DEFAULT_SPECIALS.length;
  const entries = Object.entries(json);
  const pieces: Uint8Array[] = Array.from({ length: first + entries.length }, () => new Uint8Array(0));
  const counts = new Float64Array(pieces.length);
  for (const [key, value] of entries) {
    const [id, , count]: unknown[] = Array.isArray(value) ? value : [];
    const fits = typeof id === "number" && Number.isInteger(id) && id >= first && id < pieces.length;
    if (!fits || pieces[id]?.length !== 0) {
      throw new FileError(
        `load: ${file}: ids must be ${first} to ${pieces.length - 1}, each once, got ${String(id)} for "${key}". The file is edited or cut.`,
      );
    }
    if (!(typeof count === "number" && Number.isFinite(count) && count > 0)) {
      throw new FileError(
        `load: ${file}: count of "${key}" must be a positive number, got ${String(count)}.`,
      );
    }
    pieces[id] = base64Bytes(key, file);
    counts[id] = count;
  }
  const total = Math.log(counts.reduce((a, b) => a + b, 0));
  const logProbs = counts.map((c, id) => (id < first ? -Infinity : Math.log(c) - total));
  const model: UnigramModel = { kind: "unigram", pieces, logProbs, counts, specials: DEFAULT_SPECIALS };
  try {
    checkUnigram(model, `load: ${file}`);
  } catch (error) {
    throw new FileError(error instanceof Error ? error.message : String(error));
  }
  return model;
}

/** Bytes of base64 text. */
export function base64Bytes(text: string, file: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new FileError(`load: ${file}: "${text.slice(0, 40)}" must be base64.`);
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * Writes a BytePiece model, piece by piece in order of id.
 * @throws OptionError unless the model has whole counts and BytePiece's specials.
 */
export function writeBytePiece(model: UnigramModel): string {
  const standard = DEFAULT_SPECIALS.every((s) => model.specials.some((t) => t.id === s.id));
  if (!standard || model.specials.length !== DEFAULT_SPECIALS.length) {
    throw new OptionError(
      `writeBytePiece: specials must be the ids 0, 1, 2, got ${model.specials.map((s) => s.id).join(", ") || "none"}. Save as tokenizer.json instead.`,
    );
  }
  const { counts } = model;
  const lines: string[] = [];
  model.pieces.forEach((piece, id) => {
    if (id < DEFAULT_SPECIALS.length) return;
    const count = counts?.[id] ?? 0;
    if (!(Number.isSafeInteger(count) && count > 0)) {
      throw new OptionError(
        `writeBytePiece: model must have whole counts, got ${counts === undefined ? "none" : count} for piece ${id}. Save as tokenizer.json instead.`,
      );
    }
    const key = btoa(String.fromCharCode(...piece));
    const shown = display.decode(piece).replaceAll("\ufffd", "");
    lines.push(
      `    ${JSON.stringify(key)}: [\n        ${id},\n        ${JSON.stringify(shown)},\n        ${count}\n    ]`,
    );
  });
  return `{\n${lines.join(",\n")}\n}`;
}
