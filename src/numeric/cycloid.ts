// Su Jianlin 2011, https://kexue.fm/archives/1107, after Johann Bernoulli 1696: the curve of fastest descent from the
// origin to (X, Y), depth Y downward. Light that crosses thin slices keeps v / cos θ, so that v²(1 + y′²) is constant;
// with v = √(2g y) that is y(1 + y′²) = 2R, the cycloid
//   x = R(θ − sin θ), y = R(1 − cos θ), reached after t = √(R/g)·θ.
import { OptionError } from "../errors.ts";

/** A place: across, and down. */
export type Place = readonly [x: number, y: number];

/** The arc of a cycloid from its cusp, the origin, to (X, Y). */
export interface Cycloid {
  /** Angle of the end, 0 < θ < 2π; above π the curve dips below its end, to 2R. */
  readonly theta: number;
  readonly radius: number;
  readonly time: number;
  /** Where the fall is after a share 0 … 1 of its time: θ grows evenly. */
  at(share: number): Place;
}

/** The article's unit: with g = ½ the speed after a fall of y is √y. */
export const ARTICLE_GRAVITY = 0.5;

/**
 * The curve of fastest descent without friction.
 * @param X Across, > 0. @param Y Down, > 0. @param gravity g in v² = 2g y; default the article's ½.
 * @throws OptionError for numbers that are not positive, or so uneven that θ is no number between 0 and 2π.
 */
export function brachistochrone(X: number, Y: number, gravity: number = ARTICLE_GRAVITY): Cycloid {
  checkEnd("brachistochrone", X, Y);
  checkPositive("brachistochrone", "gravity", gravity);
  // (θ − sin θ)/(1 − cos θ) = X/Y rises from 0 to ∞. Beyond π the angle that is left, φ = 2π − θ, is what is exact.
  const ratio = X / Y;
  const beyond = ratio > Math.PI / 2;
  const angle = bisect((a) => (beyond ? ratio - slant(2 * Math.PI - a, a) : slant(a, a) - ratio), Math.PI);
  const theta = beyond ? 2 * Math.PI - angle : angle;
  const radius = Y / (2 * Math.sin(angle / 2) ** 2);
  if (!(angle > 0 && Number.isFinite(radius))) {
    throw new OptionError(
      `brachistochrone: X / Y must leave an angle between 0 and 2π, got X = ${X}, Y = ${Y}. Take them nearer to each other.`,
    );
  }
  const at = (share: number): Place => {
    if (share === 1) return [X, Y];
    const t = theta * share;
    return [radius * lag(t), 2 * radius * Math.sin(t / 2) ** 2];
  };
  return { theta, radius, time: Math.sqrt(radius / gravity) * theta, at };
}

/** (θ − sin θ)/(1 − cos θ), where 1 − cos θ is read off the angle to the nearer cusp. */
const slant = (theta: number, near: number): number => lag(theta) / (2 * Math.sin(near / 2) ** 2);

/** θ − sin θ without cancellation: its series for small angles. */
function lag(theta: number): number {
  if (Math.abs(theta) > 0.5) return theta - Math.sin(theta);
  let term = theta ** 3 / 6;
  let sum = 0;
  for (let k = 4; sum + term !== sum; k += 2) {
    sum += term;
    term *= -(theta * theta) / (k * (k + 1));
  }
  return sum;
}

/** The root of an increasing f in (0, most): halving until two neighbours of float64 are left. */
export function bisect(f: (x: number) => number, most: number): number {
  let [low, high] = [0, most];
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    if (f(middle) < 0) low = middle;
    else high = middle;
  }
}

/** Time down the straight line to (X, Y): 2L/√(2gY). */
export function lineTime(X: number, Y: number, gravity: number = ARTICLE_GRAVITY): number {
  checkEnd("lineTime", X, Y);
  return (2 * Math.hypot(X, Y)) / Math.sqrt(2 * gravity * Y);
}

/**
 * Time from rest at any place of a cycloid to its lowest: π√(R/g), wherever the fall begins (the tautochrone of Huygens
 * 1673). `timeAlong` over a piece of the arc is the check.
 */
export function tautochroneTime(radius: number, gravity: number = ARTICLE_GRAVITY): number {
  return Math.PI * Math.sqrt(radius / gravity);
}

/** @throws OptionError unless both are positive numbers. */
export function checkEnd(where: string, X: number, Y: number): void {
  checkPositive(where, "X", X);
  checkPositive(where, "Y", Y);
}

function checkPositive(where: string, name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) {
    throw new OptionError(`${where}: ${name} must be a number above 0, got ${value}.`);
  }
}
