// The rules of FSQ against VQ judge rows as they should.
import { expect, test } from "vitest";
import { fsqAgainstVq, type QuantizerRow } from "../../src/lab/entries/fsq-against-vq.ts";
import { judge } from "../../src/lab/index.ts";

const SIZES = [64, 240, 1000, 4375, 15360];
type Told = readonly [error: (codes: number) => number, usage: (codes: number) => number];

/** Rows of three seeds from errors and usages by codes. */
function rows(fsq: Told, vq: Told, better: Told): (QuantizerRow & { seed: number })[] {
  const methods = { FSQ: fsq, VQ: vq, "VQ with averages and restarts": better } as const;
  return [0, 1, 2].flatMap((seed) =>
    SIZES.flatMap((codes) =>
      (Object.keys(methods) as (keyof typeof methods)[]).map((method) => {
        const [error, usage] = methods[method];
        return { seed, method, codes, error: error(codes), usage: usage(codes), perplexity: 1 };
      }),
    ),
  );
}
const fsq: Told = [(k) => 3 / Math.sqrt(k), () => 0.95];
const collapsed: Told = [() => 0.3, (k) => Math.min(1, 36 / k)];
const mended: Told = [(k) => 2.4 / Math.sqrt(k), () => 0.8];
const verdict = (all: ReturnType<typeof rows>): string => judge(fsqAgainstVq, all).verdict;

test("the article's picture holds", () => {
  const all = rows([(k) => Math.max(0.05, 3 / Math.sqrt(k)), fsq[1]], collapsed, [
    (k) => 2.4 / Math.sqrt(k),
    mended[1],
  ]);
  expect(verdict(all)).toBe("holds");
});

test("a VQ that does not collapse contradicts it", () => {
  expect(verdict(rows(fsq, mended, mended))).not.toBe("holds");
});

test("an FSQ that learns nothing says nothing", () => {
  expect(verdict(rows([() => 0.9, () => 1], collapsed, mended))).toBe("cannot be had at this size");
});
