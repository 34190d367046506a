// From cases to numbers, and from outputs to scores, beside slow forms of both.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Case, Cases } from "../../../src/train/classify/cases.ts";
import { prepare, preparationOf, type PrepareChoices, rowsOf } from "../../../src/train/classify/prepare.ts";
import { parseMixer } from "../../../src/train/classify/recipe.ts";
import { classScores, numberScores } from "../../../src/train/classify/scores.ts";
import { byteTokenizer } from "../../../src/tokenizer/index.ts";
import { expectClose } from "../../support/check.ts";

const seriesCases = (all: readonly (readonly number[][])[], labels: readonly string[] = []): Cases => ({
  input: "series",
  channels: all[0]?.length ?? 0,
  cases: all.map(
    (channels, i): Case => ({
      series: channels.map((c) => Float64Array.from(c)),
      label: labels[i] ?? (i % 2 === 0 ? "a" : "b"),
      where: `x, line ${i + 1}`,
    }),
  ),
  numbers: false,
  notices: [],
});

const both = (train: Cases, choices: PrepareChoices = {}, other: Cases = train) => {
  const preparation = preparationOf(train, choices, undefined);
  return { preparation, ready: prepare(preparation, other, undefined, { labelled: true }) };
};

describe("series become vectors", () => {
  test("channels of mean 0 and deviation 1 over the training part, zeros behind the end", () => {
    const cases = seriesCases([
      [
        [1, 3, 5, 7],
        [0, 0, 0, 0],
      ],
      [[9], [4]],
    ]);
    const { preparation, ready } = both(cases, { stride: 1, window: 1 });
    const mean = 5;
    const deviation = Math.sqrt((16 + 4 + 0 + 4 + 16) / 5);
    expect(preparation.channels?.means[0]).toBe(mean);
    expect(preparation.channels?.deviations[0]).toBeCloseTo(deviation, 12);
    expect(Array.from(ready.lengths)).toEqual([4, 1]);
    const first = [1, 3, 5, 7, 9].map((v) => (v - mean) / deviation);
    expectClose(
      [0, 2, 4, 6, 8].map((i) => ready.x[i] ?? 0),
      first,
      1e-6,
    );
    expect(Array.from(ready.x.subarray(10))).toEqual([0, 0, 0, 0, 0, 0]); // three places of two channels
    expect(Array.from(ready.targets ?? [])).toEqual([0, 1]);
  });

  test("every sample is seen, at any stride and window, by the place that its time belongs to", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 17 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 6 }),
        (length, stride, more) => {
          const values = Array.from({ length }, (_, i) => Math.sin(i + 1));
          const { preparation, ready } = both(seriesCases([[values], [[0.5, -0.5]]]), {
            stride,
            window: stride + more,
          });
          const [mean = 0] = preparation.channels?.means ?? [];
          const [deviation = 1] = preparation.channels?.deviations ?? [];
          const F = stride + more;
          expect(ready.F).toBe(F);
          expect(ready.lengths[0]).toBe(Math.ceil(length / stride));
          values.forEach((value, at) => {
            const place = Math.floor(at / stride);
            const within = at - ((place + 1) * stride - F);
            expect(ready.x[place * F + within]).toBeCloseTo((value - mean) / deviation, 5);
          });
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  test("the longest training series decides the stride: at most 256 places", () => {
    const long = Array.from({ length: 1460 }, (_, i) => i);
    const { preparation } = both(seriesCases([[long], [[1, 2]]]));
    expect(preparation.input).toEqual({ type: "series", channels: 1, stride: 6, window: 13 });
    expect(preparation.context).toBe(244);
  });

  test.each<[string, () => unknown, string]>([
    [
      "a class of the test part alone",
      () => both(seriesCases([[[1, 2]], [[3, 4]]]), {}, seriesCases([[[1, 2]]], ["c"])),
      'x, line 1 must be of a class of the training part (a, b), got "c", which no training example has.',
    ],
    [
      "one class alone",
      () => both(seriesCases([[[1, 2]], [[3, 4]]], ["a", "a"])),
      'must have at least two classes, got only "a".',
    ],
    [
      "other channels",
      () => both(seriesCases([[[1]], [[2]]]), {}, seriesCases([[[1], [2]]])),
      "must hold series of 1 channels as the training part does, got series of 2.",
    ],
    [
      "a number that is none",
      () => both(seriesCases([[[1]], [[2]]], ["1", "two"]), { regression: true }),
      'must have a number as its label, got "two".',
    ],
    [
      "numbers that are all one",
      () => both(seriesCases([[[1]], [[2]]], ["3", "3"]), { regression: true }),
      "numbers to predict must differ, got 3 for all 2 cases.",
    ],
    [
      "a window that leaves samples out",
      () => both(seriesCases([[[1]], [[2]]]), { stride: 4, window: 3 }),
      "window must be at least the stride of 4",
    ],
    [
      "no values",
      () => both(seriesCases([[[]], [[2]]])),
      "x, line 1 must have at least one value, got none.",
    ],
  ])("%s is refused by name", (_, make, sentence) => {
    expect(make).toThrow(sentence);
  });
});

test("texts become tokens, longer ones lose their ends and are counted", () => {
  const tokenizer = byteTokenizer();
  const texts: Cases = {
    input: "text",
    channels: 0,
    numbers: false,
    notices: [],
    cases: ["abc", "abcdefgh"].map((text, i) => ({ text, label: String(i), where: `t, line ${i + 1}` })),
  };
  const preparation = preparationOf(texts, { context: 5 }, tokenizer);
  const ready = prepare(preparation, texts, tokenizer, { labelled: true });
  expect(ready).toMatchObject({ T: 5, cut: 1, count: 2 });
  expect(Array.from(ready.lengths)).toEqual([3, 5]);
  expect(tokenizer.decode(Array.from(ready.x.subarray(5)))).toBe("abcde");
  const last = rowsOf(ready, [1, 1]);
  expect(tokenizer.decode(Array.from(last.x))).toBe("abcdeabcde");
  const empty = { ...texts, cases: [{ text: "", label: "0", where: "t, line 9" }] };
  expect(() => prepare(preparation, empty, tokenizer, { labelled: true })).toThrow(
    "t, line 9 must hold a text",
  );
});

test("scores of classes equal those that a small table gives by hand", () => {
  // Truth [0,0,1,1,2,2,2], said [0,1,1,1,2,0,2]: F1 of the classes is 1/2, 4/5 and 4/5.
  const said = [0, 1, 1, 1, 2, 0, 2];
  const values = Float64Array.from(said.flatMap((k) => [0, 1, 2].map((j) => (j === k ? 3 : 0))));
  const found = classScores({ values, count: 7 }, Float64Array.from([0, 0, 1, 1, 2, 2, 2]), 3);
  expect(found.accuracy).toBeCloseTo(5 / 7, 12);
  expect(found.balancedAccuracy).toBeCloseTo((1 / 2 + 1 + 2 / 3) / 3, 12);
  expect(found.macroF1).toBeCloseTo((1 / 2 + 4 / 5 + 4 / 5) / 3, 12);
  expect(found.confusion).toEqual([
    [1, 1, 0],
    [0, 2, 0],
    [1, 0, 2],
  ]);
  const right = Math.log(Math.exp(3) + 2) - 3;
  expect(found.loss).toBeCloseTo((5 * right + 2 * (right + 3)) / 7, 10);
});

test("scores of numbers are in the unit of the labels", () => {
  const labels = { type: "number", mean: 10, deviation: 4 } as const;
  const truth = [8, 10, 15];
  const said = [9, 10, 13];
  const unit = (v: number): number => (v - 10) / 4;
  const found = numberScores(
    { values: Float64Array.from(said, unit), count: 3 },
    Float64Array.from(truth, unit),
    labels,
  );
  expect(found.rootMeanSquare).toBeCloseTo(Math.sqrt(5 / 3), 10);
  expect(found.meanAbsolute).toBeCloseTo(1, 10);
  expect(found.rSquared).toBeCloseTo(1 - 5 / (9 + 1 + 16), 10);
});

test("a kind alone gets numbers that suit the length", () => {
  expect(parseMixer("rtf", 150)).toEqual({ type: "rtf", state: 64 });
  expect(parseMixer("rtf", 29)).toEqual({ type: "rtf", state: 16 });
  expect(parseMixer("rtf:state=3", 29)).toEqual({ type: "rtf", state: 3 });
  expect(parseMixer("rnn", 5)).toEqual({ type: "rnn", cell: "gru" });
  expect(() => parseMixer("rtff", 5)).toThrow("Did you mean rtf?");
});
