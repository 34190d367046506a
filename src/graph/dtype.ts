/// <reference lib="esnext.float16" preserve="true" />
// Element types: their ONNX codes, their widths and the typed arrays that hold them on the host.
import { DtypeError } from "../errors.ts";
import { HalfArray } from "../runtime/half.ts";

/** Element type of a tensor. */
export type Dtype = "float32" | "float64" | "float16" | "int32" | "int64" | "uint8" | "bool";

/** Host storage of a tensor: `bool` is one byte an element, `int64` is BigInt. */
export type HostArray = Float32Array | Float64Array | Float16Array | Int32Array | BigInt64Array | Uint8Array;

interface DtypeInfo {
  /** `TensorProto.DataType`. */
  readonly code: number;
  readonly bytes: number;
  readonly array: new (source: ArrayBuffer | number) => HostArray;
}

/** One row per dtype. */
export const DTYPES: Readonly<Record<Dtype, DtypeInfo>> = {
  float32: { code: 1, bytes: 4, array: Float32Array },
  uint8: { code: 2, bytes: 1, array: Uint8Array },
  int32: { code: 6, bytes: 4, array: Int32Array },
  int64: { code: 7, bytes: 8, array: BigInt64Array },
  bool: { code: 9, bytes: 1, array: Uint8Array },
  float16: { code: 10, bytes: 2, array: HalfArray },
  float64: { code: 11, bytes: 8, array: Float64Array },
};

/** True for the types that can be differentiated. */
export function isFloat(dtype: Dtype): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16";
}

/** The numbers in `values` as host storage of `dtype`; booleans become 0 and 1, as does anything for `bool`. */
export function hostArray(values: ArrayLike<number | boolean | bigint>, dtype: Dtype): HostArray {
  const out = new DTYPES[dtype].array(values.length);
  if (out instanceof BigInt64Array) {
    for (let i = 0; i < out.length; i++) out[i] = BigInt(values[i] ?? 0);
  } else if (dtype === "bool") {
    for (let i = 0; i < out.length; i++) out[i] = Number(Boolean(values[i]));
  } else {
    for (let i = 0; i < out.length; i++) out[i] = Number(values[i]);
  }
  return out;
}

const half = new HalfArray(1);

/** The float16 nearest to `x`. */
function roundHalf(x: number): number {
  half[0] = x;
  return half[0];
}

/** The whole numbers of a dtype that a JavaScript number can be: lowest and highest. */
const RANGES: Readonly<Partial<Record<Dtype, readonly [low: number, high: number]>>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint8: [0, 255],
};

/** Lowest and highest whole number of an integer dtype, `undefined` for the others. */
export function rangeOf(dtype: Dtype): readonly [low: number, high: number] | undefined {
  return RANGES[dtype];
}

/** `x` as an element of `dtype` holds it; whole numbers within their range pass as they are. */
export function roundTo(x: number, dtype: Dtype): number {
  if (dtype === "float32") return Math.fround(x);
  if (dtype === "float16") return roundHalf(x);
  if (dtype === "bool") return Number(x !== 0);
  // Integers have one zero.
  return dtype === "float64" || x !== 0 ? x : 0;
}

/** What a cast of `x` to `dtype` gives, `undefined` where that depends on the machine (NaN as an integer). */
export function castNumber(x: number, dtype: Dtype): number | undefined {
  const range = rangeOf(dtype);
  if (range === undefined) return roundTo(x, dtype);
  const whole = Math.trunc(x);
  return whole >= range[0] && whole <= range[1] ? roundTo(whole, dtype) : undefined;
}

/** Whether `x` is a typed array. */
export function isHostArray(x: unknown): x is HostArray {
  return (ArrayBuffer.isView(x) && !(x instanceof DataView)) || x instanceof HalfArray;
}

/** The dtype that a typed array holds naturally. @throws DtypeError for arrays without one. */
export function dtypeOf(data: HostArray): Dtype {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof HalfArray) return "float16";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Uint8Array) return "uint8";
  throw new DtypeError(
    `tensor: data must be Float32Array, Float64Array, Float16Array, Int32Array, BigInt64Array or Uint8Array, got ${(data as ArrayBufferView).constructor.name}.`,
  );
}
