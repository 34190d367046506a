// The tensor: an immutable, lazily evaluated value with arithmetic.
import { checkOptions, DtypeError, ShapeError } from "../errors.ts";
import { type Dim, staticSize } from "../graph/dim.ts";
import {
  DTYPES,
  type Dtype,
  dtypeOf,
  type HostArray,
  hostArray,
  isHostArray,
  rangeOf,
} from "../graph/dtype.ts";
import { calledName, infer } from "../graph/infer.ts";
import { evaluateValues } from "../graph/evaluate.ts";
import { hostStorage, type Settable } from "../graph/storage.ts";
import type { OpAttributes, OpName, Storage, Type, Value } from "../graph/value.ts";
import { nextId } from "../graph/value.ts";
import { requireDtype, requireFits, requireShape, requireWhole, show } from "./arguments.ts";
import { Methods } from "./methods.ts";
import { describe, nest, type Nested } from "./print.ts";

export type { Nested };

/** A tensor or a plain number, which adopts the dtype of its partner. */
export type Operand = Tensor | number;

/**
 * An immutable array of one dtype whose elements are computed when asked for. Nothing is freed by hand.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * await x.mul(2).sum().item(); // 20
 */
export class Tensor extends Methods implements Settable {
  readonly id: number = nextId();
  readonly op: OpName;
  readonly inputs: readonly Value[];
  readonly attributes: OpAttributes[OpName];
  readonly outputs: readonly Type[];
  storage: Storage | undefined;

  constructor(
    op: OpName,
    inputs: readonly Value[],
    attributes: OpAttributes[OpName],
    outputs: readonly Type[],
    storage?: Storage,
  ) {
    super();
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
    this.outputs = outputs;
    this.storage = storage;
  }

  protected derive<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): this {
    return apply(op, inputs, attributes) as this;
  }

  /** `this + other`, broadcast. */
  add(other: Operand): Tensor {
    return binary("add", this, other);
  }
  /** `this − other`, broadcast. */
  sub(other: Operand): Tensor {
    return binary("sub", this, other);
  }
  /** `this · other`, broadcast. */
  mul(other: Operand): Tensor {
    return binary("mul", this, other);
  }
  /** `this / other`, broadcast; integers truncate. */
  div(other: Operand): Tensor {
    return binary("div", this, other);
  }
  /** `this ^ other`, broadcast. */
  pow(other: Operand): Tensor {
    return binary("pow", this, other);
  }

  /**
   * The elements in row-major order, computed once: a copy, which is yours. `bool` reads as bytes, `int64` as BigInt.
   */
  data(): Promise<HostArray> {
    const read = evaluateValues([this]).then(async ([storage]) => {
      if (storage === undefined) throw new Error("evaluate returned nothing");
      const elements = await storage.read();
      return elements === storage.host ? elements.slice() : elements;
    });
    // Who waits hears of a failure; asked for while a function is traced, and dropped, it must not end the process.
    read.catch(() => undefined);
    return read;
  }

  /** The one element as a number. @throws ShapeError when there is not exactly one. */
  item(): Promise<number> {
    const one = async (): Promise<number> => {
      if (staticSize(this.shape) !== 1) {
        throw new ShapeError(`item: tensor must hold one element, got shape [${this.shape.join(", ")}].`);
      }
      return Number((await this.data())[0]);
    };
    const read = one();
    read.catch(() => undefined);
    return read;
  }

  /**
   * The elements in nested arrays, as `tensor` takes them: booleans for `bool`, numbers for all else.
   * @throws DtypeError for an int64 beyond ±(2⁵³ − 1), which `data` reads.
   */
  async toArray(): Promise<Nested> {
    const data = await this.data();
    return nest(data, this.storage?.shape ?? [], this.dtype === "bool");
  }

  /** Dtype, shape, and the elements where they are known already: `Tensor float32 [3] [1, 2, 3]`. */
  override toString(): string {
    return describe(this);
  }
  static {
    // By this name Node asks an object for its printed form.
    const inspect = Symbol.for("nodejs.util.inspect.custom");
    const value = function (this: Tensor): string {
      return describe(this);
    };
    Object.defineProperty(this.prototype, inspect, { value });
  }
}

/** What users call the inputs of an op, where that is not `x`, or `a` and `b`. */
const ARGUMENTS: Partial<Record<OpName, readonly string[]>> = {
  where: ["condition", "a", "b"],
  gather: ["x", "indices"],
  takeAlongAxis: ["x", "indices"],
  scatterAdd: ["target", "indices", "updates"],
  addAlongAxis: ["target", "indices", "updates"],
  layerNorm: ["x", "scale", "bias"],
  rmsNorm: ["x", "scale"],
};

/** Name of input `index` of an op with `count` inputs. */
function argumentName(op: OpName, index: number, count: number): string {
  const known = ARGUMENTS[op]?.[index];
  if (known !== undefined) return known;
  if (count === 1) return "x";
  return op === "concat" || count > 2 ? `tensor ${index}` : index === 0 ? "a" : "b";
}

/** @throws DtypeError naming function and argument unless `x` is a tensor. */
export function requireTensor(where: string, name: string, x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor)) throw new DtypeError(`${where}: ${name} must be a tensor, got ${show(x)}.`);
}

/** A new value of the closed op set; types are checked here. */
export function apply<K extends OpName>(
  op: K,
  inputs: readonly Value[],
  attributes: OpAttributes[K],
): Tensor {
  inputs.forEach((x: Value | undefined, i) => {
    // Anything with outputs is a value; rules and passes hold some that are no tensors.
    if (x?.outputs === undefined) requireTensor(calledName(op), argumentName(op, i, inputs.length), x);
  });
  return new Tensor(op, inputs, attributes, infer(op, inputs, attributes));
}

/** Output `index` of a value with several. */
export function item(value: Value, index: number): Tensor {
  const type = value.outputs[index];
  if (type === undefined) throw new Error(`${value.op} has no output ${index}`);
  return new Tensor("item", [value], { index }, [type]);
}

/** All outputs of a value with several. */
export function items(value: Value): Tensor[] {
  return value.outputs.map((_, index) => item(value, index));
}

/** `value` as a tensor: what the passes and rules hold as plain values are tensors here. */
export function asTensor(value: Value): Tensor {
  return value instanceof Tensor
    ? value
    : new Tensor(value.op, value.inputs, value.attributes, value.outputs, value.storage);
}

/** A number written into the program. */
export function constant(value: number, dtype: Dtype = "float32"): Tensor {
  return apply("constant", [], { value, dtype });
}

/**
 * `x` itself, or a number as a constant of the dtype of `beside`, the tensors it stands with (float32 without any).
 * @throws DtypeError for a number that this dtype does not hold, such as a fraction beside integers.
 */
export function operand(where: string, name: string, x: Operand, beside: readonly Operand[]): Tensor {
  if (typeof x !== "number") {
    if (x instanceof Tensor) return x;
    throw new DtypeError(`${where}: ${name} must be a tensor or a number, got ${show(x)}.`);
  }
  const dtype = beside.find((y) => y instanceof Tensor)?.dtype ?? "float32";
  requireFits(where, `number ${name}`, x, dtype);
  return constant(x, dtype);
}

/** Applies a two-operand op; a number takes the dtype of the tensor beside it, which has to hold it. */
export function binary(op: BinaryName, a: Operand, b: Operand): Tensor {
  const where = calledName(op);
  return apply(op, [operand(where, "a", a, [b]), operand(where, "b", b, [a])], {});
}

export type BinaryName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "pow"
  | "min"
  | "max"
  | "equal"
  | "less"
  | "lessEqual"
  | "greater"
  | "greaterEqual"
  | "and"
  | "or"
  | "xor";

/** Options of `tensor`. */
export interface TensorOptions {
  /** Sizes; default those of the nesting, or `[length]`. */
  readonly shape?: readonly number[];
  /** Default that of the typed array, `bool` for booleans, else `float32`. */
  readonly dtype?: Dtype;
  /**
   * Takes the typed array as it is instead of copying it (default false): cheap, and right where nobody changes the
   * array as long as the tensor, or what is computed from it, is in use.
   */
  readonly lend?: boolean;
}

/**
 * A tensor from nested arrays, or from a typed array with a shape.
 * @param values A number or boolean, nested arrays of equal lengths, or a typed array in row-major order.
 * @throws ShapeError for ragged arrays or a shape that does not hold the elements, DtypeError for elements that are no
 *   numbers or that `dtype` does not hold (a fraction as int32, 300 as uint8).
 */
export function tensor(values: Nested | HostArray, options: TensorOptions = {}): Tensor {
  checkOptions("tensor", options, ["shape", "dtype", "lend"]);
  const { shape, dtype, lend = false } = options;
  if (dtype !== undefined) requireDtype("tensor", dtype);
  if (shape !== undefined) requireShape("tensor", shape);
  if (isHostArray(values)) {
    const natural = dtypeOf(values);
    const as = dtype ?? natural;
    const fits = as === natural || (as === "bool" && natural === "uint8");
    const data = !fits ? converted(values, as) : lend ? values : values.slice();
    return leaf(data, as, shape ?? [values.length]);
  }
  const flat: (number | boolean)[] = [];
  const inferred = flatten(values, flat, "");
  const as = dtype ?? (typeof flat[0] === "boolean" ? "bool" : "float32");
  return leaf(converted(flat, as), as, shape ?? inferred);
}

/** `values` as elements of `dtype`, which has to hold them; anything but 0 is true. */
function converted(values: ArrayLike<number | boolean | bigint>, dtype: Dtype): HostArray {
  if (rangeOf(dtype) !== undefined) {
    for (let i = 0; i < values.length; i++) requireFits("tensor", `element ${i}`, Number(values[i]), dtype);
  }
  return hostArray(values, dtype);
}

function leaf(data: HostArray, dtype: Dtype, shape: readonly number[]): Tensor {
  const size = staticSize(shape);
  if (size !== data.length) {
    throw new ShapeError(
      `tensor: shape [${shape.join(", ")}] must hold ${data.length} elements, got ${size}.`,
    );
  }
  return fromStorage(hostStorage(data, dtype, shape));
}

/** A leaf over storage that exists already. */
export function fromStorage(storage: Storage): Tensor {
  return new Tensor("data", [], {}, [{ dtype: storage.dtype, shape: storage.shape }], storage);
}

function flatten(values: Nested, out: (number | boolean)[], path: string): number[] {
  if (!Array.isArray(values)) {
    if (typeof values !== "number" && typeof values !== "boolean") {
      const what = path === "" ? "values" : `element ${path}`;
      throw new DtypeError(`tensor: ${what} must be a number or a boolean, got ${show(values)}.`);
    }
    out.push(values);
    return [];
  }
  let inner: number[] | undefined;
  for (let i = 0; i < values.length; i++) {
    const shape = flatten(values[i] as Nested, out, `${path}[${i}]`);
    if (inner !== undefined && (inner.length !== shape.length || inner.some((d, j) => d !== shape[j]))) {
      throw new ShapeError(
        `tensor: nested arrays must have equal lengths, got [${inner.join(", ")}] and [${shape.join(", ")}].`,
      );
    }
    inner = shape;
  }
  return [values.length, ...(inner ?? [])];
}

/** A tensor filled with `value`. */
export function full(shape: readonly Dim[], value: number, options: { dtype?: Dtype } = {}): Tensor {
  return filled("full", shape, value, options);
}

/** A tensor of zeros. */
export function zeros(shape: readonly Dim[], options: { dtype?: Dtype } = {}): Tensor {
  return filled("zeros", shape, 0, options);
}

/** A tensor of ones. */
export function ones(shape: readonly Dim[], options: { dtype?: Dtype } = {}): Tensor {
  return filled("ones", shape, 1, options);
}

function filled(where: string, shape: readonly Dim[], value: number, options: { dtype?: Dtype }): Tensor {
  checkOptions(where, options, ["dtype"]);
  const { dtype = "float32" } = options;
  requireDtype(where, dtype);
  requireShape(where, shape);
  requireFits(where, "value", value, dtype);
  const one = constant(value, dtype);
  return shape.length === 0 ? one : apply("broadcast", [one], { shape: [...shape] });
}

/** `[0, 1, …, size − 1]`, int32 by default. */
export function iota(size: Dim, options: { dtype?: Dtype } = {}): Tensor {
  checkOptions("iota", options, ["dtype"]);
  const { dtype = "int32" } = options;
  requireDtype("iota", dtype);
  if (typeof size !== "string") requireWhole("iota", "size", size, 0);
  return apply("iota", [], { size, dtype });
}

/** Bytes that a tensor's elements take. */
export function byteLength(x: Tensor): number {
  requireTensor("byteLength", "x", x);
  return staticSize(x.shape) * DTYPES[x.dtype].bytes;
}
