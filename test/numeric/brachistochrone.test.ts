import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  brachistochrone,
  bySpeedLaw,
  circleArc,
  cycloidPlaces,
  fall,
  fastestDescent,
  firstIntegral,
  lineTime,
  parseLaw,
  refraction,
  type Speed,
  straightLine,
  tautochroneTime,
  timeAlong,
} from "../../src/numeric/index.ts";
import { constant } from "../../src/numeric/jet.ts";

/** Spec §5: X, Y, θ, R, time of the cycloid, time of the line. */
const PUBLISHED: readonly (readonly [number, number, number, number, number, number])[] = [
  [1, 1, 2.4120111439, 0.5729170375, 2.5819045128, 2.8284271247],
  [Math.PI / 2, 1, Math.PI, 0.5, Math.PI, 3.7241917782],
  [1, 2, 1.4013794559, 2.4056029297, 3.0738503232, 3.1622776602],
  [3, 1, 4.0516280241, 0.6196870265, 4.5105631367, 6.3245553203],
  [5, 1, 4.5945857124, 0.8948297746, 6.1465521225, 10.1980390272],
];

const law = (text: string): Speed => bySpeedLaw(parseLaw(text), text);
const ends = fc.tuple(
  fc.double({ min: 0.05, max: 20, noNaN: true }),
  fc.double({ min: 0.05, max: 20, noNaN: true }),
);

describe("closed form", () => {
  test.each(PUBLISHED)("(%d, %d)", (X, Y, theta, radius, time, line) => {
    const c = brachistochrone(X, Y);
    expect(c.theta).toBeCloseTo(theta, 9);
    expect(c.radius).toBeCloseTo(radius, 9);
    expect(c.time).toBeCloseTo(time, 9);
    expect(lineTime(X, Y)).toBeCloseTo(line, 9);
  });

  test("Galileo's quarter circle to (1, 1) takes ½·B(¼, ½), between the cycloid and the line", () => {
    expect(timeAlong(circleArc(1, 1, 4000), fall())).toBeCloseTo(2.6220575543, 6);
  });

  test("T(λX, λY) = √λ·T(X, Y), times fall as 1/√g, and no line is faster", () => {
    fc.assert(
      fc.property(ends, fc.double({ min: 0.01, max: 100, noNaN: true }), ([X, Y], k) => {
        const { time } = brachistochrone(X, Y);
        expect(brachistochrone(k * X, k * Y).time / time).toBeCloseTo(Math.sqrt(k), 9);
        expect(brachistochrone(X, Y, k).time / time).toBeCloseTo(Math.sqrt(0.5 / k), 9);
        expect(time).toBeLessThan(lineTime(X, Y));
      }),
    );
  });

  test("holds far from the diagonal, where cosines cancel", () => {
    // Straight down θ → 0 and T → 2√Y; far across the curve is a whole cycloid, T → √(2R)·2π with R = X/2π.
    expect(brachistochrone(1e-7, 1).time).toBeCloseTo(2, 12);
    expect(brachistochrone(1e9, 1).time / (Math.sqrt(1e9 / Math.PI) * 2 * Math.PI)).toBeCloseTo(1, 4);
    for (const [X, Y] of [
      [1e9, 1],
      [1, 1e9],
      [1e-9, 1e9],
    ] as const) {
      const [x, y] = brachistochrone(X, Y).at(1 - 1e-12);
      expect(x / X).toBeCloseTo(1, 6);
      expect(Math.abs(y / Y - 1)).toBeLessThan(1e-3);
    }
    expect(() => brachistochrone(1e300, 1e-300)).toThrow("must leave an angle between 0 and 2π");
  });

  test("from any place of an arc to its lowest point takes the same time", () => {
    const R = 0.7;
    for (const from of [0, 0.4, 1.5, 2.9]) {
      // Rest at angle `from`: depths count from there.
      const places = Array.from({ length: 4001 }, (_, i): [number, number] => {
        const t = from + (Math.PI - from) * (i / 4000) ** 2;
        return [
          R * (t - Math.sin(t)) - R * (from - Math.sin(from)),
          Math.max(0, R * (Math.cos(from) - Math.cos(t))),
        ];
      });
      expect(timeAlong(places, fall())).toBeCloseTo(tautochroneTime(R), 4);
    }
  });
});

describe("polyline", () => {
  const error = (n: number, grade: number): number =>
    fastestDescent(1, 1, fall(), { pieces: n, grade }).time - brachistochrone(1, 1).time;

  test("errors on an even and on a cubic grid are the published ones, of order 1 and 2", () => {
    expect(error(256, 1)).toBeCloseTo(5.8e-4, 5);
    expect(error(256, 3)).toBeCloseTo(2.45e-6, 8);
    expect(error(8, 3)).toBeCloseTo(2.5e-3, 4);
    const order = (grade: number): number => Math.log2(error(128, grade) / error(256, grade));
    expect(order(1)).toBeGreaterThan(0.9);
    expect(order(1)).toBeLessThan(1.1);
    expect(order(3)).toBeGreaterThan(1.95);
    expect(order(3)).toBeLessThan(2.05);
  });

  test("is never faster than the cycloid, nearer on a nested grid, with few Newton steps", () => {
    fc.assert(
      fc.property(ends, ([X, Y]) => {
        const best = brachistochrone(X, Y).time;
        const times = [16, 32, 64].map((pieces) => fastestDescent(X, Y, fall(), { pieces }));
        for (const { time } of times) expect(time).toBeGreaterThan(best * (1 - 1e-12));
        expect(times[1]?.time).toBeLessThanOrEqual((times[0]?.time ?? 0) * (1 + 1e-12));
        expect(times[2]?.time).toBeLessThanOrEqual((times[1]?.time ?? 0) * (1 + 1e-12));
      }),
      { numRuns: 40 },
    );
    for (const [X, Y] of PUBLISHED) {
      expect(fastestDescent(X, Y, fall()).iterations).toBeLessThanOrEqual(9);
    }
  });

  test("keeps v²(1 + y′²) = 2R", () => {
    const values = firstIntegral(fastestDescent(1, 1, fall()).places, fall()).slice(8);
    for (const v of values) expect(v / (2 * brachistochrone(1, 1).radius)).toBeCloseTo(1, 2);
    // And the cycloid's own points do, to their spacing.
    for (const v of firstIntegral(cycloidPlaces(1, 1, 2000), fall()).slice(20, -1)) {
      expect(v).toBeCloseTo(2 * brachistochrone(1, 1).radius, 3);
    }
  });

  test("pieces know their derivatives: central differences, exact fall and laws, from rest and on the way", () => {
    const h = 1e-5;
    for (const speed of [fall(), fall(9.81), law("sqrt(y)"), law("1 + y^2"), law("exp(y)/(1+x)")]) {
      for (const [y0, y1] of [
        [0.3, 0.9],
        [0.9, 0.3],
        [0.5, 0.51],
      ] as const) {
        const T = (a: number, b: number): number => speed.piece([0.2, a], [0.7, b]).time;
        const p = speed.piece([0.2, y0], [0.7, y1]);
        expect(p.d0).toBeCloseTo((T(y0 + h, y1) - T(y0 - h, y1)) / (2 * h), 7);
        expect(p.d1).toBeCloseTo((T(y0, y1 + h) - T(y0, y1 - h)) / (2 * h), 7);
        const q = 1e-4;
        expect(p.d00).toBeCloseTo((T(y0 + q, y1) - 2 * T(y0, y1) + T(y0 - q, y1)) / q ** 2, 4);
        expect(p.d11).toBeCloseTo((T(y0, y1 + q) - 2 * T(y0, y1) + T(y0, y1 - q)) / q ** 2, 4);
        const mixed = T(y0 + q, y1 + q) - T(y0 + q, y1 - q) - T(y0 - q, y1 + q) + T(y0 - q, y1 - q);
        expect(p.d01).toBeCloseTo(mixed / (4 * q * q), 4);
      }
    }
  });

  test("by a law: the fall again, powers with a known curve, friction", () => {
    for (const [X, Y] of PUBLISHED) {
      const exact = fastestDescent(X, Y, fall()).time;
      expect(fastestDescent(X, Y, law("sqrt(y)")).time / exact).toBeCloseTo(1, 7);
    }
    // v = y: circles about the surface cut it upright, so from (0, a) in the half-plane time is hyperbolic length.
    const shifted = law("y + 1");
    const hyperbolic = Math.acosh(1 + (1 + 1) / (2 * 1 * 2)); // from (0, 1) to (1, 2)
    expect(fastestDescent(1, 1, shifted, { grade: 1 }).time).toBeCloseTo(hyperbolic, 5);
    // Friction slows.
    const free = brachistochrone(1, 1).time;
    const rough = fastestDescent(1, 1, law("sqrt(y - 0.2*x)")).time;
    expect(rough).toBeGreaterThan(free);
    expect(rough).toBeLessThan(timeAlong(straightLine(1, 1), law("sqrt(y - 0.2*x)")));
  });
});

describe("refraction", () => {
  test("converges to the cycloid from above, dips included", () => {
    for (const [X, Y] of PUBLISHED) {
      const best = brachistochrone(X, Y).time;
      const errors = [8, 64, 512].map((n) => refraction(X, Y, n).time - best);
      errors.forEach((e, i) => {
        expect(e).toBeGreaterThan(0);
        if (i > 0) expect(e).toBeLessThan((errors[i - 1] ?? 0) / 7);
      });
      const { places } = refraction(X, Y, 64);
      expect(places.at(-1)?.[0]).toBeCloseTo(X, 9);
      expect(places.at(-1)?.[1]).toBeCloseTo(Y, 9);
    }
  });

  test("keeps sin α / v in every slice, and its time is that of a fall along it", () => {
    const { places, constant: K, time } = refraction(1, 1, 32);
    expect(timeAlong(places, fall())).toBeCloseTo(time, 12);
    places.slice(1).forEach(([x1, y1], i) => {
      const [x0, y0] = places[i] ?? [0, 0];
      const sine = (x1 - x0) / Math.hypot(x1 - x0, y1 - y0);
      expect(sine / ((Math.sqrt(y0) + Math.sqrt(y1)) / 2)).toBeCloseTo(K, 9);
    });
  });
});

describe("laws as text", () => {
  const at = (text: string, x: number, y: number): number => parseLaw(text)(constant(x), constant(y)).value;

  test("have the usual precedence", () => {
    expect(at("1 + 2*3^2", 0, 0)).toBe(19);
    expect(at("-y^2", 0, 3)).toBe(-9);
    expect(at("2^3^2", 0, 0)).toBe(512);
    expect(at("8/4/2", 0, 0)).toBe(1);
    expect(at("7 - 2 - 1", 0, 0)).toBe(4);
    expect(at("2^-1", 0, 0)).toBe(0.5);
    expect(at("sqrt(y) × (1 − x) ÷ 2", 0.5, 4)).toBe(0.5);
    expect(at("exp(log(y)) + 1e-3 + .5", 0, 2)).toBeCloseTo(2.501, 12);
  });

  test("anything else is refused at its place", () => {
    expect(() => parseLaw("sqrt(y")).toThrow('must have ")" at place 7, got its end');
    expect(() => parseLaw("y +")).toThrow("at place 4, got its end");
    expect(() => parseLaw("squrt(y)")).toThrow("a name it knows (sqrt?) at place 1");
    expect(() => parseLaw("y y")).toThrow('an operator or its end at place 3, got "y"');
    expect(() => parseLaw("process.exit()")).toThrow("a name it knows");
    expect(() => parseLaw("")).toThrow("at place 1, got its end");
    expect(() => parseLaw("(".repeat(5000))).toThrow("at most 100 brackets");
  });

  test("a law that is zero or no number on the way is named with the place", () => {
    expect(() => fastestDescent(1, 1, law("y - 0.5"))).toThrow(
      'law: "y - 0.5" must be a number above 0 on the way',
    );
    expect(() => fastestDescent(1, 1, law("log(y) / 0"))).toThrow("must be a number above 0");
    expect(() => fastestDescent(0, 1, fall())).toThrow("X must be a number above 0, got 0.");
    expect(() => brachistochrone(1, -2)).toThrow("Y must be a number above 0, got -2.");
    expect(() => fastestDescent(1, 1, fall(), { pieces: 1 })).toThrow("from 2 to 1000000, got 1.");
  });
});
