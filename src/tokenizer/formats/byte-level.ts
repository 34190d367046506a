// Radford et al. 2019 (GPT-2, encoder.py): bytes written as printable characters, so that a byte vocabulary
// fits a text format. Printable Latin-1 stands for itself, the other 68 bytes for U+0100 … U+0143 in order.
import { FileError } from "../../errors.ts";

const CHARACTER: readonly string[] = (() => {
  const table: string[] = [];
  let next = 0x100;
  for (let b = 0; b < 256; b++) {
    const printable = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    table.push(String.fromCharCode(printable ? b : next++));
  }
  return table;
})();

const BYTE: ReadonlyMap<string, number> = new Map(CHARACTER.map((c, b) => [c, b]));

/** The printable form of `bytes`. */
export function byteLevelText(bytes: Uint8Array): string {
  let s = "";
  for (const b of bytes) s += CHARACTER[b];
  return s;
}

/** The bytes of a printable form, or undefined if it is none. */
export function byteLevelBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const b = BYTE.get(text.charAt(i));
    if (b === undefined) return undefined;
    bytes[i] = b;
  }
  return bytes;
}

/** Parses JSON. @throws FileError that names `file` and says that it may be cut off. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FileError(`load: ${file} must be whole JSON, got an error: ${reason}. Fetch the file again.`);
  }
}

/** True for an object that is no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
