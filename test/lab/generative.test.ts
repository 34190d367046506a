// Verdicts of this room's entries: told rows, known answers.
import { expect, test } from "vitest";
import { entryNamed, judge, type Seeded } from "../../src/lab/index.ts";

type Rows = readonly Seeded<object>[];
const seeded = (rows: readonly object[]): Rows =>
  [0, 1, 2].flatMap((seed) => rows.map((row) => ({ ...row, seed })));
const verdict = (name: string, rows: Rows): string => judge(entryNamed(name), rows).verdict;
const answers = (name: string, rows: Rows): (boolean | null)[] =>
  judge(entryNamed(name), rows).findings.map(({ holds }) => holds);

const collapse = (
  method: string,
  variance: number,
  kl: number,
  active: number,
  error: number,
  second = 1,
) => ({
  method,
  variance,
  kl,
  active,
  error,
  second,
});

test("posterior collapse: the notes' figures hold, a plain VAE that does not collapse leaves no verdict", () => {
  const rows = [
    collapse("plain", 1, 1.89, 2, 2.4),
    collapse("plain", 30, 0, 0, 14),
    collapse("BN γ=0.5", 1, 1.4, 8, 5.5),
    collapse("BN γ=0.5", 30, 1, 8, 7.1),
    collapse("scaler τ=0.5", 30, 5, 8, 3),
  ];
  expect(verdict("posterior-collapse", seeded(rows))).toBe("holds");
  const worse = rows.map((r) => (r.method === "BN γ=0.5" && r.variance === 30 ? { ...r, error: 14 } : r));
  expect(verdict("posterior-collapse", seeded(worse))).toBe("holds in part");
  const alive = rows.map((r) => (r.method === "plain" ? { ...r, kl: 2, active: 2 } : r));
  expect(verdict("posterior-collapse", seeded(alive))).toBe("cannot be had at this size");
});

test("the ring: the notes' figures hold; where no tightness lands on it too, there is no verdict", () => {
  const row = (method: string, off: number) => ({ method, steps: 3000, off, twice: off, covered: 1 });
  const notes = [
    row("no tightness", 0.85),
    row("ρ of the noise", 0.054),
    row("ρ of the data", 0.77),
    row("ρ of the data, weight 10", 0.077),
    row("unclamped", 0.11),
  ];
  expect(verdict("ign-ring", seeded(notes))).toBe("holds");
  expect(verdict("ign-ring", seeded(notes.map((r) => ({ ...r, off: 0.1 }))))).toBe(
    "cannot be had at this size",
  );
  const lost = notes.map((r) => (r.method === "unclamped" ? { ...r, covered: 0.5 } : r));
  expect(verdict("ign-ring", seeded(lost))).toBe("holds in part");
});

test("a token that may be two: means, draws of both, and draws of one alone", () => {
  const row = (method: string, nearest: number, first: number) => ({
    method,
    nearest,
    noise: 0.125,
    first,
    within: 1,
  });
  const notes = [row("mse", 1.69, 0.5), row("flow", 0.131, 0.5), row("diffusion", 0.13, 0.5)];
  expect(verdict("patch-token", seeded(notes))).toBe("holds");
  expect(answers("patch-token", seeded([row("mse", 0.2, 0.5), row("flow", 0.13, 0.95)]))).toEqual([
    false,
    false,
    null,
  ]);
});

test("digits both ways: thresholds of the issue, a judge that does not know digits judges nothing", () => {
  const row = (method: string, recognised: number, read: number, frechet: number, accuracy = 0.98) => ({
    method,
    steps: 1,
    judge: accuracy,
    recognised,
    read,
    frechet,
  });
  const good = [
    row("raster, flow", 0.96, 0.98, 5),
    row("raster, mse", 0.6, 0.98, 50),
    row("random, flow", 0.95, 0.97, 4),
  ];
  expect(verdict("patch-digits", seeded(good))).toBe("holds");
  const short = [row("raster, flow", 0.94, 0.98, 5), ...good.slice(1)];
  expect(verdict("patch-digits", seeded(short))).toBe("holds in part");
  expect(verdict("patch-digits", seeded(good.map((r) => ({ ...r, judge: 0.9 }))))).toBe(
    "cannot be had at this size",
  );
});

test("IGN on digits: worse and wider apart than the GAN, or not", () => {
  const row = (method: string, frechet: number) => ({ method, steps: 1, judge: 0.98, frechet });
  const rows = (ign: number, gan: number): object[] => [
    ...["data", "noise"].map((rho) => row(`IGN, ρ of the ${rho}`, ign)),
    row("IGN, no clamp", ign + 1),
    row("GAN", gan),
    row("VAE", 20),
  ];
  const spread = seeded(rows(40, 10)).map((r) =>
    "method" in r && r.method === "IGN, ρ of the noise" ? { ...r, frechet: 40 + 20 * r.seed } : r,
  );
  expect(verdict("ign-digits", spread)).toBe("holds");
  expect(verdict("ign-digits", seeded(rows(5, 10)))).toBe("does not hold here");
});

test("the budget: bits above a softmax, or below", () => {
  const row = (vocabularyBits: number) => ({
    method: "digits",
    alone: 2,
    given: 1.3,
    tokens: 16,
    vocabularyBits,
  });
  expect(answers("entropy-budget", seeded([row(62)]))).toEqual([true]);
  expect(answers("entropy-budget", seeded([row(20)]))).toEqual([false]);
});
