// What a tensor can be asked for: `x.exp()`, `x.sum({ axis: 0 })`, `x.reshape([2, -1])`. The functions of the same names
// are these, and say so where `x` is no tensor. A class below `Tensor`, since it makes tensors and nothing above makes it.
import { checkOptions, OptionError, ShapeError } from "../errors.ts";
import { type Dim, type Shape, sameShape } from "../graph/dim.ts";
import type { Dtype } from "../graph/dtype.ts";
import { axisOf, calledName, resolveShape, showShape } from "../graph/infer.ts";
import { type OpAttributes, type OpName, type Type, typeOf, type Value } from "../graph/value.ts";
import { requireDtype, requireFits, requireShape, requireWhole, show } from "./arguments.ts";

/** `axis`: one axis, several, or all when absent; `keep` leaves reduced axes with size 1 (default false). */
export interface ReduceOptions {
  readonly axis?: number | readonly number[];
  readonly keep?: boolean;
}

/** A part of one axis: `[start, end)` by `step`; counted from the end when negative. */
export interface Span {
  readonly start?: Dim;
  readonly end?: Dim;
  readonly step?: number;
}

/** Options of `gelu`: `none` (default) uses erf, `tanh` the approximation that GPT-2 uses. */
export interface GeluOptions {
  readonly approximate?: "none" | "tanh";
}

/** Options of `cumSum`; the axis is the last by default. */
export interface CumSumOptions {
  readonly axis?: number;
  readonly exclusive?: boolean;
  readonly reverse?: boolean;
}

/** Ops of one operand and no attributes. */
export type UnaryName = Extract<
  OpName,
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "round"
  | "exp"
  | "log"
  | "sqrt"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "tanh"
  | "asinh"
  | "acosh"
  | "atanh"
  | "erf"
  | "sigmoid"
  | "softplus"
  | "relu"
  | "silu"
  | "not"
>;

type ReduceName = "sum" | "mean" | "reduceMax" | "reduceMin" | "prod" | "logSumExp";

/** A bound of a span within `[0, size]`; symbolic bounds are taken as they are. */
function bound(what: string, at: Dim, size: Dim): Dim {
  if (typeof at === "string") return at;
  requireWhole("slice", what, at);
  if (typeof size !== "number") {
    if (at < 0) throw new ShapeError(`slice: a bound from the end needs a known size, got ${at} of ${size}.`);
    return at;
  }
  return Math.min(size, Math.max(0, at < 0 ? at + size : at));
}

/** Unary, reducing and shaping functions of a value. */
export abstract class Methods implements Value {
  abstract readonly id: number;
  abstract readonly op: OpName;
  abstract readonly inputs: readonly Value[];
  abstract readonly attributes: OpAttributes[OpName];
  abstract readonly outputs: readonly Type[];

  /** A new value of the closed op set, of the class of this one. */
  protected abstract derive<K extends OpName>(
    op: K,
    inputs: readonly Value[],
    attributes: OpAttributes[K],
  ): this;

  /** Sizes of the axes, outermost first. */
  get shape(): Shape {
    return typeOf(this).shape;
  }
  /** Element type. */
  get dtype(): Dtype {
    return typeOf(this).dtype;
  }
  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  private unary(op: UnaryName): this {
    return this.derive(op, [this], {});
  }
  private number(value: number, dtype: Dtype): this {
    return this.derive("constant", [], { value, dtype });
  }

  /** `−this`. */
  neg(): this {
    return this.unary("neg");
  }
  /** `|this|`; derivative 0 at 0. */
  abs(): this {
    return this.unary("abs");
  }
  /** −1, 0 or 1; derivative 0. */
  sign(): this {
    return this.unary("sign");
  }
  /** Largest integer ≤ this; derivative 0. */
  floor(): this {
    return this.unary("floor");
  }
  /** Smallest integer ≥ this; derivative 0. */
  ceil(): this {
    return this.unary("ceil");
  }
  /** Nearest integer, ties to even; derivative 0. */
  round(): this {
    return this.unary("round");
  }
  /** `e^this`. */
  exp(): this {
    return this.unary("exp");
  }
  /** Natural logarithm. */
  log(): this {
    return this.unary("log");
  }
  /** Square root. */
  sqrt(): this {
    return this.unary("sqrt");
  }
  /** `1/√this`. */
  rsqrt(): this {
    return this.derive("div", [this.number(1, this.dtype), this.sqrt()], {});
  }
  /** `this²`. */
  square(): this {
    return this.derive("mul", [this, this], {});
  }
  sin(): this {
    return this.unary("sin");
  }
  cos(): this {
    return this.unary("cos");
  }
  tan(): this {
    return this.unary("tan");
  }
  asin(): this {
    return this.unary("asin");
  }
  acos(): this {
    return this.unary("acos");
  }
  atan(): this {
    return this.unary("atan");
  }
  sinh(): this {
    return this.unary("sinh");
  }
  cosh(): this {
    return this.unary("cosh");
  }
  tanh(): this {
    return this.unary("tanh");
  }
  asinh(): this {
    return this.unary("asinh");
  }
  acosh(): this {
    return this.unary("acosh");
  }
  atanh(): this {
    return this.unary("atanh");
  }
  /** `2/√π ∫₀ˣ e^{−t²} dt`. */
  erf(): this {
    return this.unary("erf");
  }
  /** `1 / (1 + e^{−x})`. */
  sigmoid(): this {
    return this.unary("sigmoid");
  }
  /** `log(1 + eˣ)`. */
  softplus(): this {
    return this.unary("softplus");
  }
  /** `max(x, 0)`; derivative 0 at 0. */
  relu(): this {
    return this.unary("relu");
  }
  /** `x · sigmoid(x)`. */
  silu(): this {
    return this.unary("silu");
  }
  /** Gaussian error linear unit, `x Φ(x)`. */
  gelu({ approximate = "none" }: GeluOptions = {}): this {
    if (approximate !== "none" && approximate !== "tanh") {
      throw new OptionError(`gelu: approximate must be none or tanh, got ${show(approximate)}.`);
    }
    return this.derive("gelu", [this], { approximate });
  }
  /** Logical not. */
  not(): this {
    return this.unary("not");
  }
  /** Held within `[low, high]`. */
  clip(low: number, high: number): this {
    requireFits("clip", "low", low, this.dtype);
    requireFits("clip", "high", high, this.dtype);
    const raised = this.derive("max", [this, this.number(low, this.dtype)], {});
    return this.derive("min", [raised, this.number(high, this.dtype)], {});
  }
  /** As another dtype: floats truncate towards zero to integers, anything but 0 is true. */
  cast(dtype: Dtype): this {
    requireDtype("cast", dtype);
    return this.dtype === dtype ? this : this.derive("cast", [this], { to: dtype });
  }

  private reduce(op: ReduceName, options: ReduceOptions, where: string = calledName(op)): this {
    checkOptions(where, options, ["axis", "keep"]);
    const { axis, keep = false } = options;
    const chosen = axis === undefined ? this.shape.map((_, i) => i) : Array.isArray(axis) ? axis : [axis];
    const axes = [...new Set(chosen.map((a: number) => axisOf(where, a, this.rank)))].sort((a, b) => a - b);
    return axes.length === 0 && op !== "logSumExp" ? this : this.derive(op, [this], { axes, keep });
  }
  /** `Σ this`. */
  sum(options: ReduceOptions = {}): this {
    return this.reduce("sum", options);
  }
  /** Arithmetic mean; NaN of no elements. */
  mean(options: ReduceOptions = {}): this {
    return this.reduce("mean", options);
  }
  /** Largest element, NaN if any is; where several tie, the derivative is shared equally. */
  max(options: ReduceOptions = {}): this {
    return this.reduce("reduceMax", options);
  }
  /** Smallest element, NaN if any is; where several tie, the derivative is shared equally. */
  min(options: ReduceOptions = {}): this {
    return this.reduce("reduceMin", options);
  }
  /** `Π this`. */
  prod(options: ReduceOptions = {}): this {
    return this.reduce("prod", options);
  }
  /** `log Σ eˣ`, without overflow. */
  logSumExp(options: ReduceOptions = {}): this {
    return this.reduce("logSumExp", options);
  }
  /** Biased variance, `mean((x − mean x)²)`. */
  variance(options: ReduceOptions = {}): this {
    const centred = this.derive("sub", [this, this.mean({ ...options, keep: true })], {});
    return centred.square().mean(options);
  }
  /** `√Σ x²`. */
  norm(options: ReduceOptions = {}): this {
    return this.square().sum(options).sqrt();
  }
  /** True where all elements are true (anything but 0), as where there are none. */
  all(options: ReduceOptions = {}): this {
    // The number of those that are false, which no elements have none of.
    const wrong = this.cast("bool").not().cast("int32").sum(options);
    return this.derive("equal", [wrong, this.number(0, "int32")], {});
  }
  /** True where any element is true (anything but 0). */
  any(options: ReduceOptions = {}): this {
    const right = this.cast("bool").cast("int32").sum(options);
    return this.derive("greater", [right, this.number(0, "int32")], {});
  }
  /** Index of the first largest element along `axis` (default the last), int32; of NaN where there is one. */
  argMax({ axis = -1 }: { axis?: number } = {}): this {
    return this.derive("argMax", [this], { axis: axisOf("argMax", axis, this.rank) });
  }
  /** Index of the first smallest element along `axis` (default the last), int32; of NaN where there is one. */
  argMin({ axis = -1 }: { axis?: number } = {}): this {
    return this.derive("argMin", [this], { axis: axisOf("argMin", axis, this.rank) });
  }
  /** Running sum along `axis`; `exclusive` leaves out the element itself, `reverse` runs from the end. */
  cumSum({ axis = -1, exclusive = false, reverse = false }: CumSumOptions = {}): this {
    return this.derive("cumSum", [this], { axis: axisOf("cumSum", axis, this.rank), exclusive, reverse });
  }
  /** `eˣ / Σ eˣ` along `axis` (default the last). */
  softmax(axis = -1): this {
    return this.derive("softmax", [this], { axis: axisOf("softmax", axis, this.rank) });
  }
  /** `x − log Σ eˣ` along `axis` (default the last). */
  logSoftmax(axis = -1): this {
    return this.derive("logSoftmax", [this], { axis: axisOf("logSoftmax", axis, this.rank) });
  }

  /** The same elements in row-major order under another shape; one size may be −1. */
  reshape(shape: readonly Dim[]): this {
    const to = resolveShape(this.shape, shape);
    return sameShape(to, this.shape) ? this : this.derive("reshape", [this], { shape: to });
  }
  /** Swaps axes `a` and `b`; by default the last two. */
  transpose(a = -2, b = -1): this {
    const order = this.shape.map((_, i) => i);
    const i = axisOf("transpose", a, this.rank);
    const j = axisOf("transpose", b, this.rank);
    order[i] = j;
    order[j] = i;
    return this.permute(order);
  }
  /** Axis `i` of the result is axis `order[i]` of this. */
  permute(order: readonly number[]): this {
    const at = order.map((a) => axisOf("permute", a, this.rank));
    const same = at.every((a, i) => a === i) && at.length === this.rank;
    return same ? this : this.derive("transpose", [this], { order: at });
  }
  /** Repeated along axes of size 1 (and new leading axes) up to `shape`. */
  broadcastTo(shape: readonly Dim[]): this {
    requireShape("broadcastTo", shape);
    return sameShape(this.shape, shape) ? this : this.derive("broadcast", [this], { shape: [...shape] });
  }
  /** A new axis of size 1 at `axis`. */
  expandDims(axis: number): this {
    const at = axisOf("expandDims", axis, this.rank + 1);
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }
  /** Without the axes `axes`, which must have size 1. */
  squeeze(...axes: number[]): this {
    const at = new Set(axes.map((a) => axisOf("squeeze", a, this.rank)));
    for (const a of at) {
      if (this.shape[a] === 1) continue;
      throw new ShapeError(`squeeze: axis ${a} must have size 1, got ${this.shape[a]}.`);
    }
    return this.reshape(this.shape.filter((_, i) => !at.has(i)));
  }
  /** Part of this, one span per axis; missing spans keep the whole axis. */
  slice(...spans: readonly Span[]): this {
    const { shape } = this;
    if (spans.length > shape.length) {
      throw new ShapeError(
        `slice: at most ${shape.length} spans fit ${showShape(shape)}, got ${spans.length}.`,
      );
    }
    const starts: Dim[] = [];
    const ends: Dim[] = [];
    const steps: number[] = [];
    shape.forEach((size, i) => {
      const span = spans[i] ?? {};
      checkOptions("slice", span, ["start", "end", "step"]);
      const { start = 0, end = size, step = 1 } = span;
      if (!Number.isInteger(step) || step < 1) {
        throw new OptionError(
          `slice: step must be a whole number ≥ 1, got ${step}. Use flip to reverse an axis.`,
        );
      }
      starts.push(bound("start", start, size));
      ends.push(bound("end", end, size));
      steps.push(step);
    });
    const whole = shape.every((size, i) => starts[i] === 0 && ends[i] === size && steps[i] === 1);
    return whole ? this : this.derive("slice", [this], { starts, ends, steps });
  }
  /** `[start, end)` of one axis. */
  narrow(axis: number, start: Dim, end: Dim): this {
    const at = axisOf("narrow", axis, this.rank);
    return this.slice(...this.shape.slice(0, at + 1).map((_, i) => (i === at ? { start, end } : {})));
  }
  /** The axis `axis` (default the last) backwards. */
  flip(axis = -1): this {
    const at = axisOf("flip", axis, this.rank);
    const size = this.shape[at];
    if (typeof size !== "number")
      throw new ShapeError(`flip: axis ${at} must have a known size, got ${size}.`);
    return this.derive("slice", [this], {
      starts: this.shape.map((_, i) => (i === at ? size - 1 : 0)),
      ends: this.shape.map((d, i) => (i === at ? -1 : d)),
      steps: this.shape.map((_, i) => (i === at ? -1 : 1)),
    });
  }
  /** With `value` (default 0) around it: one `[before, after]` per axis. */
  pad(amounts: readonly (readonly [number, number])[], value = 0): this {
    requireFits("pad", "value", value, this.dtype);
    if (!Array.isArray(amounts) || amounts.some((a) => !Array.isArray(a) || a.length !== 2)) {
      throw new OptionError(`pad: amounts must be one [before, after] per axis, got ${show(amounts)}.`);
    }
    for (const n of amounts.flat()) requireWhole("pad", "amounts", n);
    if (amounts.every(([a, b]) => a === 0 && b === 0) && amounts.length === this.rank) return this;
    const [before, after] = [amounts.map((a) => a[0]), amounts.map((a) => a[1])];
    return this.derive("pad", [this], { before, after, value });
  }
  /** Elements on and below the diagonal of the last two axes, zeros above. */
  tril(diagonal = 0): this {
    requireWhole("tril", "diagonal", diagonal);
    return this.derive("triangle", [this], { part: "lower", diagonal });
  }
  /** Elements on and above the diagonal of the last two axes, zeros below. */
  triu(diagonal = 0): this {
    requireWhole("triu", "diagonal", diagonal);
    return this.derive("triangle", [this], { part: "upper", diagonal });
  }
}
