import { assert, double, nat, property } from "fast-check";
import { expect, test } from "vitest";
import {
  between,
  bytes,
  count,
  list,
  notNegative,
  number,
  oneOf,
  type Parse,
  positive,
  read,
  share,
  shareAboveZero,
  whole,
} from "../../src/cli/numbers.ts";
import { OptionError } from "../../src/errors.ts";

/** A parser, texts it takes with their values, texts it refuses, and what it says a value must be. */
const CASES: readonly (readonly [string, Parse<unknown>, Record<string, unknown>, string[], string])[] = [
  ["number", number, { "1.5": 1.5, "-2": -2, "1e3": 1000 }, ["", " ", "x", "NaN", "Infinity"], "a number"],
  ["whole", whole, { 0: 0, 12: 12 }, ["-1", "1.5", "", "1e400", "9007199254740993"], "a whole number"],
  ["count", count, { 1: 1, "1e3": 1000 }, ["0", "-3", "2.5", "ten"], "a whole number ≥ 1"],
  ["positive", positive, { "0.25": 0.25 }, ["0", "-1", "x", ""], "a number above 0"],
  ["notNegative", notNegative, { 0: 0, "0.8": 0.8 }, ["-0.1", "warm"], "a number ≥ 0"],
  ["share", share, { 0: 0, 1: 1, ".5": 0.5 }, ["1.01", "-0.1", "50%"], "a number from 0 to 1"],
  ["shareAboveZero", shareAboveZero, { 1: 1 }, ["0", "1.01"], "a number above 0 and at most 1"],
  ["between", between(0, 9), { 0: 0, 9: 9 }, ["10", "-1", "4.5"], "a whole number from 0 to 9"],
  ["oneOf", oneOf(4, 8), { 4: 4, 8: 8 }, ["3", "", "8bit"], "4 or 8"],
  [
    "bytes",
    bytes,
    { 512: 512 * 2 ** 20, "2GB": 2 ** 31, "1.5 gb": 1.5 * 2 ** 30, "64kb": 65536 },
    ["-1", "2TB", "GB", "2 G", ""],
    "an amount of memory such as 512MB or 2GB",
  ],
];

test.each(CASES)("%s takes and refuses", (_, parse, taken, refused, what) => {
  for (const [text, value] of Object.entries(taken)) expect(read("train: --n", parse, text)).toBe(value);
  for (const text of refused) {
    expect(() => read("train: --n", parse, text)).toThrow(
      new OptionError(`train: --n must be ${what}, got "${text}".`),
    );
  }
});

test("a list refuses as a whole and shows an example", () => {
  const sizes = list(count, "whole numbers", "8000,32000");
  expect(sizes("8000, 32000")).toEqual([8000, 32000]);
  for (const text of ["8000,", "8k", "", "1,,2"]) {
    expect(() => read("tokenizer train: --vocab", sizes, text)).toThrow(
      `--vocab must be whole numbers separated by commas, got "${text}". For example 8000,32000.`,
    );
  }
});

test("every whole number and share is read as it is written", () => {
  assert(
    property(nat(), double({ min: 0, max: 1, noNaN: true }), (n, x) => {
      expect(whole(String(n))).toBe(n);
      expect(share(String(x))).toBe(x === 0 ? Number(String(x)) : x);
    }),
  );
});
