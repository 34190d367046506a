import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildTrie, find, longestMatch } from "../../src/tokenizer/encode/trie.ts";
import { encodeUnigram, unigramEncoder } from "../../src/tokenizer/encode/unigram.ts";
import { scoreOf, segmentations } from "../reference/unigram.ts";
import { alphabetText, randomPieces } from "./models.ts";

describe("trie", () => {
  test("finds each key and nothing else", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 6 }), {
          maxLength: 300,
          selector: (k) => k.join(),
        }),
        fc.array(fc.uint8Array({ maxLength: 7 }), { maxLength: 50 }),
        (keys, others) => {
          const trie = buildTrie(keys);
          const known = new Map(keys.map((k, i) => [k.join(), i]));
          for (const [i, k] of keys.entries()) if (find(trie, k) !== i) return false;
          return others.every((k) => find(trie, k) === (known.get(k.join()) ?? -1));
        },
      ),
    );
  });

  test("every pair of bytes stays itself (all labels of all blocks)", () => {
    const keys: Uint8Array[] = [];
    for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b += 1 + (a % 7)) keys.push(Uint8Array.of(a, b));
    const trie = buildTrie(keys);
    keys.forEach((k, i) => expect(find(trie, k)).toBe(i));
    for (let a = 0; a < 256; a++) expect(find(trie, Uint8Array.of(a))).toBe(-1);
    for (let a = 0; a < 256; a++)
      for (let b = 0; b < 256; b++) {
        const hit = find(trie, Uint8Array.of(a, b));
        if ((b % (1 + (a % 7)) === 0) !== hit >= 0) throw new Error(`${a},${b}: ${hit}`);
        if (find(trie, Uint8Array.of(a, b, a)) !== -1) throw new Error(`${a},${b},${a}`);
      }
  });

  test("longestMatch and an empty trie", () => {
    const trie = buildTrie([Uint8Array.of(1), Uint8Array.of(1, 2, 3)]);
    expect(longestMatch(trie, Uint8Array.of(1, 2, 4), 0, 3)).toBe(0);
    expect(longestMatch(trie, Uint8Array.of(1, 2, 3), 0, 3)).toBe(1);
    expect(longestMatch(trie, Uint8Array.of(1, 2, 3), 0, 2)).toBe(0);
    expect(longestMatch(buildTrie([]), Uint8Array.of(0), 0, 1)).toBe(-1);
  });
});

describe("encodeUnigram", () => {
  test("has the best score of all segmentations", () => {
    fc.assert(
      fc.property(randomPieces(), alphabetText(12), (pieces, text) => {
        const model = pieces.map((p) => ({ bytes: [...p.bytes], logProb: p.logProb }));
        const encoder = unigramEncoder(
          pieces.map((p) => p.bytes),
          Float64Array.from(pieces, (p) => p.logProb),
        );
        const ids = [...encodeUnigram(encoder, text)];
        expect(ids.flatMap((id) => model[id]?.bytes ?? [])).toEqual([...text]);
        const best = Math.max(...segmentations([...text], model).map((s) => scoreOf(s, model)));
        expect(scoreOf(ids, model)).toBeCloseTo(best, 9);
      }),
      { numRuns: 300 },
    );
  });

  test("a tie goes to the longer last piece", () => {
    const pieces = ["a", "aa", "aaa"].map((s) => new TextEncoder().encode(s));
    const encoder = unigramEncoder(pieces, Float64Array.of(-9, -1, -1));
    expect([...encodeUnigram(encoder, new TextEncoder().encode("aaaaa"))]).toEqual([1, 2]);
  });

  test("windows do not show: long lines equal a plain pass over the whole", () => {
    const pieces = ["a", "b", "aa", "aaaa", "ab", "ba", "abab", "bbb", "aabaab"].map((s) =>
      new TextEncoder().encode(s),
    );
    const logProbs = Float64Array.of(-4, -4, -5.5, -9, -5, -5, -8, -9, -11);
    const encoder = unigramEncoder(pieces, logProbs);
    let seed = 12345;
    const text = new Uint8Array(60_000);
    for (let i = 0; i < text.length; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      text[i] = i > 20_000 && i < 40_000 ? 97 : 97 + ((seed >>> 16) & 1); // 20,000 times the same byte inside
    }
    const score = new Float64Array(text.length + 1).fill(-Infinity);
    const back = new Int32Array(text.length + 1);
    score[0] = 0;
    for (let i = 0; i < text.length; i++) {
      pieces.forEach((p, id) => {
        if (!p.every((b, k) => text[i + k] === b)) return;
        const t = (score[i] ?? 0) + (logProbs[id] ?? 0);
        if (t > (score[i + p.length] ?? 0)) {
          score[i + p.length] = t;
          back[i + p.length] = id;
        }
      });
    }
    const expected: number[] = [];
    for (let p = text.length; p > 0; p -= pieces[back[p] ?? 0]?.length ?? 1) expected.unshift(back[p] ?? 0);
    expect([...encodeUnigram(encoder, text)]).toEqual(expected);
  });

  test("a byte that is no piece is an error, in one sentence", () => {
    const encoder = unigramEncoder([Uint8Array.of(97)], Float64Array.of(-1));
    expect(() => encodeUnigram(encoder, Uint8Array.of(97, 98))).toThrow(
      "encode: bytes 0 to 2 must be made of pieces, got one that is none. Add all 256 bytes.",
    );
  });
});
