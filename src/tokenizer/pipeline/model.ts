// What every model of tokenizer.json is, and the bytes that several of them fall back on.
import type { IdBuffer } from "../encode/ids.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Ids of one part of a text, appended to a buffer. */
export interface Model {
  readonly vocabulary: Vocabulary;
  encode(text: string, out: IdBuffer): void;
}

/** Ids of a text's bytes, written `<0x0A>`; undefined if one is missing. */
export function byteTokens({ idOf }: Vocabulary): (text: string) => number[] | undefined {
  const ids = Array.from({ length: 256 }, (_, b) => idOf.get(byteName(b)));
  const encoder = new TextEncoder();
  return (text) => {
    const found: number[] = [];
    for (const b of encoder.encode(text)) {
      const id = ids[b];
      if (id === undefined) return undefined;
      found.push(id);
    }
    return found;
  };
}

/** How a byte is written where characters are pieces. */
export function byteName(b: number): string {
  return `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`;
}
