// What a place has one kernel for. A kernel takes tensors in rows, `[B, T, H·D]`; heads that were split from such rows,
// or are joined to them next, cost no node.
import { type Dim, mulDims, type Shape } from "./dim.ts";
import type { Emitter, Ref } from "./emitter.ts";
import { at, castTo, int, ints, lowerBody, reshapeTo, type Rule, type RuleInput } from "./lowering.ts";
import type { Kernel, OpAttributes, Type } from "./value.ts";

type Input = RuleInput<OpAttributes["fused"]>;
const DOMAIN = "com.microsoft";

/** The kernel where the target has it and it takes these operands, else the definition. */
export const lowerFused: Rule<OpAttributes["fused"]> = (r) => {
  const { kernel, body } = r.attributes;
  const one = KERNELS[kernel.name](r, kernel as never);
  return one ?? lowerBody(r.low, body, r.inputs);
};

const KERNELS: {
  readonly [K in Kernel["name"]]: (r: Input, kernel: Kernel & { name: K }) => Ref | undefined;
} = { rotary, causalAttention, matMulNBits };

/** ONNX Runtime's RotaryEmbedding, with one row of angles for each of the `T` places. */
function rotary(
  { inputs, type, low, emit }: Input,
  { interleaved }: { interleaved: boolean },
): Ref | undefined {
  if (!low.target.fused.has("RotaryEmbedding") || type.dtype !== "float32") return undefined;
  const x = rowsOf(emit, at(inputs, 0));
  const first = emit.ints([0]);
  const turned = emit.node("RotaryEmbedding", [x, first, at(inputs, 1), at(inputs, 2)], x.type, {
    domain: DOMAIN,
    attributes: { interleaved: int(Number(interleaved)) },
  });
  return headsOf(emit, turned, type.shape);
}

/**
 * ONNX Runtime's GroupQueryAttention over keys and values that a cache and new tokens make together. It reads a cache
 * with room to spare as it is, so that cutting the free part off, and putting both together, fall away.
 */
function causalAttention({ inputs, type, low, emit }: Input, { scale }: { scale: number }): Ref | undefined {
  const [B = 1, H = 1, T = 1, D = 1] = type.shape;
  const [q, k, v] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const G = k.type.shape[1] ?? 1;
  const keys = appended(k);
  const values = appended(v);
  if (!low.target.fused.has("GroupQueryAttention") || type.dtype !== "float32") return undefined;
  if (keys === undefined || values === undefined || v.type.shape[3] !== D) return undefined;
  // The kernel reads several tokens after others for one text only, and heads of whole vectors of 8.
  if ((B !== 1 && T !== 1) || typeof D !== "number" || D % 8 !== 0) return undefined;
  if (typeof H !== "number" || typeof G !== "number") return undefined;
  const [pastKey, pastValue] = [withRoom(keys.before), withRoom(values.before)];
  const S = k.type.shape[2] ?? 1;
  const room = pastKey.type.shape[2] ?? 1;
  // The page's runtime refuses a model whose cache is known to be too small to take the new tokens in.
  if (typeof S === "number" && typeof room === "number" && room < S) return undefined;
  const total = castTo(emit, emit.dims([S]), "int32");
  const last = emit.node("Sub", [total, emit.vector([1], "int32")], total.type);
  const lasts = B === 1 ? last : emit.node("Expand", [last, emit.dims([B])], { dtype: "int32", shape: [B] });
  const out = emit.nodes(
    "GroupQueryAttention",
    [
      rowsOf(emit, q),
      rowsOf(emit, keys.added),
      rowsOf(emit, values.added),
      pastKey,
      pastValue,
      lasts,
      emit.node("Squeeze", [total], { dtype: "int32", shape: [] }),
    ],
    // The kernel wants to write cache and new tokens together, too; nothing reads that.
    [{ dtype: "float32", shape: [B, T, H * D] }, k.type, v.type],
    { domain: DOMAIN, attributes: { num_heads: int(H), kv_num_heads: int(G), scale: { float: scale } } },
  );
  return headsOf(emit, at(out, 0), type.shape);
}

/** ONNX Runtime's MatMulNBits on a constant matrix, whose products are of integers. */
function matMulNBits(
  { inputs, type, low, emit }: Input,
  { bits, whole = false }: { bits: 4 | 8; whole?: boolean },
): Ref | undefined {
  const [x, codes, scales] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const [N = 1, blocks = 1] = codes.type.shape;
  if (!low.target.fused.has("MatMulNBits") || type.dtype !== "float32") return undefined;
  if (codes.data === undefined || scales.data === undefined) return undefined;
  const factors = emit.initializer(scales.data, { dtype: "float32", shape: [Number(N) * Number(blocks)] });
  return emit.node("MatMulNBits", [x, codes, factors], type, {
    domain: DOMAIN,
    attributes: {
      K: int(Number(blocks) * 32),
      N: int(Number(N)),
      bits: int(bits),
      block_size: int(32),
      // Activations in float32, or in 8 bits.
      accuracy_level: int(whole && bits === 4 ? 1 : 4),
    },
  });
}

/** The two parts of tokens that were put together along axis 2. */
function appended(x: Ref): { before: Ref; added: Ref } | undefined {
  const axis = x.from?.opType === "Concat" ? x.from.attributes["axis"] : undefined;
  const [before, added, ...more] = x.from?.inputs ?? [];
  if (axis === undefined || !("int" in axis) || axis.int !== 2 || more.length > 0) return undefined;
  return before && added && { before, added };
}

/** The whole buffer whose first part `x` is, where it was cut along axis 2. */
function withRoom(x: Ref): Ref {
  return x.part?.axis === 2 && x.part.start === 0 ? x.part.of : x;
}

/** Whether `x` is heads `[B, H, T, D]` split from rows, and those. */
function splitRows(x: Ref): Ref | undefined {
  const perm = x.from?.opType === "Transpose" ? x.from.attributes["perm"] : undefined;
  const swaps = perm !== undefined && "ints" in perm && perm.ints.join() === "0,2,1,3";
  return swaps ? x.from?.inputs[0] : undefined;
}

/** `[B, H, T, D]` as rows `[B, T, H·D]`. */
function rowsOf(emit: Emitter, x: Ref): Ref {
  const [B = 1, H = 1, T = 1, D = 1] = x.type.shape;
  const moved: Type = { dtype: x.type.dtype, shape: [B, T, H, D] };
  const split =
    splitRows(x) ?? emit.node("Transpose", [x], moved, { attributes: { perm: ints([0, 2, 1, 3]) } });
  return reshapeTo(emit, split, [B, T, mulDims(H, D)]);
}

/** Rows `[B, T, H·D]` as heads of `shape` `[B, H, T, D]`. */
function headsOf(emit: Emitter, x: Ref, shape: Shape): Ref {
  const [B = 1, H = 1, T = 1, D = 1] = shape as readonly Dim[];
  const split = reshapeTo(emit, x, [B, T, H, D]);
  return emit.node(
    "Transpose",
    [split],
    { dtype: x.type.dtype, shape },
    {
      attributes: { perm: ints([0, 2, 1, 3]) },
    },
  );
}
