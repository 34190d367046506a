// Matrix products, and what they take in: transposes, constant factors, a vector to add.
import { type Dim, mulDims, sameShape } from "./dim.ts";
import type { Emitter, Ref } from "./emitter.ts";
import { at, int, ints, reshapeTo, type Rule } from "./lowering.ts";
import type { OpAttributes, Type } from "./value.ts";

/**
 * `W x + b` in one product: when `sum` adds a vector to a plain product (perhaps reshaped), the product takes the
 * vector as its third operand.
 */
export function productPlusVector(emit: Emitter, x: Ref, vector: Ref, type: Type): Ref | undefined {
  const product = x.from?.opType === "Reshape" ? x.from.inputs[0] : x;
  const from = product?.from;
  if (!product || !from || vector.type.shape.length !== 1 || vector.type.shape[0] !== type.shape.at(-1))
    return undefined;
  if (from.opType !== "Gemm" || from.inputs.length !== 2 || !sameShape(x.type.shape, type.shape))
    return undefined;
  if (product.type.shape.at(-1) !== type.shape.at(-1)) return undefined;
  const both = emit.node("Gemm", [...from.inputs, vector], product.type, { attributes: from.attributes });
  return reshapeTo(emit, both, type.shape);
}

/** What `x` is the transpose of, when only its last two axes are swapped. */
function untransposed(x: Ref): Ref | undefined {
  if (x.from?.opType !== "Transpose") return undefined;
  const perm = x.from.attributes["perm"];
  if (perm === undefined || !("ints" in perm)) return undefined;
  const n = perm.ints.length;
  const swapped = perm.ints.every((p, i) => p === (i === n - 2 ? n - 1 : i === n - 1 ? n - 2 : i));
  return swapped ? x.from.inputs[0] : undefined;
}

/** `[x, factor]` when `y` is `x` times a number (perhaps reshaped since), so that the product can take the factor. */
function unscaled(emit: Emitter, y: Ref): { x: Ref; factor: number } | undefined {
  const [a, b] = y.from?.inputs ?? [];
  if (y.from?.opType === "Reshape" && a) {
    const inner = unscaled(emit, a);
    return inner && { x: reshapeTo(emit, inner.x, y.type.shape), factor: inner.factor };
  }
  if (y.from?.opType !== "Mul" || a === undefined || b === undefined) return undefined;
  if (b.splat !== undefined && sameShape(a.type.shape, y.type.shape)) return { x: a, factor: b.splat };
  if (a.splat !== undefined && sameShape(b.type.shape, y.type.shape)) return { x: b, factor: a.splat };
  return undefined;
}

/** `scale · A B`: the fewest nodes that say it, with transposes and factors of the operands taken in. */
export const lowerMatmul: Rule<OpAttributes["matmul"]> = (r) => {
  let a = at(r.inputs, 0);
  let b = at(r.inputs, 1);
  let { transposeA, transposeB, scale } = r.attributes;
  const { emit } = r;
  // Factors of products are float32 in ONNX.
  if (r.type.dtype === "float64" && Math.fround(scale) !== scale) {
    const plain = lowerMatmul({ ...r, attributes: { ...r.attributes, scale: 1 } }) as Ref;
    return emit.node("Mul", [plain, emit.scalar(scale, "float64")], r.type);
  }
  const single = r.type.dtype !== "float64";
  const [scaledA, scaledB] = single ? [unscaled(emit, a), unscaled(emit, b)] : [];
  if (scaledA) [a, scale] = [scaledA.x, scale * scaledA.factor];
  if (scaledB) [b, scale] = [scaledB.x, scale * scaledB.factor];
  const [plainA, plainB] = [untransposed(a), untransposed(b)];
  if (plainA) [a, transposeA] = [plainA, !transposeA];
  if (plainB) [b, transposeB] = [plainB, !transposeB];
  const { dtype, shape } = r.type;
  // An inner size of 0 adds up nothing.
  if (a.type.shape.includes(0)) return emit.filled(0, r.type);
  const swapped = (x: Ref): Ref => {
    const order = x.type.shape.map((_, i, s) =>
      i === s.length - 2 ? i + 1 : i === s.length - 1 ? i - 1 : i,
    );
    const moved: Type = { dtype, shape: order.map((i): Dim => x.type.shape[i] ?? 1) };
    return emit.node("Transpose", [x], moved, { attributes: { perm: ints(order) } });
  };
  const floats = dtype === "float32" || dtype === "float64";
  if (a.type.shape.length === 2 && b.type.shape.length === 2 && floats) {
    if (!transposeA && !transposeB && scale === 1) return emit.node("MatMul", [a, b], r.type);
    return emit.node("Gemm", [a, b], r.type, {
      attributes: {
        transA: int(Number(transposeA)),
        transB: int(Number(transposeB)),
        alpha: { float: scale },
      },
    });
  }
  // A stack of rows against one matrix is one plain product; a constant matrix is laid out for it either way.
  const laidOut = b.data !== undefined && r.low.target.fused.has("FusedMatMul") && dtype === "float32";
  if (b.type.shape.length === 2 && !transposeA && floats && !laidOut && (transposeB || scale !== 1)) {
    const rows = mulDims(...a.type.shape.slice(0, -1));
    const flat = reshapeTo(emit, a, [rows, a.type.shape.at(-1) ?? 1]);
    const product = emit.node(
      "Gemm",
      [flat, b],
      { dtype, shape: [rows, shape.at(-1) ?? 1] },
      {
        attributes: { transA: int(0), transB: int(Number(transposeB)), alpha: { float: scale } },
      },
    );
    return reshapeTo(emit, product, shape);
  }
  if (
    r.low.target.fused.has("FusedMatMul") &&
    dtype === "float32" &&
    (transposeA || transposeB || scale !== 1)
  ) {
    return emit.node("FusedMatMul", [a, b], r.type, {
      domain: "com.microsoft",
      attributes: {
        transA: int(Number(transposeA)),
        transB: int(Number(transposeB)),
        alpha: { float: scale },
      },
    });
  }
  const product = emit.node("MatMul", [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b], r.type);
  return scale === 1 ? product : emit.node("Mul", [product, emit.scalar(scale, dtype)], r.type);
};
