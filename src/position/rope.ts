// Su et al. 2021, "RoFormer", section 3.2. https://arxiv.org/abs/2104.09864
import { OptionError } from "../errors.ts";
import {
  cast,
  checkShapes,
  concat,
  cos,
  expandDims,
  reshape,
  sin,
  split,
  stack,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import { type Position, productPosition } from "./position.ts";

/** How the `D` numbers of a head pair up: `half` pairs i with i + D/2 (Hugging Face), `interleaved` 2i with 2i + 1. */
export type RotaryLayout = "half" | "interleaved";

export interface RopeOptions {
  /** Base `b` of the frequencies `θᵢ = b^(−2i/D)`; default 10000. */
  readonly base?: number;
  /** Default `half`. */
  readonly layout?: RotaryLayout;
}

/** Frequencies `θᵢ = b^(−2i/D)`, i = 0 … D/2 − 1. */
export function ropeFrequencies(D: number, base: number): Float64Array {
  if (D % 2 !== 0) throw new OptionError(`rope: head width must be even, got ${D}.`);
  if (!(base > 1)) throw new OptionError(`rope: base must be above 1, got ${base}.`);
  return Float64Array.from({ length: D / 2 }, (_, i) => base ** ((-2 * i) / D));
}

/**
 * `x` with pair i turned by the angle `position · θᵢ`.
 * @param x `[B, H, T, D]`. @param positions `[T]`, any numeric dtype. @param frequencies `D/2` angles a step.
 */
export function rotate(
  x: Tensor,
  positions: Tensor,
  frequencies: Float64Array,
  layout: RotaryLayout = "half",
): Tensor {
  const { D } = checkShapes("rotate", { x: [x, "B~ H T~ D"], positions: [positions, "T~"] });
  if (frequencies.length * 2 !== D) {
    throw new OptionError(`rotate: frequencies must be D/2=${D / 2}, got ${frequencies.length}.`);
  }
  const theta = tensor(Array.from(frequencies), { dtype: x.dtype });
  const angles = expandDims(cast(positions, x.dtype), 1).mul(theta); // [T, D/2]
  const c = cos(angles);
  const s = sin(angles);
  if (layout === "half") {
    const [a, b] = split(x, 2, -1) as [Tensor, Tensor];
    return concat([a.mul(c).sub(b.mul(s)), a.mul(s).add(b.mul(c))], -1);
  }
  const pairs = reshape(x, [...x.shape.slice(0, -1), D / 2, 2]);
  const [a, b] = split(pairs, 2, -1).map((p) => reshape(p, [...x.shape.slice(0, -1), D / 2])) as [
    Tensor,
    Tensor,
  ];
  return reshape(stack([a.mul(c).sub(b.mul(s)), a.mul(s).add(b.mul(c))], -1), x.shape);
}

/** Rotary position embedding: the score depends on the difference of positions only. */
export function rope({ base = 10_000, layout = "half" }: RopeOptions = {}): Position {
  const turn = (x: Tensor, positions: Tensor): Tensor => {
    const { D } = checkShapes("rope", { x: [x, "B~ H T~ D"] });
    return rotate(x, positions, ropeFrequencies(D, base), layout);
  };
  return productPosition({ query: turn, key: turn });
}
