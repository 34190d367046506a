import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import type { UnigramModel } from "../../src/tokenizer/model.ts";
import { unigramStream } from "../../src/tokenizer/encode/unigram-stream.ts";
import { SMALL, modelOf } from "./models.ts";

/** Ids of `bytes` pushed in parts that end at `cuts`. */
function inParts(model: UnigramModel, bytes: Uint8Array, cuts: readonly number[]): number[] {
  const stream = unigramStream(model);
  const ids: number[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length].sort((x, y) => x - y)) {
    ids.push(...stream.push(bytes.subarray(from, to)));
    from = to;
  }
  return [...ids, ...stream.flush()];
}

test("a stream gives the ids of the whole text, for every way of cutting it", () => {
  const words = ["the hello world", " the", "\n", "\n\n", "太阳能", "  ", "e", "return x;", "\u0000"];
  const model = createTokenizer(SMALL);
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...words), { maxLength: 400 }),
      fc.array(fc.nat(2000), { maxLength: 20 }),
      (parts, cuts) => {
        const bytes = new TextEncoder().encode(parts.join(""));
        const within = cuts.filter((cut) => cut <= bytes.length);
        expect(inParts(SMALL, bytes, within)).toEqual([...model.encode(bytes)]);
      },
    ),
    { numRuns: 200 },
  );
});

test("also where pieces cross lines, and in one long line", () => {
  const crossing = modelOf({ "a\nb": 90, "b\n": 50, ab: 70, "\na": 40 });
  for (const text of ["ab\nba\n\nab\nb".repeat(700), "ab".repeat(9000), "b".repeat(5000)]) {
    const bytes = new TextEncoder().encode(text);
    const cuts = Array.from({ length: 9 }, (_, i) => i * 977);
    expect(inParts(crossing, bytes, cuts)).toEqual([...createTokenizer(crossing).encode(bytes)]);
  }
});

test("what is certain is not withheld: a long line is held back by a few windows only", () => {
  const stream = unigramStream(SMALL);
  const part = new TextEncoder().encode("the hello world ".repeat(4096));
  let tokens = 0;
  for (let k = 0; k < 16; k++) {
    for (const id of stream.push(part)) tokens += SMALL.pieces[id]?.length ?? 0;
    expect((k + 1) * part.length - tokens).toBeLessThan(4096);
  }
});

test("after a flush the stream begins anew", () => {
  const stream = unigramStream(SMALL);
  const bytes = new TextEncoder().encode("the hello world");
  const once = [...stream.push(bytes), ...stream.flush()];
  expect([...stream.push(bytes), ...stream.flush()]).toEqual(once);
});
