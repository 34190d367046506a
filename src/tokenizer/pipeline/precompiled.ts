// The character map of SentencePiece (https://github.com/google/sentencepiece, src/normalizer.cc): a double-array
// trie (Darts) from byte strings to places in a list of replacements that end in NUL.
import { base64Bytes } from "../formats/bytepiece.ts";
import { textOf, utf8 } from "../utf8.ts";
import { refuse } from "./fields.ts";

/** The map in memory. */
export interface CharacterMap {
  readonly units: Uint32Array;
  readonly replacements: Uint8Array;
}

/** Reads a map: its size, the units of the trie, the replacements. @throws FileError if it is cut off. */
export function characterMap(data: Uint8Array, where: string): CharacterMap {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = data.length >= 4 ? view.getUint32(0, true) : -1;
  if (size < 4 || size % 4 !== 0 || 4 + size > data.length) {
    return refuse(where, "a whole character map", `${data.length} bytes with a trie of ${size}`);
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  return { units, replacements: data.subarray(4 + size) };
}

/** A key of the map that `bytes` begin with from `from` on, and its replacement. */
export interface Mapped {
  readonly length: number;
  readonly text: Uint8Array;
}

/** The shortest key (`longest` false) or the longest that begins at `from`; undefined if none does. */
export function mapAt(
  { units, replacements }: CharacterMap,
  bytes: Uint8Array,
  from: number,
  longest: boolean,
): Mapped | undefined {
  let node = 0;
  let unit = units[0] ?? 0;
  node ^= offset(unit);
  let found: Mapped | undefined;
  for (let i = from; i < bytes.length; i++) {
    const c = bytes[i] ?? 0;
    if (c === 0) break;
    node ^= c;
    unit = units[node] ?? 0;
    if ((unit & 0x800000ff) >>> 0 !== c) break;
    node ^= offset(unit);
    if ((unit & 0x100) !== 0) {
      const start = (units[node] ?? 0) & 0x7fffffff;
      const end = replacements.indexOf(0, start);
      const text = replacements.subarray(start, end < 0 ? replacements.length : end);
      found = { length: i + 1 - from, text };
      if (!longest) return found;
    }
  }
  return found;
}

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

/**
 * The map as the Rust library applies it: grapheme by grapheme. One of less than six bytes that *begins* with a
 * key becomes that key's replacement, whatever follows the key; else each character is looked up alone.
 */
export function precompiled(base64: string, where: string): (text: string) => string {
  const map = characterMap(base64Bytes(base64, where), where);
  const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
  const replaced = (part: string): string | undefined => {
    const found = mapAt(map, utf8(part), 0, false);
    return found && textOf(found.text);
  };
  return (text) => {
    let result = "";
    for (const { segment } of segmenter.segment(text)) {
      const whole = utf8(segment).length < 6 ? replaced(segment) : undefined;
      result += whole ?? Array.from(segment, (c) => replaced(c) ?? c).join("");
    }
    return result;
  };
}
