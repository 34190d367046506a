// Small vocabularies for tests.
import * as fc from "fast-check";
import { type UnigramModel, unigramFromPieces } from "../../src/tokenizer/model.ts";

const encoder = new TextEncoder();

/** A few pieces over the bytes a, b, c, with every single one present. */
export function randomPieces(): fc.Arbitrary<{ bytes: Uint8Array; logProb: number }[]> {
  const piece = fc.array(fc.constantFrom(97, 98, 99), { minLength: 2, maxLength: 5 });
  const logProb = fc.integer({ min: 1, max: 4000 }).map((x) => -x / 256);
  return fc
    .tuple(
      fc.uniqueArray(piece, { maxLength: 12, selector: (p) => p.join() }),
      fc.array(logProb, { minLength: 15, maxLength: 15 }),
    )
    .map(([longer, scores]) =>
      [[97], [98], [99], ...longer].map((b, i) => ({ bytes: Uint8Array.from(b), logProb: scores[i] ?? -1 })),
    );
}

/** Bytes a, b, c. */
export function alphabetText(maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.array(fc.constantFrom(97, 98, 99), { maxLength }).map((a) => Uint8Array.from(a));
}

/** A vocabulary from words with counts, all 256 bytes added with count 1. */
export function modelOf(words: Readonly<Record<string, number>>): UnigramModel {
  const counts = new Map<string, { bytes: Uint8Array; count: number }>();
  for (let b = 0; b < 256; b++) counts.set(String(b), { bytes: Uint8Array.of(b), count: 1 });
  for (const [word, count] of Object.entries(words)) {
    const bytes = encoder.encode(word);
    counts.set([...bytes].join(), { bytes, count });
  }
  return unigramFromPieces([...counts.values()]);
}

/** English, Chinese and code in one small vocabulary. */
export const SMALL: UnigramModel = modelOf({
  e: 900,
  t: 700,
  a: 600,
  o: 550,
  " ": 2000,
  "\n": 120,
  "\n\n": 30,
  "  ": 60,
  "    ": 40,
  th: 300,
  the: 500,
  " the": 800,
  ing: 300,
  " a": 250,
  " of": 260,
  " and": 270,
  and: 90,
  er: 200,
  is: 150,
  " is": 140,
  hello: 20,
  " world": 25,
  太: 10,
  阳: 9,
  太阳: 20,
  太阳能: 8,
  白云: 12,
  白云山: 6,
  白云机场: 7,
  机场: 14,
  的: 90,
  广州: 11,
  "。": 50,
  "，": 60,
  import: 20,
  " numpy": 11,
  " np": 9,
  "import numpy as np": 5,
  " as": 60,
  "😀": 4,
  é: 9,
  café: 5,
});
