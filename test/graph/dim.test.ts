import * as fc from "fast-check";
import { expect, test } from "vitest";
import { GraphError } from "../../src/errors.ts";
import {
  addDims,
  type Dim,
  dimTerms,
  divideDims,
  evaluateDim,
  mulDims,
  sizeOf,
  staticSize,
  subDims,
} from "../../src/graph/dim.ts";

const VALUES = new Map([
  ["B", 3],
  ["S", 7],
  ["T", 11],
]);
const value = (d: Dim): number => evaluateDim(d, VALUES);

/** Polynomials made by the operations themselves. */
const { dim } = fc.letrec<{ dim: Dim }>((tie) => ({
  dim: fc.oneof(
    { depthSize: "small" },
    fc.integer({ min: -5, max: 9 }),
    fc.constantFrom<Dim>("B", "S", "T"),
    fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => addDims(a, b)),
    fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => mulDims(a, b)),
    fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => subDims(a, b)),
  ),
}));
/** −0 is 0. */
const plain = (d: Dim | undefined): Dim | undefined => (typeof d === "number" ? d + 0 : d);
const fixed = { seed: 20261122, numRuns: 500 };

test("operations on sizes agree with arithmetic on their values", () => {
  fc.assert(
    fc.property(dim, dim, (a, b) => {
      expect(plain(value(addDims(a, b)))).toBe(plain(value(a) + value(b)));
      expect(plain(value(subDims(a, b)))).toBe(plain(value(a) - value(b)));
      expect(plain(value(mulDims(a, b)))).toBe(plain(value(a) * value(b)));
    }),
    fixed,
  );
});

test("the text is canonical: equal polynomials are equal strings", () => {
  fc.assert(
    fc.property(dim, dim, dim, (a, b, c) => {
      expect(plain(addDims(a, b))).toBe(plain(addDims(b, a)));
      expect(plain(mulDims(a, b))).toBe(plain(mulDims(b, a)));
      expect(plain(addDims(addDims(a, b), c))).toBe(plain(addDims(a, addDims(b, c))));
      expect(plain(mulDims(mulDims(a, b), c))).toBe(plain(mulDims(a, mulDims(b, c))));
      expect(plain(mulDims(a, addDims(b, c)))).toBe(plain(addDims(mulDims(a, b), mulDims(a, c))));
      expect(plain(subDims(a, a))).toBe(plain(0));
      expect(plain(addDims(a, 0))).toBe(plain(mulDims(a, 1)));
      expect(plain(mulDims(a, 0))).toBe(plain(0));
    }),
    fixed,
  );
});

test("division undoes multiplication by one term and refuses the rest", () => {
  const term = fc.constantFrom<Dim>(1, 2, -3, "B", "B*T", "2*S", "-T");
  fc.assert(
    fc.property(dim, term, (a, b) => {
      const quotient = divideDims(mulDims(a, b), b);
      expect(plain(quotient)).toBe(plain(addDims(a, 0)));
    }),
    fixed,
  );
  expect(divideDims("T+1", "T")).toBeUndefined();
  expect(divideDims("T", 2)).toBeUndefined();
  expect(divideDims(7, 2)).toBeUndefined();
  expect(divideDims("T", "B+T")).toBeUndefined();
  expect(divideDims("B+T", "B+T")).toBe(1);
});

test("terms list what a program has to compute", () => {
  expect(dimTerms("2*B*T+S+1")).toEqual([
    [2, ["B", "T"]],
    [1, ["S"]],
    [1, []],
  ]);
  expect(sizeOf(["B", 2, "T", 3])).toBe("6*B*T");
  expect(sizeOf([])).toBe(1);
});

test("a size without value says so", () => {
  expect(() => evaluateDim("Q+1", VALUES)).toThrow(new GraphError("dimension Q of Q+1 has no value."));
  expect(() => staticSize(["T", 2])).toThrow(new GraphError("shape [T, 2] must be known here."));
});
