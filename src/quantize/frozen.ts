// A matrix in 8 or 4 bits that adapters are trained beside: derivatives pass through it, none reaches it.
// Dettmers et al. 2023, "QLoRA", section 3. https://arxiv.org/abs/2305.14314
import type { LinearMap } from "../nn/index.ts";
import { checkpoint, matmul, type Tensor } from "../tensor/index.ts";
import { nbit, type NbitConfig, type NbitParams, toNbit } from "./nbit.ts";

/** As `nbit`'s `codes` `[O, I/32, 4·bits]` and `scales` `[O, I/32]`, under a name of its own. */
export type FrozenParams = { readonly frozen: Tensor; readonly scales: Tensor };

export interface FrozenConfig extends Omit<NbitConfig, "type"> {
  readonly type: "frozen";
}

const asNbit = ({ frozen, scales }: FrozenParams): NbitParams => ({ codes: frozen, scales });

/**
 * `x Wᵀ` with the dequantised `W`, where `nbit`'s kernel rounds `x` to 8 bits: the derivative by x is that of this very
 * product. `W` is computed again for it, so that one matrix in float32 lives at a time.
 */
export const frozen: LinearMap<FrozenConfig, FrozenParams> = {
  type: "frozen",
  leaf: "frozen",
  parameters(config, out, from, std) {
    const { codes, scales } = nbit.parameters({ ...config, type: "nbit" }, out, from, std);
    if (!codes || !scales) throw new Error("nbit has codes and scales");
    return { frozen: codes, scales };
  },
  apply: ({ frozen: codes, scales }, x) =>
    checkpoint((a: Tensor, c: Tensor, s: Tensor) =>
      matmul(a, nbit.toDense({ codes: c, scales: s }), { transposeB: true }),
    )(x, codes, scales),
  toDense: (params) => nbit.toDense(asNbit(params)),
  rows(params, ids) {
    if (!nbit.rows) throw new Error("nbit has rows");
    return nbit.rows(asNbit(params), ids);
  },
};

/** The nearest codes of a matrix `[O, I]`, row-major. @throws OptionError unless 32 divides `I`. */
export function toFrozen(w: Float32Array, out: number, from: number, bits: 4 | 8): FrozenParams {
  const { codes, scales } = toNbit(w, out, from, bits);
  return { frozen: codes, scales };
}
