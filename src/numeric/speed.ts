// How fast something moves at a place, and so how long a straight piece takes: time = ∫ ds / v, with its first two
// derivatives by the depths of both ends.
import { OptionError } from "../errors.ts";
import { ARTICLE_GRAVITY, type Place } from "./cycloid.ts";
import { constant, type Jet, variable } from "./jet.ts";
import type { Law } from "./law.ts";

/** The time T of a piece from (x₀, y₀) to (x₁, y₁) and its derivatives by y₀ and y₁. */
export interface PieceTime {
  readonly time: number;
  readonly d0: number;
  readonly d1: number;
  readonly d00: number;
  readonly d01: number;
  readonly d11: number;
}

/** A way of moving. */
export interface Speed {
  at(place: Place): number;
  piece(from: Place, to: Place): PieceTime;
}

/**
 * Free fall from depth 0, v = √(2g y). A straight piece of length L takes exactly 2L/(√2g·(√y₀ + √y₁)): no quadrature,
 * and nothing infinite at y = 0.
 */
export function fall(gravity: number = ARTICLE_GRAVITY): Speed {
  const unit = 2 / Math.sqrt(2 * gravity);
  return {
    at: ([, y]) => Math.sqrt(2 * gravity * y),
    piece([x0, y0], [x1, y1]) {
      const [r0, r1] = [Math.sqrt(y0), Math.sqrt(y1)];
      const slow = unit / (r0 + r1); // time per length
      // slow = unit/(r₀ + r₁): ∂slow/∂yᵢ = −slow²/(unit·2rᵢ)
      const side = (r: number): readonly [number, number] => {
        const first = -(slow ** 2) / (2 * unit * r);
        return [first, (2 * first ** 2) / slow - first / (2 * r * r)];
      };
      const [[s0, s00], [s1, s11]] = [side(r0), side(r1)];
      const s01 = (2 * s0 * s1) / slow;
      return timesLength([x0, y0], [x1, y1], { time: slow, d0: s0, d1: s1, d00: s00, d01: s01, d11: s11 });
    },
  };
}

/** Gauss and Legendre's eight places in (0, 1) and weights. */
const GAUSS: readonly (readonly [place: number, weight: number])[] = [
  [0.9602898564975363, 0.1012285362903763],
  [0.7966664774136267, 0.2223810344533745],
  [0.525532409916329, 0.3137066458778873],
  [0.1834346424956498, 0.362683783378362],
].flatMap(([x = 0, w = 0]): [number, number][] => [
  [(1 - x) / 2, w / 2],
  [(1 + x) / 2, w / 2],
]);

/** On a piece that begins at rest places are s = u⁴: 1/v may be as steep as s^(−3/4) there. */
const GRADE = 4;

/** A piece is halved, again and again, until the speed changes by no more than this factor within a part. */
const MOST_CHANGE = 2;
const MOST_HALVINGS = 60;

/**
 * A speed by a law. Eight places a part; a piece that begins where the speed is zero has them gathered there.
 * @throws OptionError from `piece` where the speed on the way is not a number above 0.
 */
export function bySpeedLaw(law: Law, text: string): Speed {
  const jetAt = (x: number, y: Jet): Jet => law(constant(x), y);
  const at = ([x, y]: Place): number => jetAt(x, constant(y)).value;
  return {
    at,
    piece(from, to) {
      const [[x0, y0], [x1, y1]] = [from, to];
      const place = (s: number): Place => [x0 + s * (x1 - x0), y0 + s * (y1 - y0)];
      const sum = { time: 0, d0: 0, d1: 0, d00: 0, d01: 0, d11: 0 };
      const sample = (s: number, weight: number): void => {
        const [x, y] = place(s);
        const v = jetAt(x, variable(y));
        if (!(v.value > 0 && Number.isFinite(v.value))) {
          throw new OptionError(
            `law: "${text}" must be a number above 0 on the way, got ${v.value} at x = ${short(x)}, y = ${short(y)}.`,
          );
        }
        // 1/v and its derivatives by the depth; a place takes the share 1 − s of y₀ and s of y₁.
        const slow = weight / v.value;
        const first = (-slow * v.first) / v.value;
        const second = slow * (2 * (v.first / v.value) ** 2 - v.second / v.value);
        sum.time += slow;
        sum.d0 += first * (1 - s);
        sum.d1 += first * s;
        sum.d00 += second * (1 - s) ** 2;
        sum.d01 += second * (1 - s) * s;
        sum.d11 += second * s ** 2;
      };
      const part = (low: number, high: number, halvings: number): void => {
        const change = at(place(low)) / at(place(high));
        if (halvings > 0 && !(change <= MOST_CHANGE && change >= 1 / MOST_CHANGE)) {
          const middle = (low + high) / 2;
          part(low, middle, halvings - 1);
          part(middle, high, halvings - 1);
          return;
        }
        for (const [u, w] of GAUSS) sample(low + u * (high - low), w * (high - low));
      };
      if (at(from) > 0) part(0, 1, MOST_HALVINGS);
      else for (const [u, w] of GAUSS) sample(u ** GRADE, w * GRADE * u ** (GRADE - 1));
      return timesLength(from, to, sum);
    },
  };
}

/** Time per length, times the length √((x₁ − x₀)² + (y₁ − y₀)²). */
function timesLength([x0, y0]: Place, [x1, y1]: Place, slow: PieceTime): PieceTime {
  const dy = y1 - y0;
  const length = Math.hypot(x1 - x0, dy);
  const first = dy / length; // ∂L/∂y₁ = −∂L/∂y₀
  const second = (x1 - x0) ** 2 / length ** 3;
  return {
    time: slow.time * length,
    d0: slow.d0 * length - slow.time * first,
    d1: slow.d1 * length + slow.time * first,
    d00: slow.d00 * length - 2 * slow.d0 * first + slow.time * second,
    d01: slow.d01 * length + (slow.d0 - slow.d1) * first - slow.time * second,
    d11: slow.d11 * length + 2 * slow.d1 * first + slow.time * second,
  };
}

const short = (x: number): string => String(Number(x.toPrecision(6)));
