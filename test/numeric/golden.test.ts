// Falls against mpmath, SciPy and slow sums; least sums against Python's whole numbers.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { brachistochrone, fall, fastestDescent, minimiseSum, refraction } from "../../src/numeric/index.ts";
import {
  cycloidTo,
  leastPolyline,
  timeAlongCycloid,
  timeAlongPolyline,
} from "../reference/brachistochrone.ts";

interface End {
  readonly X: number;
  readonly Y: number;
  readonly time: number;
}
interface Falls {
  readonly cycloids: readonly (End & { readonly theta: number; readonly radius: number })[];
  readonly polylines: readonly (End & { readonly pieces: number; readonly grade: number })[];
  readonly slices: readonly (End & { readonly slices: number })[];
}

function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8"));
}

const falls = golden("brachistochrone") as Falls;

test.each(falls.cycloids)("the cycloid to ($X, $Y)", ({ X, Y, theta, radius, time }) => {
  const curve = brachistochrone(X, Y);
  expect(curve.theta).toBeCloseTo(theta, 12);
  expect(curve.radius / radius).toBeCloseTo(1, 12);
  expect(curve.time).toBeCloseTo(time, 12);
  expect(cycloidTo(X, Y).theta).toBeCloseTo(curve.theta, 9);
  expect(timeAlongCycloid(X, Y)).toBeCloseTo(curve.time, 6);
});

test.each(falls.polylines)("$pieces pieces to ($X, $Y), graded $grade", ({ X, Y, pieces, grade, time }) => {
  const found = fastestDescent(X, Y, fall(), { pieces, grade });
  expect(found.time).toBeCloseTo(time, 12);
  const [across, depths] = [found.places.map(([x]) => x), found.places.map(([, y]) => y)];
  expect(timeAlongPolyline(across, depths)).toBeCloseTo(found.time, 12);
  expect(leastPolyline(across, Y)).toBeCloseTo(found.time, 10);
});

test.each(falls.slices)("light through $slices slices to ($X, $Y)", ({ X, Y, slices, time }) => {
  expect(refraction(X, Y, slices).time).toBeCloseTo(time, 12);
});

test("least sums are Python's", () => {
  const { least } = golden("minimise-sum") as { readonly least: readonly [string, string][] };
  for (const [N, sum] of least) expect(minimiseSum(BigInt(N)).sum, N).toBe(BigInt(sum));
});
