import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import { latin1 } from "../../src/tokenizer/model.ts";
import { trainBpe } from "../../src/tokenizer/train/bpe.ts";

/** Merges by recounting everything each time: most frequent pair, ties to the smaller ids, left to right. */
function learnByRecounting(parts: readonly string[], most: number): [number, number][] {
  const merges: [number, number][] = [];
  const words = parts.map((part) => [...new TextEncoder().encode(part)]);
  while (merges.length < most) {
    const counts = new Map<number, number>();
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        const pair = (word[i] ?? 0) * 1e6 + (word[i + 1] ?? 0);
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const [best] = [...counts].sort((x, y) => y[1] - x[1] || x[0] - y[0]);
    if (!best || best[1] < 2) return merges;
    const left = Math.floor(best[0] / 1e6);
    const right = best[0] % 1e6;
    const id = 256 + merges.length;
    merges.push([left, right]);
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++)
        if (word[i] === left && word[i + 1] === right) word.splice(i, 2, id);
    }
  }
  return merges;
}

const unit = fc.constantFrom("a", "b", "c", "é", "\n", " ");

describe("byte-pair training", () => {
  test("learns the merges that recounting learns", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit, maxLength: 30 }), { minLength: 1, maxLength: 6 }),
        async (texts) => {
          fc.pre(texts.some((text) => text.length > 0));
          const lines = texts.flatMap((text) => text.match(/[^\n]*\n+|[^\n]+/g) ?? []);
          const { model } = await trainBpe(texts, { vocabularySize: 259 + 20, split: false });
          const got = Array.from({ length: model.merges.length / 3 }, (_, i) => [
            (model.merges[3 * i] ?? 0) - 3,
            (model.merges[3 * i + 1] ?? 0) - 3,
          ]);
          expect(got).toEqual(learnByRecounting(lines, 20));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("runs of one letter are merged from the left", async () => {
    const { model } = await trainBpe(["aaaaaaa\n"], { vocabularySize: 270, split: false });
    const pieces = model.pieces.slice(259).map(latin1);
    expect(pieces).toEqual(["aa", "aaaa"].slice(0, pieces.length));
  });

  test("the default parts keep words apart, and the model encodes and decodes", async () => {
    const text = "the cat and the hat and the bat, 1234 and 中文 and\n\n  the end's end";
    const { model, report } = await trainBpe(
      Array.from({ length: 5 }, () => text),
      { vocabularySize: 300 },
    );
    const pieces = model.pieces.slice(259).map(latin1);
    expect(pieces).toContain(" the");
    expect(pieces.every((piece) => piece.lastIndexOf(" ") <= 0)).toBe(true);
    expect(report.parts).toBeGreaterThan(10);
    const tokenizer = createTokenizer(model);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.encode("the the").length).toBeLessThan(5);
  });

  test("bytes that are not UTF-8 are parts of their own", async () => {
    const { report } = await trainBpe([Uint8Array.of(97, 98, 255, 97, 98, 254)], { vocabularySize: 260 });
    expect(report.warnings[0]).toContain("1 of 1 texts are not UTF-8 (2 stray bytes)");
  });

  test("bad input is refused", async () => {
    await expect(trainBpe([])).rejects.toThrow(
      "trainBpe: corpus must hold at least one byte of text, got 0 texts with 0 bytes.",
    );
    await expect(trainBpe(["a"], { split: "(" })).rejects.toThrow(
      'trainBpe: split must be the source of a regular expression, got "(". Check its syntax.',
    );
    await expect(trainBpe(["a"], { vocabularySize: 3 })).rejects.toThrow(
      "trainBpe: vocabularySize must be an integer ≥ 259 (256 bytes and 3 specials), got 3.",
    );
    const { report } = await trainBpe(["ab"], { vocabularySize: 400 });
    expect(report.warnings[0]).toContain("vocabularySize 400 is more than this corpus supports");
  });
});
