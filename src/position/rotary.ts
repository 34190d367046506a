// Su et al. 2021, "RoFormer", section 3.2. https://arxiv.org/abs/2104.09864
// The turn itself, shared by every method that scores by turned queries and keys.
import { checkOptions, OptionError } from "../errors.ts";
import {
  cast,
  checkShapes,
  concat,
  cos,
  expandDims,
  fused,
  narrow,
  reshape,
  sin,
  split,
  stack,
  Tensor,
  tensor,
} from "../tensor/index.ts";

/** How the `D` numbers of a head pair up: `half` pairs i with i + D/2 (Hugging Face), `interleaved` 2i with 2i + 1. */
export type RotaryLayout = "half" | "interleaved";

/** Angles a step for the `D/2` pairs of a head of width `D`, given the base: a pure function of plain numbers. */
export type Frequencies = (D: number, base: number) => Float64Array;

/** What the rotary methods have in common. */
export interface RotaryOptions {
  /** Base `b` of the frequencies `θᵢ = b^(−2i/D)`; default 10000. */
  readonly base?: number;
  /** Default `half`. */
  readonly layout?: RotaryLayout;
  /** Share of a head's numbers that turn, the first ones, in (0, 1]; default 1. */
  readonly fraction?: number;
  /** Another rule for the frequencies, such as `ntkMixed({ scale: 8 })`; default `ropeFrequencies`. */
  readonly frequencies?: Frequencies;
  /** Factor of cosine and sine, for queries and keys alike (YaRN); default 1. */
  readonly magnitude?: number;
}

export const ROTARY_OPTIONS: readonly string[] = ["base", "layout", "fraction", "frequencies", "magnitude"];

/** Frequencies `θᵢ = b^(−2i/D)`, i = 0 … D/2 − 1. @throws OptionError for an odd width or a base ≤ 1. */
export function ropeFrequencies(D: number, base: number): Float64Array {
  if (D % 2 !== 0) throw new OptionError(`rope: head width must be even, got ${D}.`);
  if (!(base > 1)) throw new OptionError(`rope: base must be above 1, got ${base}.`);
  return Float64Array.from({ length: D / 2 }, (_, i) => base ** ((-2 * i) / D));
}

/**
 * `x` with pair i turned by the angle `position · θᵢ`.
 * @param x `[B, H, T, D]`. @param positions `[T]`, or `[B, T]` where texts have places of their own, any numeric dtype.
 * @param frequencies `D/2` angles a step, numbers or a tensor `[D/2]`.
 * @param magnitude Factor of the result.
 */
export function rotate(
  x: Tensor,
  positions: Tensor,
  frequencies: Float64Array | Tensor,
  layout: RotaryLayout = "half",
  magnitude = 1,
): Tensor {
  const own = positions.shape.length === 2;
  const { D } = checkShapes("rotate", {
    x: [x, "B~ H~ T~ D"],
    positions: [positions, own ? "B~ T~" : "T~"],
  });
  const size = frequencies instanceof Tensor ? frequencies.shape[0] : frequencies.length;
  if (size !== D / 2) throw new OptionError(`rotate: frequencies must be D/2=${D / 2}, got ${size}.`);
  // Half precision holds no position above 2048, so angles are taken in single.
  const dtype = x.dtype === "float16" ? "float32" : x.dtype;
  const theta =
    frequencies instanceof Tensor ? cast(frequencies, dtype) : tensor(Array.from(frequencies), { dtype });
  const steps = expandDims(cast(positions, dtype), -1).mul(theta); // [T, D/2]
  const angles = own ? expandDims(steps, 1) : steps; // [B, 1, T, D/2]
  const scaled = (y: Tensor): Tensor => cast(magnitude === 1 ? y : y.mul(magnitude), x.dtype);
  const c = scaled(cos(angles));
  const s = scaled(sin(angles));
  const interleaved = layout === "interleaved";
  const turned = interleaved ? turnNeighbours : turnHalves;
  // The runtime's kernel takes one set of angles for all texts.
  return own ? turned(x, c, s) : fused({ name: "rotary", interleaved }, [x, c, s], turned);
}

/** `(a, b) ⊙ (cos, cos) + (b, a) ⊙ (−sin, sin)` for the halves `a` and `b` of `x`. */
function turnHalves(x: Tensor, c: Tensor, s: Tensor): Tensor {
  const [a, b] = split(x, 2, -1) as [Tensor, Tensor];
  return x.mul(concat([c, c], -1)).add(concat([b, a], -1).mul(concat([s.neg(), s], -1)));
}

/** `(a cos − b sin, a sin + b cos)` for the even numbers `a` and the odd numbers `b` of `x`. */
function turnNeighbours(x: Tensor, c: Tensor, s: Tensor): Tensor {
  const half = [...x.shape.slice(0, -1), Number(x.shape.at(-1)) / 2];
  const [a, b] = split(reshape(x, [...half, 2]), 2, -1).map((p) => reshape(p, half)) as [Tensor, Tensor];
  return reshape(stack([a.mul(c).sub(b.mul(s)), a.mul(s).add(b.mul(c))], -1), x.shape);
}

/** Turns queries or keys `[B, H, T, D]` to `positions` `[T]` or `[B, T]`, which may be fractions and negative. */
export type Turn = (x: Tensor, positions: Tensor) => Tensor;

/** The turn that `options` describe. @throws OptionError naming the method `where` for values out of range. */
export function turnOf(where: string, options: RotaryOptions, others: readonly string[] = []): Turn {
  checkOptions(where, options, [...ROTARY_OPTIONS, ...others]);
  const { base = 10_000, layout = "half", fraction = 1, frequencies = ropeFrequencies } = options;
  const { magnitude = 1 } = options;
  if (!(base > 1)) throw new OptionError(`${where}: base must be above 1, got ${base}.`);
  if (!(fraction > 0 && fraction <= 1)) {
    throw new OptionError(`${where}: fraction must be in (0, 1], got ${fraction}.`);
  }
  return (x, positions) =>
    turnPart(where, x, fraction, (part, width) => {
      return rotate(part, positions, frequencies(width, base), layout, magnitude);
    });
}

/** Applies `turn` to the first `fraction` of the last axis and leaves the rest. */
export function turnPart(
  where: string,
  x: Tensor,
  fraction: number,
  turn: (part: Tensor, width: number) => Tensor,
): Tensor {
  const { D } = checkShapes(where, { x: [x, "B~ H~ T~ D"] });
  const width = Math.floor(D * fraction);
  if (width % 2 !== 0 || width === 0) {
    throw new OptionError(`${where}: fraction of head width must be even, got ${width} of ${D}.`);
  }
  if (width === D) return turn(x, D);
  return concat([turn(narrow(x, 3, 0, width), width), narrow(x, 3, width, D)], 3);
}
