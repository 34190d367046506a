// The tensor: an immutable, lazily evaluated value with arithmetic.
import { OptionError, ShapeError } from "../errors.ts";
import { type Dim, type Shape, staticSize } from "../graph/dim.ts";
import { DTYPES, type Dtype, dtypeOf, type HostArray, hostArray } from "../graph/dtype.ts";
import { infer } from "../graph/infer.ts";
import { evaluateValues } from "../graph/evaluate.ts";
import { hostStorage, type Settable } from "../graph/storage.ts";
import type { OpAttributes, OpName, Storage, Type, Value } from "../graph/value.ts";
import { nextId, typeOf } from "../graph/value.ts";

/** A tensor or a plain number, which adopts the dtype of its partner. */
export type Operand = Tensor | number;

/**
 * An immutable array of one dtype whose elements are computed when asked for. Nothing is freed by hand.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * await x.mul(2).sum().item(); // 20
 */
export class Tensor implements Value, Settable {
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
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
    this.outputs = outputs;
    this.storage = storage;
  }

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
  /** `−this`. */
  neg(): Tensor {
    return apply("neg", [this], {});
  }

  /** The elements in row-major order, computed once. `bool` reads as bytes, `int64` as BigInt. */
  async data(): Promise<HostArray> {
    const [storage] = await evaluateValues([this]);
    if (storage === undefined) throw new Error("evaluate returned nothing");
    return storage.read();
  }

  /** The one element as a number. @throws ShapeError when there is not exactly one. */
  async item(): Promise<number> {
    if (staticSize(this.shape) !== 1) {
      throw new ShapeError(`item: tensor must hold one element, got shape [${this.shape.join(", ")}].`);
    }
    return Number((await this.data())[0]);
  }

  toString(): string {
    return `Tensor(${this.op}, ${this.dtype}, [${this.shape.join(", ")}])`;
  }
}

/** A new value of the closed op set; types are checked here. */
export function apply<K extends OpName>(
  op: K,
  inputs: readonly Value[],
  attributes: OpAttributes[K],
): Tensor {
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

/** `x` itself, or a number as a constant of `dtype`. */
export function operand(x: Operand, dtype: Dtype): Tensor {
  return typeof x === "number" ? constant(x, dtype) : x;
}

/** Applies a two-operand op; a number takes the dtype of the tensor beside it. */
export function binary(op: BinaryName, a: Operand, b: Operand): Tensor {
  const dtype = typeof a !== "number" ? a.dtype : typeof b !== "number" ? b.dtype : "float32";
  return apply(op, [operand(a, dtype), operand(b, dtype)], {});
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

/** Numbers or booleans nested to any depth. */
export type Nested = number | boolean | readonly Nested[];

/**
 * A tensor from nested arrays, or from a typed array with a shape.
 * @param values Nested arrays of equal lengths, or a typed array in row-major order.
 * @param options `dtype` defaults to the typed array's own, `bool` for booleans, else `float32`; `shape` to the
 *   nesting, or `[length]`.
 * @throws ShapeError for ragged arrays or a shape that does not hold the elements.
 */
export function tensor(
  values: Nested | HostArray,
  { shape, dtype }: { shape?: readonly number[]; dtype?: Dtype } = {},
): Tensor {
  if (ArrayBuffer.isView(values)) {
    const natural = dtypeOf(values);
    const as = dtype ?? natural;
    const fits = as === natural || (as === "bool" && natural === "uint8");
    return leaf(fits ? values : hostArray(values as ArrayLike<number>, as), as, shape ?? [values.length]);
  }
  const flat: (number | boolean)[] = [];
  const inferred = flatten(values, flat);
  const as = dtype ?? (typeof flat[0] === "boolean" ? "bool" : "float32");
  return leaf(hostArray(flat, as), as, shape ?? inferred);
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

function flatten(values: Nested, out: (number | boolean)[]): number[] {
  if (!Array.isArray(values)) {
    out.push(values as number | boolean);
    return [];
  }
  let inner: number[] | undefined;
  for (const value of values as readonly Nested[]) {
    const shape = flatten(value, out);
    if (inner !== undefined && (inner.length !== shape.length || inner.some((d, i) => d !== shape[i]))) {
      throw new ShapeError(
        `tensor: nested arrays must have equal lengths, got [${inner.join(", ")}] and [${shape.join(", ")}].`,
      );
    }
    inner = shape;
  }
  return [values.length, ...(inner ?? [])];
}

/** A tensor filled with `value`. */
export function full(
  shape: readonly Dim[],
  value: number,
  { dtype = "float32" }: { dtype?: Dtype } = {},
): Tensor {
  return shape.length === 0
    ? constant(value, dtype)
    : apply("broadcast", [constant(value, dtype)], { shape });
}

/** A tensor of zeros. */
export function zeros(shape: readonly Dim[], options: { dtype?: Dtype } = {}): Tensor {
  return full(shape, 0, options);
}

/** A tensor of ones. */
export function ones(shape: readonly Dim[], options: { dtype?: Dtype } = {}): Tensor {
  return full(shape, 1, options);
}

/** `[0, 1, …, size − 1]`, int32 by default. */
export function iota(size: Dim, { dtype = "int32" }: { dtype?: Dtype } = {}): Tensor {
  if (typeof size === "number" && (!Number.isInteger(size) || size < 0)) {
    throw new OptionError(`iota: size must be a whole number ≥ 0, got ${size}.`);
  }
  return apply("iota", [], { size, dtype });
}

/** Bytes that a tensor's elements take. */
export function byteLength(x: Tensor): number {
  return staticSize(x.shape) * DTYPES[x.dtype].bytes;
}
