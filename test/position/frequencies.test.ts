import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as p from "../../src/position/index.ts";
import { tensor, type Tensor } from "../../src/tensor/index.ts";
import { Checks, expectClose } from "../support/check.ts";

interface Golden {
  readonly tolerance: number;
  readonly frequencies: Record<
    "default" | "linear" | "yarn" | "yarn-small" | "llama3",
    { D: number; base: number; scale: number; trainingLength: number; values: number[] }
  >;
  readonly alibi: Record<string, number[]>;
  readonly q: number[];
  readonly k: number[];
  readonly scores: Record<string, number[]>;
}
const golden = JSON.parse(
  readFileSync(new URL("../golden/position.json", import.meta.url), "utf8"),
) as Golden;

const S = { scale: 8 };
const N = { scale: 8, trainingLength: 4096 };
/** Every rule of frequencies at scale `s`. */
const RULES: readonly [string, (s: number) => p.Frequencies][] = [
  ["interpolation", (scale) => p.positionInterpolation({ scale })],
  ["ntk old", (scale) => p.ntkOld({ scale })],
  ["ntk aware", (scale) => p.ntkAware({ scale })],
  ["ntk fixed", (scale) => p.ntkFixed({ scale })],
  ["ntk mixed", (scale) => p.ntkMixed({ scale })],
  ["yarn by turns", (scale) => p.yarnByTurns({ scale, trainingLength: 512 })],
  ["yarn by index", (scale) => p.yarnByIndex({ scale, trainingLength: 512 })],
  ["llama3", (scale) => p.llama3({ scale, trainingLength: 512 })],
];

const at = (x: number[]): Tensor => tensor(x, { dtype: "int32" });
const last = (rule: p.Frequencies): number =>
  (rule(128, 10_000).at(-1) ?? 0) / (p.ropeFrequencies(128, 10_000).at(-1) ?? 0);

describe("golden values of the published formulas", () => {
  test("frequencies", () => {
    const { frequencies: g, tolerance } = golden;
    const check = (name: keyof typeof g, rule: p.Frequencies): void => {
      expectClose(rule(g[name].D, g[name].base), g[name].values, tolerance, name);
    };
    check("default", p.ropeFrequencies);
    check("linear", p.positionInterpolation(g.linear));
    check("yarn", p.yarnByIndex(g.yarn));
    check("yarn-small", p.yarnByIndex(g["yarn-small"]));
    check("llama3", p.llama3(g.llama3));
    for (const [heads, slopes] of Object.entries(golden.alibi)) {
      expectClose(p.alibiSlopes(Number(heads)), slopes, tolerance, `alibi ${heads}`);
    }
  });

  test("scores", async () => {
    const q = tensor(Float64Array.from(golden.q), { shape: [1, 2, 3, 8] });
    const k = tensor(Float64Array.from(golden.k), { shape: [1, 2, 5, 8] });
    const checks = new Checks();
    for (const [name, spec] of [
      ["rope", { type: "rope" }],
      ["ntk-dynamic", { type: "ntk-dynamic", scale: 2, trainingLength: 16 }],
      ["yarn-index", { type: "yarn-index", scale: 4, trainingLength: 64 }],
    ] as const) {
      const x = p
        .createPosition(spec)
        .scores(q, k, at([40, 41, 42]), at([38, 39, 40, 41, 42]), 1 / Math.sqrt(8));
      checks.add(name, x, { shape: [1, 2, 3, 5], data: golden.scores[name] ?? [] }, 1e-11);
    }
    await checks.run();
  });
});

describe("identities", () => {
  const width = fc.integer({ min: 2, max: 64 }).map((half) => 2 * half);

  test.each(RULES)("%s: a scale of one changes nothing; a larger one quickens no pair", (_, rule) => {
    fc.assert(
      fc.property(width, fc.double({ min: 1, max: 64, noNaN: true }), (D, s) => {
        const plain = p.ropeFrequencies(D, 10_000);
        expectClose(rule(1)(D, 10_000), [...plain], 1e-14);
        const slower = rule(s)(D, 10_000);
        slower.forEach((theta, i) => {
          expect(theta).toBeLessThanOrEqual((plain[i] ?? 0) * (1 + 1e-12));
          expect(theta).toBeGreaterThanOrEqual(((plain[i] ?? 0) / s) * (1 - 1e-12));
        });
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  test("the slowest pair: aware and fixed divide it by the scale, old falls short (0.1291 of 0.125)", () => {
    expect(last(p.ntkAware(S))).toBeCloseTo(1 / 8, 14);
    expect(last(p.ntkFixed(S))).toBeCloseTo(1 / 8, 14);
    expect(last(p.ntkOld(S))).toBeCloseTo(0.1291, 4);
  });

  test("mixed radix spans fixed (power 1) and interpolation (power 0)", () => {
    expectClose(p.ntkMixed({ ...S, power: 1 })(64, 10_000), [...p.ntkFixed(S)(64, 10_000)], 1e-14);
    expectClose(
      p.ntkMixed({ ...S, power: 0 })(64, 10_000),
      [...p.positionInterpolation(S)(64, 10_000)],
      1e-14,
    );
  });

  test("YaRN keeps pairs of many turns, divides those of less than one, and its two ramps differ", () => {
    const plain = p.ropeFrequencies(128, 10_000);
    const turns = p.yarnByTurns(N)(128, 10_000);
    turns.forEach((theta, i) => {
      const r = (4096 * (plain[i] ?? 0)) / (2 * Math.PI);
      if (r >= 32) expect(theta).toBe(plain[i]);
      if (r <= 1) expect(theta).toBe((plain[i] ?? 0) / 8);
    });
    const index = p.yarnByIndex(N)(128, 10_000);
    const ratios = turns.map((theta, i) => theta / (index[i] ?? 1));
    expect(Math.min(...ratios)).toBeCloseTo(0.43, 2);
    expect(Math.max(...ratios)).toBeCloseTo(1.03, 2);
    expect(p.yarnMagnitude(Math.E)).toBeCloseTo(1.1, 14);
  });

  test.each(RULES)("%s rejects a scale below one", (_, rule) => {
    expect(() => rule(0.5)).toThrow(/scale must be a number ≥ 1, got 0.5\./);
    expect(() => rule(Number.NaN)).toThrow(/got NaN/);
  });
});

describe("the bound of the base", () => {
  // Computed with the article's search, section 1 of the notes; the first row rounds to the article's own table.
  const TABLE: readonly [D: number, L: number, base: number][] = [
    [128, 1024, 4293.45],
    [64, 128, 463.277],
    [32, 64, 314.707],
    [32, 1024, 58153.3],
  ];

  test("reproduces the table", () => {
    for (const [D, L, base] of TABLE) {
      const bound = p.ropeBaseBound(D, L);
      expect(bound.found && Number(bound.base.toPrecision(6)), `D=${D} L=${L}`).toBe(base);
    }
  });

  test("every whole distance is tested; the base just found passes and the recurrence agrees with cosines", () => {
    const bound = p.ropeBaseBound(32, 64);
    const theta = p.ropeFrequencies(32, bound.found ? bound.base : 0);
    expect(p.ropeLead(theta, 0)).toBe(16);
    for (let m = 0; m < 64; m++) expect(p.ropeLead(theta, m)).toBeGreaterThanOrEqual(0);
    expect(p.firstNegativeLead(theta, 64)).toBe(-1);
    const slow = p.ropeFrequencies(64, 300_000);
    let first = 0;
    while (p.ropeLead(slow, first) >= 0) first++;
    expect(first).toBeGreaterThan(2048);
    expect(p.firstNegativeLead(slow, 1e6)).toBe(first);
  });

  test("says when nothing was found instead of a silent default, and wider heads need less", () => {
    expect(p.ropeBaseBound(16, 2048, { largest: 1000 * 2048 })).toEqual({
      found: false,
      searchedTo: 2_048_000,
    });
    const more = p.ropeBaseBound(16, 2048);
    expect(more.found && more.base).toBeGreaterThan(2_048_000);
    const bases = [32, 16, 8].map((D) => p.ropeBaseBound(D, 64)).map((b) => (b.found ? b.base : 0));
    expect(bases.toSorted((a, b) => a - b)).toEqual(bases);
    expect(() => p.ropeBaseBound(7, 64)).toThrow("ropeBaseBound: head width must be even, got 7.");
    expect(() => p.ropeBaseBound(8, 0)).toThrow("ropeBaseBound: length must be a whole number ≥ 1, got 0.");
  });

  test("half rotation never lets a random key lead", () => {
    fc.assert(
      fc.property(fc.double({ min: 2, max: 1e5, noNaN: true }), fc.nat(5000), (base, m) => {
        const lead = 16 + p.ropeLead(p.ropeFrequencies(32, base), m);
        expect(lead).toBeGreaterThanOrEqual(0);
      }),
      { seed: 2 },
    );
  });
});
