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

/** The dtype that a typed array holds naturally. @throws DtypeError for arrays without one. */
export function dtypeOf(data: ArrayBufferView): Dtype {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof HalfArray) return "float16";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Uint8Array) return "uint8";
  throw new DtypeError(
    `tensor: data must be Float32Array, Float64Array, Float16Array, Int32Array, BigInt64Array or Uint8Array, got ${data.constructor.name}.`,
  );
}
