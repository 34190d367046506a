// The program: immutable values of a closed op set. A `Value` names an op, its inputs and its attributes; a
// whole program is what its outputs reach. `id` grows with creation and inputs are older than what uses
// them, so sorting by `id` is a topological order.
import type { Dim, Shape } from "./dim.ts";
import type { Dtype, HostArray } from "./dtype.ts";

/** Element type and sizes of one tensor. */
export interface Type {
  readonly dtype: Dtype;
  readonly shape: Shape;
}

type None = Record<never, never>;
type Axes = { readonly axes: readonly number[]; readonly keep: boolean };
type Axis = { readonly axis: number };
/** `what`: function and argument that the indices are, for messages (`"crossEntropy: targets"`). */
type Indexed = Axis & { readonly what?: string };

/**
 * A function over values. What its results use besides its parameters and constants comes from outside: the
 * owner of the body lists those values as its last inputs, so that whoever walks over inputs meets them.
 *
 * Several ops may hold one body, or bodies with values in common. Two may use it: lowering, by `lowerBody` only, and
 * derivative rules, by `instantiate` (values anew on other inputs) or by taking its values into a body of their own.
 */
export interface Body {
  /** `argument` values, one per own input. */
  readonly parameters: readonly Value[];
  readonly results: readonly Value[];
}

/** What a place may have one kernel for, although it can be said in other ops. */
export type Kernel =
  /** Inputs `x` `[B, H, T, D]`, cosine and sine `[T, D/2]`: pairs turned, i with i + D/2 or 2i with 2i + 1. */
  | { readonly name: "rotary"; readonly interleaved: boolean }
  /**
   * Inputs `q` `[B, H, T, D]`, `k` and `v` `[B, G, S, D]`: `softmax(scale · q kᵀ) v`, where the queries belong to the
   * last `T` of the `S` tokens and each sees the tokens up to its own.
   */
  | { readonly name: "causalAttention"; readonly scale: number }
  /**
   * Inputs `x` `[…, K]`, codes `[N, K/32, 4·bits]` (bytes; of 4 bits the lower half first) and scales `[N, K/32]`:
   * `x Wᵀ` with `W = scale · (code − 2^(bits−1))` by blocks of 32 numbers of a row. Activations may be rounded to 8 bits,
   * unless `whole` asks for them as they are (of 4 bits only: the kernel of 8 bits without rounding is 200 times slower).
   */
  | { readonly name: "matMulNBits"; readonly bits: 4 | 8; readonly whole?: boolean };

/** The closed op set, with the attributes of each op. Broadcasting follows numpy. */
export interface OpAttributes {
  // 1. Leaves
  /** A number spelled in the program itself. */
  constant: { readonly value: number; readonly dtype: Dtype };
  /** Data on the host or a device. */
  data: None;
  /** An input of a compiled function. */
  input: { readonly name: string };
  /** A parameter of a body. */
  argument: None;
  /** `0, 1, …, size − 1`. */
  iota: { readonly size: Dim; readonly dtype: Dtype };
  // 2. Elementwise, one operand
  neg: None;
  abs: None;
  sign: None;
  floor: None;
  ceil: None;
  /** To the nearest integer, ties to even. */
  round: None;
  exp: None;
  log: None;
  sqrt: None;
  sin: None;
  cos: None;
  tan: None;
  asin: None;
  acos: None;
  atan: None;
  sinh: None;
  cosh: None;
  tanh: None;
  asinh: None;
  acosh: None;
  atanh: None;
  erf: None;
  sigmoid: None;
  softplus: None;
  relu: None;
  silu: None;
  gelu: { readonly approximate: "none" | "tanh" };
  not: None;
  cast: { readonly to: Dtype };
  // 3. Elementwise, more operands
  add: None;
  sub: None;
  mul: None;
  div: None;
  pow: None;
  min: None;
  max: None;
  equal: None;
  less: None;
  lessEqual: None;
  greater: None;
  greaterEqual: None;
  and: None;
  or: None;
  xor: None;
  where: None;
  // 4. Reductions
  sum: Axes;
  mean: Axes;
  reduceMax: Axes;
  reduceMin: Axes;
  prod: Axes;
  logSumExp: Axes;
  argMax: Axis;
  argMin: Axis;
  cumSum: Axis & { readonly exclusive: boolean; readonly reverse: boolean };
  // 5. Products
  /** `scale · A B` with either operand transposed in its last two axes. */
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly scale: number };
  // 6. Movement
  reshape: { readonly shape: Shape };
  transpose: { readonly order: readonly number[] };
  broadcast: { readonly shape: Shape };
  /** Per axis `[start, end)` by `step`; negative steps walk backwards from `start` down to above `end`. */
  slice: {
    readonly starts: readonly Dim[];
    readonly ends: readonly Dim[];
    readonly steps: readonly number[];
  };
  concat: Axis;
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number };
  /** Keeps the lower (or upper) triangle of the last two axes, shifted by `diagonal`. */
  triangle: { readonly part: "lower" | "upper"; readonly diagonal: number };
  // 7. Indexing
  /** Whole slices along `axis` by index. */
  gather: Indexed;
  /** One element per index along `axis`. */
  takeAlongAxis: Indexed;
  /** Adds rows of `updates` into `target` along axis 0 by index. */
  scatterAdd: { readonly what?: string };
  /** Adds each element of `updates` at its index along `axis`. */
  addAlongAxis: Indexed;
  /** `[values, indices]` of the `k` largest (smallest) along `axis`, sorted. */
  topK: Axis & { readonly k: number; readonly largest: boolean };
  // 8. Fused
  softmax: Axis;
  logSoftmax: Axis;
  /** Over the last axis: `[y, mean, 1/σ]`. */
  layerNorm: { readonly epsilon: number };
  /** Over the last axis: `[y, 1/rms]`. */
  rmsNorm: { readonly epsilon: number };
  /** `body` by one kernel where the place has it; derivatives follow the body. */
  fused: { readonly kernel: Kernel; readonly body: Body };
  // 9. Structure
  /** Output `index` of a value with several. */
  item: { readonly index: number };
  /** The same value under another identity, so that derivatives can be taken at it. */
  alias: None;
  /** The same value; derivatives stop here. */
  stopGradient: None;
  /** The first input, computed anew after the second is known; optimisers cannot merge it. */
  barrier: None;
  /** Outputs are the leading inputs; derivatives follow `rule` to the remaining inputs. */
  custom: { readonly outputs: number; readonly rule: CustomRule };
  /** Runs `body` in place; derivatives compute it again from its inputs instead of keeping inner values. */
  recompute: { readonly body: Body };
  /** A loop over axis 0 of the scanned inputs; see `scan`. */
  scan: {
    readonly body: Body;
    readonly carries: number;
    readonly scanned: number;
    readonly reverse: boolean;
    readonly length: Dim;
  };
}

export type OpName = keyof OpAttributes;

/** Derivative rule of a `custom` op: from the cotangents of its outputs to those of its own inputs. */
export type CustomRule = (
  cotangents: readonly Value[],
  inputs: readonly Value[],
  results: readonly Value[],
) => readonly (Value | null)[];

/** Storage of a leaf, or of a value already computed. */
export interface Storage {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The elements, copied from the device when they live there. */
  read(): Promise<HostArray>;
  /** The elements when they are on the host already. */
  readonly host: HostArray | undefined;
  /** The runtime's own tensor, for feeding without a copy. */
  readonly native: unknown;
}

/** One value of a program. */
export interface Value {
  readonly id: number;
  readonly op: OpName;
  readonly inputs: readonly Value[];
  readonly attributes: OpAttributes[OpName];
  /** Types of the outputs; most ops have one. */
  readonly outputs: readonly Type[];
  /** Present on `data`, and on any value after it has been computed. */
  readonly storage?: Storage | undefined;
}

let created = 0;

/** The next identity: larger than all before, so that creation order is a topological order. */
export function nextId(): number {
  return created++;
}

/** The attributes of `value`, which must be an `op`. */
export function attributesOf<K extends OpName>(value: Value, _op: K): OpAttributes[K] {
  return value.attributes as OpAttributes[K];
}

/** Type of the first output. */
export function typeOf(value: Value): Type {
  const type = value.outputs[0];
  if (type === undefined) throw new Error(`${value.op} has no output`);
  return type;
}

/** All values that `roots` reach, inputs before users. Stops at values for which `stop` holds (kept). */
export function reach(roots: Iterable<Value>, stop: (v: Value) => boolean = () => false): Value[] {
  const seen = new Set<Value>();
  const pending = [...roots];
  for (let v = pending.pop(); v !== undefined; v = pending.pop()) {
    if (seen.has(v)) continue;
    seen.add(v);
    if (!stop(v)) pending.push(...v.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
