// Mentzer, Minnen, Agustsson and Tschannen 2023, "Finite scalar quantization", section 3. https://arxiv.org/abs/2309.15505
// Forms: that of the paper's notebook (google-research/fsq), the one of vector-quantize-pytorch with atanh, and that of
// Su 2023, https://kexue.fm/archives/9826, with the sigmoid.
import { OptionError } from "../errors.ts";
import {
  cast,
  expandDims,
  round,
  sigmoid,
  straightThrough,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "../tensor/index.ts";

/** How channels are bounded before they are rounded. */
export type FsqForm = "official" | "atanh" | "sigmoid";

/** Names of the forms. */
export const FSQ_FORMS: readonly FsqForm[] = ["official", "atanh", "sigmoid"];

/** A grid of codes. */
export interface FsqOptions {
  /** Values of each of the `D` channels, whole numbers ≥ 3; 5 or more are advised. */
  readonly levels: readonly number[];
  /** Default `official`. */
  readonly form?: FsqForm;
}

/** Margin between the bound and the outermost values. */
const EPSILON = 1e-3;

/** Indices are int32. */
const MOST_CODES = 2 ** 31 - 1;

/** Number of codes, `Π L`. @throws OptionError for levels that are no whole numbers ≥ 3, or more codes than int32 counts. */
export function fsqSize({ levels }: Pick<FsqOptions, "levels">): number {
  const size = levels.reduce((a, b) => a * b, 1);
  if (levels.length === 0 || !levels.every((l) => Number.isSafeInteger(l) && l >= 3)) {
    throw new OptionError(
      `fsq: levels must be whole numbers ≥ 3, got ${levels.length === 0 ? "none" : levels.join(", ")}. Two levels have no middle; take more channels instead.`,
    );
  }
  if (size > MOST_CODES) {
    throw new OptionError(`fsq: levels must multiply to at most ${MOST_CODES} codes, got ${size}.`);
  }
  return size;
}

/** Bounds each channel to a range in which exactly as many whole numbers lie as it has levels. */
function bounded(z: Tensor, levels: readonly number[], form: FsqForm): Tensor {
  const row = (f: (level: number) => number): Tensor => tensor(levels.map(f), { dtype: z.dtype });
  if (form === "sigmoid") return sigmoid(z).mul(row((l) => l - 1));
  const margin = form === "official" ? 1 - EPSILON : 1 + EPSILON;
  const half = (l: number): number => ((l - 1) * margin) / 2;
  const offset = (l: number): number => (l % 2 === 0 ? 0.5 : 0);
  const shift = (l: number): number => {
    const share = offset(l) / half(l);
    return form === "official" ? Math.tan(share) : Math.atanh(share);
  };
  return tanh(z.add(row(shift)))
    .mul(row(half))
    .sub(row(offset));
}

/** The code of whole numbers: those of `sigmoid` are `0 … L − 1` and end in `[−1, 1]`, others begin at `−⌊L/2⌋`. */
function scaled(whole: Tensor, levels: readonly number[], form: FsqForm): Tensor {
  const row = (f: (level: number) => number): Tensor => tensor(levels.map(f), { dtype: whole.dtype });
  if (form === "sigmoid") return whole.mul(row((l) => 2 / (l - 1))).sub(1);
  return whole.div(row((l) => Math.floor(l / 2)));
}

/** Whole numbers `0 … L − 1` of each channel of `z`, int32. */
function digitsOf(z: Tensor, levels: readonly number[], form: FsqForm): Tensor {
  const whole = cast(round(bounded(z, levels, form)), "int32");
  if (form === "sigmoid") return whole;
  return whole.add(tensor(Int32Array.from(levels, (l) => Math.floor(l / 2))));
}

/** `1, L₁, L₁L₂, …` */
function basisOf(levels: readonly number[]): Tensor {
  let place = 1;
  return tensor(
    Int32Array.from(levels, (l) => {
      const here = place;
      place *= l;
      return here;
    }),
  );
}

function check(where: string, z: Tensor, { levels, form = "official" }: FsqOptions): FsqForm {
  fsqSize({ levels });
  if (!FSQ_FORMS.includes(form)) {
    throw new OptionError(`${where}: form must be one of ${FSQ_FORMS.join(", ")}, got "${form as string}".`);
  }
  if (z.shape.at(-1) !== levels.length || z.rank === 0) {
    throw new OptionError(
      `${where}: z must have one channel for each of ${levels.length} levels on its last axis, got [${z.shape.join(", ")}].`,
    );
  }
  return form;
}

/**
 * The nearest code of the grid, `round(B(z)) / ⌊L/2⌋`, with the slope of `B` in place of that of the rounding.
 * With `h = (L − 1)(1 ∓ ε)/2`, `o = ½` for even `L` (else 0): `official` `B = h tanh(z + tan(o/h)) − o` with `−ε`,
 * `atanh` `B = h tanh(z + atanh(o/h)) − o` with `+ε`; `ε = 10⁻³`. `sigmoid`: `B = (L − 1) σ(z)`, whose whole numbers `y`
 * become `2y/(L − 1) − 1` (the article hands on `y` itself).
 * @param z `[…, D]`, a float type. @returns Codes `[…, D]` in `[−1, 1]`.
 * @throws OptionError for levels below 3 or another number of channels.
 * @example
 * const code = fsqQuantize(z, { levels: [8, 5, 5, 5] }); // 1,000 codes
 */
export function fsqQuantize(z: Tensor, options: FsqOptions): Tensor {
  const form = check("fsqQuantize", z, options);
  const b = bounded(z, options.levels, form);
  return scaled(straightThrough(round(b), b), options.levels, form);
}

/**
 * Index of the code of `z`, `Σ digit · Π_{j<i} L_j`, in whole-number arithmetic.
 * @param z `[…, D]`. @returns `[…]`, int32, below `fsqSize`.
 */
export function fsqEncode(z: Tensor, options: FsqOptions): Tensor {
  const form = check("fsqEncode", z, options);
  const { levels } = options;
  return sum(digitsOf(z, levels, form).mul(basisOf(levels)), { axis: -1 });
}

/**
 * Codes of indices: what `fsqQuantize` gives of every `z` that `fsqEncode` sends there.
 * @param indices `[…]`, int32 below `fsqSize`. @returns `[…, D]`, float32.
 */
export function fsqDecode(indices: Tensor, { levels, form = "official" }: FsqOptions): Tensor {
  fsqSize({ levels });
  // Whole numbers divide towards zero, which is down here.
  const over = expandDims(indices, -1).div(basisOf(levels));
  const per = tensor(Int32Array.from(levels));
  const digits = over.sub(over.div(per).mul(per));
  const whole =
    form === "sigmoid" ? digits : digits.sub(tensor(Int32Array.from(levels, (l) => Math.floor(l / 2))));
  return scaled(cast(whole, "float32"), levels, form);
}
