// Nested lists beside the published file, and the nearest neighbour beside the plain recursion of time warping.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LISTOPS_TOKENS, parseListOp, randomListOp } from "../../src/lab/listops.ts";
import { neighbourAccuracy, warped } from "../../src/lab/nearest-neighbour.ts";
import { random } from "../../src/tensor/index.ts";

const FILE = resolve(process.env["ATHANOR_DATA"] ?? "../shared/data", "tasks/listops-test-d20s.tsv.gz");

describe("listops", () => {
  test.skipIf(!existsSync(FILE))("all 10,000 published lists are worth what the file says", () => {
    const rows = gunzipSync(readFileSync(FILE)).toString().trim().split("\n");
    expect(rows).toHaveLength(10_000);
    const wrong = rows.filter((row) => {
      const [label = "", text = ""] = row.split("\t");
      return parseListOp(text).value !== Number(label);
    });
    expect(wrong).toEqual([]);
  });

  test("lists that are drawn are lists, within their sizes, and differ", () => {
    const sizes = { depth: 3, arguments: 4, longest: 30 };
    const all = Array.from({ length: 200 }, (_, i) => randomListOp(random.key(i), sizes));
    for (const { tokens, value } of all) {
      const words = tokens.map((id) => LISTOPS_TOKENS[id] ?? "");
      let [open, deepest] = [0, 0];
      for (const word of words) {
        open += Number(word.startsWith("[")) - Number(word === "]");
        deepest = Math.max(deepest, open);
      }
      expect(open).toBe(0);
      expect(deepest).toBeLessThanOrEqual(3);
      expect(tokens.length).toBeLessThanOrEqual(30);
      expect(parseListOp(words.join(" ")).value).toBe(value);
    }
    expect(new Set(all.map(({ value }) => value)).size).toBe(10);
    expect(randomListOp(random.key(5), sizes)).toEqual(all[5]);
  });

  test("medians of an even number are cut to a digit, sums are modulo ten", () => {
    expect(parseListOp("[MED 3 8 4 7 ]").value).toBe(5);
    expect(parseListOp("[SM 9 8 [MIN 4 6 ] ]").value).toBe(1);
    expect(() => parseListOp("[AVG 1 2 ]")).toThrow('"[AVG" is no token');
  });
});

describe("time warping", () => {
  /** The definition, without a table. */
  function slow(x: readonly number[], y: readonly number[], i = x.length - 1, j = y.length - 1): number {
    const d = ((x[i] ?? 0) - (y[j] ?? 0)) ** 2;
    if (i === 0 && j === 0) return d;
    const ways = [
      ...(i > 0 ? [slow(x, y, i - 1, j)] : []),
      ...(j > 0 ? [slow(x, y, i, j - 1)] : []),
      ...(i > 0 && j > 0 ? [slow(x, y, i - 1, j - 1)] : []),
    ];
    return d + Math.min(...ways);
  }

  test("is the least over all warpings, whatever the lengths", () => {
    const series = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(series, series, (x, y) => {
        const [a, b] = [[Float64Array.from(x)], [Float64Array.from(y)]];
        expect(warped(a, b)).toBe(slow(x, y));
        expect(warped(a, b)).toBe(warped(b, a));
        // Two equal channels double it.
        expect(warped([...a, ...a], [...b, ...b])).toBe(2 * slow(x, y));
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  test("finds the neighbour that warping brings near", () => {
    const of = (values: readonly number[], label: string) => ({ series: [Float64Array.from(values)], label });
    const train = [of([0, 0, 1, 0], "one"), of([0, 1, 0, 1], "two")];
    const test = [of([0, 1, 0, 0, 0], "one"), of([0, 0, 1, 0, 1], "two"), of([0, 1, 0, 1], "one")];
    expect(neighbourAccuracy(train, test)).toBeCloseTo(2 / 3, 12);
  });
});
