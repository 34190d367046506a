// Bernoulli 1697: the fall as light through n slices of glass, each of one speed, bent at every border by Fermat's and
// Snell's rule sin α / v = K. As the slices thin the path becomes the cycloid.
import { OptionError } from "../errors.ts";
import { ARTICLE_GRAVITY, bisect, checkEnd, type Place } from "./cycloid.ts";

/** A path of light through slices. */
export interface LightPath {
  /** Where it enters each slice, and its end. */
  readonly places: readonly Place[];
  readonly time: number;
  /** sin α / v, the same in every slice. */
  readonly constant: number;
}

/**
 * The fastest path from the origin to (X, Y) through `slices` slices of equal depth, each with the mean speed of a fall
 * through it, √(2g)·(√y₀ + √y₁)/2, so that its time is that of a ball on the same straight pieces. Where X/Y > π/2 the light dips below its end and turns back: slices then go down to where it turns.
 * @throws OptionError for an end that is not across and down, or fewer than one slice.
 */
export function refraction(
  X: number,
  Y: number,
  slices: number,
  gravity: number = ARTICLE_GRAVITY,
): LightPath {
  checkEnd("refraction", X, Y);
  if (!Number.isSafeInteger(slices) || slices < 1 || slices > 1e6) {
    throw new OptionError(`refraction: slices must be a whole number from 1 to 1000000, got ${slices}.`);
  }
  if (X / Y <= Math.PI / 2) {
    const light = throughSlices(Y, slices, gravity);
    return light.path(bisect((K) => light.across(K) - X, 1 / light.fastest));
  }
  // It turns at a depth D > Y, where K = 1/v(D): the deeper, the farther across.
  const turned = (D: number) => {
    const K = 1 / Math.sqrt(2 * gravity * D);
    const [down, up] = [throughSlices(D, slices, gravity), throughSlices(D, slices, gravity, Y)];
    return { K, down, up, excess: down.across(K) + up.across(K) - X };
  };
  let deepest = 2 * Y;
  while (turned(deepest).excess < 0) deepest *= 2;
  const { K, ...legs } = turned(Y + bisect((extra) => turned(Y + extra).excess, deepest - Y));
  const [down, up] = [legs.down.path(K), legs.up.path(K)];
  const bottom = down.places.at(-1)?.[0] ?? 0;
  const back = up.places.at(-1)?.[0] ?? 0;
  const rising = up.places.toReversed().map(([x, y]): Place => [bottom + back - x, y]);
  return { places: [...down.places, ...rising.slice(1)], time: down.time + up.time, constant: K };
}

/** Straight pieces through slices of [from, to]. */
function throughSlices(depth: number, slices: number, gravity: number, from = 0) {
  const thick = depth / slices;
  // Of each slice the part below `from`.
  const parts = Array.from({ length: slices }, (_, i) => {
    const [top, bottom] = [Math.max(from, i * thick), (i + 1) * thick];
    return { top, bottom, speed: (Math.sqrt(2 * gravity) * (Math.sqrt(top) + Math.sqrt(bottom))) / 2 };
  }).filter(({ top, bottom }) => bottom > top);
  const tangent = (K: number, v: number): number => {
    const sine = K * v;
    return sine / Math.sqrt((1 - sine) * (1 + sine));
  };
  return {
    fastest: parts.at(-1)?.speed ?? 0,
    across: (K: number): number =>
      parts.reduce((sum, { top, bottom, speed }) => sum + (bottom - top) * tangent(K, speed), 0),
    path(K: number): LightPath {
      const places: Place[] = [[0, from]];
      let [x, time] = [0, 0];
      for (const { top, bottom, speed } of parts) {
        const across = (bottom - top) * tangent(K, speed);
        x += across;
        time += Math.hypot(across, bottom - top) / speed;
        places.push([x, bottom]);
      }
      return { places, time, constant: K };
    },
  };
}
