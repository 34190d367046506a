// bfloat16 in and out of tensors, which hold it as float32.
import { DtypeError } from "../errors.ts";
import { isFloat, roundBfloat16, widenBfloat16 } from "../graph/dtype.ts";
import { show } from "./arguments.ts";
import { requireTensor, type Tensor, tensor } from "./tensor.ts";

/**
 * A float32 tensor of the bfloat16 numbers with these bits, exact.
 * @param bits In row-major order. @param options `shape`; default `[length]`.
 */
export function fromBfloat16(
  bits: Uint16Array,
  { shape }: { readonly shape?: readonly number[] } = {},
): Tensor {
  if (!(bits instanceof Uint16Array)) {
    throw new DtypeError(`fromBfloat16: bits must be a Uint16Array, got ${show(bits)}.`);
  }
  return tensor(widenBfloat16(bits), { shape: shape ?? [bits.length], lend: true });
}

/** The bits of the bfloat16 numbers nearest to the elements of `x`, ties to even; of float64, by way of float32. */
export async function toBfloat16(x: Tensor): Promise<Uint16Array> {
  requireTensor("toBfloat16", "x", x);
  if (!isFloat(x.dtype)) {
    throw new DtypeError(`toBfloat16: x must be a float type, got ${x.dtype}. Use cast first.`);
  }
  return roundBfloat16((await x.data()) as ArrayLike<number>);
}
