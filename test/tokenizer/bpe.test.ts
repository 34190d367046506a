import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import type { BpeModel } from "../../src/tokenizer/model.ts";
import { learnSlowly, mergeSlowly } from "../reference/bpe.ts";
import { alphabetText } from "./models.ts";

const BYTES = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));

function modelFrom(merges: readonly (readonly [number, number])[]): BpeModel {
  const pieces = [...BYTES];
  const flat: number[] = [];
  for (const [l, r] of merges) {
    const bytes = Uint8Array.from([...(pieces[l] ?? []), ...(pieces[r] ?? [])]);
    flat.push(l, r, pieces.length);
    pieces.push(bytes);
  }
  return { kind: "bpe", pieces, merges: Int32Array.from(flat), specials: [] };
}

/** The definition, from the merge list. */
function slowIds(model: BpeModel, text: Uint8Array): number[] {
  const ranks = new Map<string, number>();
  const made = new Map<string, number>();
  for (let k = 0; 3 * k < model.merges.length; k++) {
    const key = `${model.merges[3 * k]},${model.merges[3 * k + 1]}`;
    if (ranks.has(key)) continue;
    ranks.set(key, k);
    made.set(key, model.merges[3 * k + 2] ?? -1);
  }
  return mergeSlowly(
    [...text],
    (l, r) => ranks.get(`${l},${r}`),
    (l, r) => made.get(`${l},${r}`) ?? -1,
  );
}

describe("encodeBpe", () => {
  test("equals merging step by step, for vocabularies learnt from text", () => {
    fc.assert(
      fc.property(
        alphabetText(60),
        fc.integer({ min: 0, max: 25 }),
        alphabetText(40),
        (corpus, count, text) => {
          const model = modelFrom(learnSlowly([...corpus], count));
          expect([...createTokenizer(model).encode(text)]).toEqual(slowIds(model, text));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("equals merging step by step, when a token can be made in several ways", () => {
    fc.assert(
      fc.property(
        alphabetText(60),
        fc.integer({ min: 2, max: 25 }),
        alphabetText(40),
        (corpus, count, text) => {
          // Every split of a learnt token into two tokens becomes a merge, ranked by the token: SentencePiece's rule.
          const learnt = modelFrom(learnSlowly([...corpus], count));
          const idOf = new Map(learnt.pieces.map((p, id) => [p.join(), id]));
          const flat: number[] = [];
          for (let id = 256; id < learnt.pieces.length; id++) {
            const p = learnt.pieces[id] ?? new Uint8Array(0);
            if (idOf.get(p.join()) !== id) continue; // learnt twice
            for (let cut = 1; cut < p.length; cut++) {
              const l = idOf.get(p.slice(0, cut).join());
              const r = idOf.get(p.slice(cut).join());
              if (l !== undefined && r !== undefined) flat.push(l, r, id);
            }
          }
          const pieces = learnt.pieces.map((p, id) =>
            idOf.get(p.join()) === id ? p : Uint8Array.of(255, id & 255, id >> 8),
          );
          const model: BpeModel = { kind: "bpe", pieces, merges: Int32Array.from(flat), specials: [] };
          // Equal ranks of one token's splits: the definition takes the leftmost of the lowest *token*.
          const made = new Map<string, number>();
          for (let k = 0; k < flat.length; k += 3) made.set(`${flat[k]},${flat[k + 1]}`, flat[k + 2] ?? -1);
          const slow = mergeSlowly(
            [...text],
            (l, r) => made.get(`${l},${r}`),
            (l, r) => made.get(`${l},${r}`) ?? -1,
          );
          expect([...createTokenizer(model).encode(text)]).toEqual(slow);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("the article's hard case: long runs of one byte", () => {
    const model = modelFrom([
      [97, 97],
      [256, 256],
      [257, 256],
      [257, 257],
    ]);
    for (let n = 0; n < 60; n++) {
      const text = new Uint8Array(n).fill(97);
      expect([...createTokenizer(model).encode(text)]).toEqual(slowIds(model, text));
    }
  });

  test("rows of one byte with tokens of many lengths, alone and in a text", () => {
    // Tokens of 2, 4, 8, 16, 32, then of 20, 24, 19 and 40 dashes, and one that begins before a row.
    const merges: [number, number][] = [
      [45, 45],
      [256, 256],
      [257, 257],
      [258, 258],
      [259, 259],
      [259, 257],
      [259, 258],
      [256, 45],
      [259, 263],
      [260, 258],
      [97, 45],
    ];
    const model = modelFrom(merges);
    const tokenizer = createTokenizer(model);
    for (let n = 0; n < 150; n++) {
      const row = "-".repeat(n);
      for (const text of [row, `a${row}b`, `${row}ba${row}${"-".repeat(n % 7)}a`]) {
        const bytes = new TextEncoder().encode(text);
        expect([...tokenizer.encode(bytes)]).toEqual(slowIds(model, bytes));
      }
    }
  });

  test("matches and gaps of the split pattern are encoded alone, also around bytes that are no text", () => {
    const model: BpeModel = {
      ...modelFrom([
        [97, 98],
        [32, 97],
      ]),
      split: " ?\\p{L}+",
    };
    const tokenizer = createTokenizer(model);
    const slow = (parts: string[]): number[] =>
      parts.flatMap((p) => slowIds(model, new TextEncoder().encode(p)));
    expect([...tokenizer.encode("ab ab1ab é太ab😀ab")]).toEqual(
      slow(["ab", " ab", "1", "ab", " é太ab", "😀", "ab"]),
    );
    const broken = Uint8Array.of(97, 98, 0xe5, 32, 97, 98);
    expect([...tokenizer.encode(broken)]).toEqual([...slow(["ab"]), 0xe5, ...slow([" ab"])]);
    expect(tokenizer.decodeBytes(tokenizer.encode(broken))).toEqual(broken);
  });

  test("a pattern that matches nothing only cuts", () => {
    const model: BpeModel = {
      ...modelFrom([
        [97, 98],
        [32, 97],
      ]),
      split: "\\p{L}*",
    };
    const tokenizer = createTokenizer(model);
    for (const text of ["ab ab", "😀ab😀", " ab", "", "1ab2", "😀😀"])
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect([...tokenizer.encode("ab ab")]).toEqual([256, 32, 256]);
  });

  test("parts that are tokens are taken whole where the vocabulary says so", () => {
    const plain = modelFrom([
      [97, 98],
      [98, 99],
    ]);
    const pieces = [...plain.pieces, new TextEncoder().encode("abc")];
    const model: BpeModel = { ...plain, pieces, split: "\\S+", wholeParts: true };
    expect([...createTokenizer(model).encode("abc")]).toEqual([258]);
    expect([...createTokenizer({ ...model, wholeParts: false }).encode("abc")]).toEqual([256, 99]);
    expect([...createTokenizer(model).encode("abca")]).toEqual([256, 99, 97]);
  });

  test("errors say what is wrong", () => {
    const model = modelFrom([[97, 98]]);
    expect(() => createTokenizer({ ...model, merges: Int32Array.of(97, 99, 999) })).toThrow(
      "bpe: merge 0 must join two tokens into a third, got 97 + 99 = 999 of 257 ids.",
    );
    expect(() =>
      createTokenizer({ ...model, pieces: model.pieces.slice(0, 200), merges: new Int32Array(0) }),
    ).toThrow("bpe: all 256 bytes must have a token, got none for byte 200. Add it.");
  });

  test("merges that stand before those that make their parts: as merging step by step (Llama 3)", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 2, maxLength: 9, selector: String }),
        fc.array(fc.nat(8), { minLength: 9, maxLength: 9 }),
        alphabetText(40),
        (pairs, order, bytes) => {
          // Tokens by joining earlier ones; then the merges in any order.
          const made: [number, number][] = [];
          pairs.forEach(([a, b]) => {
            const id = (x: number): number => (x < 3 ? 97 + x : 256 + (x % Math.max(1, made.length)));
            if (Math.max(a, b) < 3 || made.length > 0) made.push([id(a), id(b)]);
          });
          fc.pre(made.length > 0);
          const model = modelFrom(made);
          const triples = made.map((_, k) => Array.from(model.merges.subarray(3 * k, 3 * k + 3)));
          const shuffled = triples
            .map((t, k) => ({ t, key: order[k] ?? 0 }))
            .sort((x, y) => x.key - y.key)
            .map((x) => x.t);
          const texts = new Set(model.pieces.map((p) => p.join()));
          fc.pre(texts.size === model.pieces.length);
          const pairsOnce = new Set(shuffled.map(([l, r]) => `${l} ${r}`));
          fc.pre(pairsOnce.size === shuffled.length);
          const late = { ...model, merges: Int32Array.from(shuffled.flat()) };
          expect([...createTokenizer(late).encode(bytes)]).toEqual(slowIds(late, bytes));
        },
      ),
      { numRuns: 400 },
    );
  });
});
