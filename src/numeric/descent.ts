// The curve of fastest descent found directly: a polyline whose depths are free, its time made least by Newton's
// method. Each piece meets its two neighbours alone, so the Hessian is tridiagonal and a step costs O(n).
import { OptionError } from "../errors.ts";
import { brachistochrone, checkEnd, type Place } from "./cycloid.ts";
import type { PieceTime, Speed } from "./speed.ts";

/** A polyline from the origin to the end. */
export interface Descent {
  readonly places: readonly Place[];
  readonly time: number;
  /** Newton steps taken. */
  readonly iterations: number;
}

/** How `fastestDescent` works. */
export interface DescentOptions {
  /** Straight pieces n. Default 256. */
  readonly pieces?: number;
  /**
   * Places across are X(i/n)^grade. The curve leaves the origin as y ~ x^⅔: on an even grid (1) the time is of order 1
   * in 1/n, on a cubic one (default 3) of order 2.
   */
  readonly grade?: number;
}

/** Newton's method has arrived when a step promises to save less than this share of the time. */
const ARRIVED = 1e-15;
const MOST_ITERATIONS = 200;

/**
 * The polyline of least time from rest at the origin to (X, Y).
 * @throws OptionError for an end that is not across and down, fewer than two pieces, a speed that is not above 0 on the
 * way, and when the time has no least within the steps allowed.
 */
export function fastestDescent(
  X: number,
  Y: number,
  speed: Speed,
  { pieces = 256, grade = 3 }: DescentOptions = {},
): Descent {
  checkEnd("fastestDescent", X, Y);
  if (!Number.isSafeInteger(pieces) || pieces < 2 || pieces > 1e6) {
    throw new OptionError(`fastestDescent: pieces must be a whole number from 2 to 1000000, got ${pieces}.`);
  }
  const across = Array.from({ length: pieces + 1 }, (_, i) => X * (i / pieces) ** grade);
  let depths = across.map((x) => Y * (x / X) ** 0.6);
  let now = measure(across, depths, speed);
  let damping = 0;
  for (let iterations = 0; iterations < MOST_ITERATIONS; iterations++) {
    const step = solveTridiagonal(now.diagonal, now.beside, now.gradient, damping);
    // Half of gᵀH⁻¹g is what a full step saves where the time is a parabola.
    const saves = step?.reduce((sum, s, i) => sum + s * (now.gradient[i] ?? 0), 0) ?? Infinity;
    if (saves >= 0 && saves / 2 <= ARRIVED * now.time)
      return { ...result(across, depths, now.time), iterations };
    const next = step && shorter(across, depths, step, now, speed);
    if (next === undefined) {
      // Not downhill, or not convex here: lean towards steepest descent, scaled by the diagonal.
      damping = damping === 0 ? 1e-6 : damping * 10;
      if (damping > 1e12) return { ...result(across, depths, now.time), iterations };
      continue;
    }
    damping = damping > 1e-9 ? damping / 10 : 0;
    depths = next.depths;
    now = next.measured;
  }
  throw new OptionError(
    `fastestDescent: the time must have a least value, got ${now.time} still falling after ${MOST_ITERATIONS} steps. Look at the law.`,
  );
}

const result = (across: readonly number[], depths: readonly number[], time: number) => ({
  places: across.map((x, i): Place => [x, depths[i] ?? 0]),
  time,
});

interface Measured {
  readonly time: number;
  /** By the free depths 1 … n − 1. */
  readonly gradient: readonly number[];
  readonly diagonal: readonly number[];
  readonly beside: readonly number[];
}

function measure(across: readonly number[], depths: readonly number[], speed: Speed): Measured {
  const place = (i: number): Place => [across[i] ?? 0, depths[i] ?? 0];
  const parts: PieceTime[] = [];
  for (let i = 0; i + 1 < across.length; i++) parts.push(speed.piece(place(i), place(i + 1)));
  const inner = parts.slice(0, -1).map((before, i) => ({ before, after: parts[i + 1] as PieceTime }));
  return {
    time: parts.reduce((sum, p) => sum + p.time, 0),
    gradient: inner.map(({ before, after }) => before.d1 + after.d0),
    diagonal: inner.map(({ before, after }) => before.d11 + after.d00),
    beside: inner.slice(0, -1).map(({ after }) => after.d01),
  };
}

/** The first of the step's halvings that takes less time; the depths stay below the start. */
function shorter(
  across: readonly number[],
  depths: readonly number[],
  step: readonly number[],
  now: Measured,
  speed: Speed,
): { depths: number[]; measured: Measured } | undefined {
  const slope = step.reduce((sum, s, i) => sum - s * (now.gradient[i] ?? 0), 0);
  if (!(slope < 0)) return undefined;
  for (let share = 1; share > 1e-3; share /= 2) {
    const moved = depths.map((y, i) => y - share * (step[i - 1] ?? 0));
    if (!moved.slice(1).every((y) => y > 0)) continue;
    const measured = measure(across, moved, speed);
    if (measured.time < now.time) return { depths: moved, measured };
  }
  return undefined;
}

/** (H + damping·diag H)⁻¹ g for a symmetric tridiagonal H, or nothing where that is not positive definite. */
function solveTridiagonal(
  diagonal: readonly number[],
  beside: readonly number[],
  right: readonly number[],
  damping: number,
): number[] | undefined {
  const pivots: number[] = [];
  const out = [...right];
  for (const [i, d] of diagonal.entries()) {
    const above = i === 0 ? 0 : (beside[i - 1] ?? 0) / (pivots[i - 1] ?? 1);
    const pivot = d + damping * Math.abs(d) - above * (beside[i - 1] ?? 0);
    if (!(pivot > 0)) return undefined;
    pivots.push(pivot);
    out[i] = (out[i] ?? 0) - above * (out[i - 1] ?? 0);
  }
  for (let i = out.length - 1; i >= 0; i--) {
    out[i] = ((out[i] ?? 0) - (beside[i] ?? 0) * (out[i + 1] ?? 0)) / (pivots[i] ?? 1);
  }
  return out;
}

/** When each place of a polyline is reached, from 0. @throws OptionError where the speed on the way is not above 0. */
export function clockAlong(places: readonly Place[], speed: Speed): number[] {
  let now = 0;
  return places.map((place, i) => {
    if (i > 0) now += speed.piece(places[i - 1] as Place, place).time;
    return now;
  });
}

/** Time along a polyline. @throws OptionError where the speed on the way is not above 0. */
export function timeAlong(places: readonly Place[], speed: Speed): number {
  return clockAlong(places, speed).at(-1) ?? 0;
}

/** The straight line to (X, Y) in pieces as `fastestDescent` cuts it, for laws that have no closed form. */
export function straightLine(X: number, Y: number, pieces = 256, grade = 3): Place[] {
  return Array.from({ length: pieces + 1 }, (_, i): Place => {
    const share = (i / pieces) ** grade;
    return [X * share, Y * share];
  });
}

/** Galileo's arc: the quarter or lesser circle that begins upright at the origin and ends at (X, Y). */
export function circleArc(X: number, Y: number, pieces = 256): Place[] {
  checkEnd("circleArc", X, Y);
  // Centre (r, 0): (X − r)² + Y² = r².
  const r = (X * X + Y * Y) / (2 * X);
  const end = Math.atan2(Y, r - X);
  return Array.from({ length: pieces + 1 }, (_, i): Place => {
    if (i === pieces) return [X, Y];
    const angle = end * (i / pieces) ** 2;
    return [2 * r * Math.sin(angle / 2) ** 2, r * Math.sin(angle)];
  });
}

/**
 * v²(1 + y′²) along a polyline, piece by piece (y′ and v at its middle): constant where v depends on depth alone and the
 * curve is the fastest. The first integral of the article.
 */
export function firstIntegral(places: readonly Place[], speed: Speed): number[] {
  return places.slice(1).map(([x1, y1], i) => {
    const [x0, y0] = places[i] as Place;
    const slope = (y1 - y0) / (x1 - x0);
    return speed.at([(x0 + x1) / 2, (y0 + y1) / 2]) ** 2 * (1 + slope ** 2);
  });
}

/** The cycloid as a polyline of `pieces` pieces, even in time. */
export function cycloidPlaces(X: number, Y: number, pieces = 256): Place[] {
  const curve = brachistochrone(X, Y);
  return Array.from({ length: pieces + 1 }, (_, i) => curve.at(i / pieces));
}
