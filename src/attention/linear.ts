// Katharopoulos et al. 2020, "Transformers are RNNs", section 3. https://arxiv.org/abs/2006.16236
import {
  checkShapes,
  concat,
  cumSum,
  type Dtype,
  exp,
  expandDims,
  matmul,
  minimum,
  narrow,
  ones,
  relu,
  sum,
  type Tensor,
  tril,
  zeros,
} from "../tensor/index.ts";
import { checkWhole, fromBlocks, toBlocks } from "./blocks.ts";

/** `elu(x) + 1`, positive: `x + 1` above zero, `eˣ` below. */
export function eluPlusOne(x: Tensor): Tensor {
  return relu(x).add(exp(minimum(x, 0)));
}

/** `v` with a column of ones, so that numerator and denominator come from one product. */
function withOnes(v: Tensor): Tensor {
  return concat([v, ones([...v.shape.slice(0, -1), 1], { dtype: v.dtype })], -1);
}

/** The first columns over the last one. */
function ratio(y: Tensor): Tensor {
  const E = Number(y.shape.at(-1)) - 1;
  return narrow(y, -1, 0, E).div(narrow(y, -1, E, E + 1));
}

/**
 * Attention without softmax, `oᵢ = φ(qᵢ)·Σⱼ φ(kⱼ)vⱼᵀ / φ(qᵢ)·Σⱼ φ(kⱼ)` over all keys.
 * @param q Features of queries `[B, H, T, F]`, positive. @param k Features of keys `[B, H, S, F]`, positive.
 * @param v `[B, H, S, E]`. @returns `[B, H, T, E]`.
 */
export function linearAttention(q: Tensor, k: Tensor, v: Tensor): Tensor {
  checkShapes("linearAttention", { q: [q, "B~ H T~ F"], k: [k, "B~ H S~ F"], v: [v, "B~ H S~ E"] });
  return ratio(matmul(q, matmul(k, withOnes(v), { transposeA: true })));
}

/**
 * The causal form, `j ≤ i`, in time linear in `T`: within a block by masked products, before it by the sum of
 * `φ(k)vᵀ` so far.
 * @param options `block`: rows of a block, default 64.
 */
export function causalLinearAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { block = 64 }: { block?: number } = {},
): Tensor {
  checkWhole("causalLinearAttention", "block", block);
  const { T } = checkShapes("causalLinearAttention", {
    q: [q, "B~ H T~ F"],
    k: [k, "B~ H T~ F"],
    v: [v, "B~ H T~ E"],
  });
  const size = typeof T === "number" ? Math.min(block, T) : block;
  const cut = (x: Tensor): Tensor => toBlocks("causalLinearAttention", x, size);
  const [qs, ks, vs] = [cut(q), cut(k), cut(withOnes(v))]; // padded keys have no features
  const own = matmul(tril(matmul(qs, ks, { transposeB: true })), vs);
  const sums = matmul(ks, vs, { transposeA: true }); // [B, H, N, F, E + 1]
  const before = matmul(qs, cumSum(sums, { axis: 2, exclusive: true }));
  return ratio(fromBlocks(own.add(before), T));
}

/** `Σ φ(k)vᵀ` `[B, H, F, E]` and `Σ φ(k)` `[B, H, F]`: all that is kept of the past. */
export interface LinearState {
  readonly product: Tensor;
  readonly total: Tensor;
}

/** The state before the first token. */
export function linearState(
  [B, H, F, E]: readonly [B: number, H: number, F: number, E: number],
  { dtype = "float32" }: { dtype?: Dtype } = {},
): LinearState {
  return { product: zeros([B, H, F, E], { dtype }), total: zeros([B, H, F], { dtype }) };
}

/**
 * One token: `S ← S + φ(k)vᵀ`, `Z ← Z + φ(k)`, `o = φ(q)S / φ(q)·Z`.
 * @param q `[B, H, 1, F]`. @param k `[B, H, 1, F]`. @param v `[B, H, 1, E]`. @returns `o` `[B, H, 1, E]`.
 */
export function linearStep(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  state: LinearState,
): { o: Tensor; state: LinearState } {
  checkShapes("linearStep", {
    q: [q, "B~ H 1 F"],
    k: [k, "B~ H 1 F"],
    v: [v, "B~ H 1 E"],
    "state.product": [state.product, "B~ H F E"],
    "state.total": [state.total, "B~ H F"],
  });
  const product = state.product.add(matmul(k, v, { transposeA: true }));
  const total = state.total.add(sum(k, { axis: 2 }));
  const below = matmul(q, expandDims(total, -1)); // [B, H, 1, 1]
  return { o: matmul(q, product).div(below), state: { product, total } };
}
