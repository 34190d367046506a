// Between Performer and Transformer-VQ: Su 2023, "Traces of Transformer-VQ in Performer", https://kexue.fm/archives/9862.
import { OptionError } from "../errors.ts";
import {
  checkShapes,
  exp,
  expandDims,
  matmul,
  max,
  softmax,
  square,
  stopGradient,
  sum,
  type Tensor,
} from "../tensor/index.ts";

export interface SoftVqOptions {
  /** `C` `[H, K, D]`, in the space of keys. */
  readonly codebook: Tensor;
  /** Factor of the scores; default `1/√D`. */
  readonly scale?: number;
  /** `τ` of the assignment; default 1. Towards 0 each key goes to its nearest code alone. */
  readonly temperature?: number;
  /** Whether the shares of a key sum to one, as those of a mixture do; default true. */
  readonly normalised?: boolean;
}

/**
 * `[B, H, S, K]`: how much of each key belongs to each code, `p(y|k) ∝ exp(−scale ‖k − c_y‖² / 2τ)`; without
 * `normalised` that exponential itself.
 * @param k `[B, H, S, D]`. @throws OptionError for a temperature that is not above 0.
 */
export function softAssignments(k: Tensor, options: SoftVqOptions): Tensor {
  const { codebook, temperature = 1, normalised = true } = options;
  const { D } = checkShapes("softAssignments", { k: [k, "B~ H S~ D"], codebook: [codebook, "H K D"] });
  if (!(temperature > 0)) {
    throw new OptionError(`softAssignments: temperature must be above 0, got ${temperature}.`);
  }
  const factor = (options.scale ?? 1 / Math.sqrt(D)) / temperature;
  // −½‖k − c‖² = k·c − ½‖c‖² − ½‖k‖²
  const own = sum(square(codebook), { axis: -1 }).mul(0.5); // [H, K]
  const near = matmul(k, codebook, { transposeB: true }).sub(expandDims(own, 1));
  if (normalised) return softmax(near.mul(factor)); // ‖k‖² is the same for all codes
  return exp(near.sub(sum(square(k), { axis: -1, keep: true }).mul(0.5)).mul(factor));
}

/**
 * Features that make softmax attention linear by way of codes: `Σ_y e^(scale q·c_y) Σ_j p(y|k_j) v_j` over the same with
 * ones, as `linearAttention` or `causalLinearAttention` of them. One-hot shares (τ → 0) are Transformer-VQ. Shares that
 * are not normalised, over codes `ω/√scale` of one length, are Performer: `e^(ω·k − ‖k‖²/2) = e^(−‖k − ω‖²/2) e^(‖ω‖²/2)`,
 * whose last factor cancels.
 * @param q `[B, H, T, D]`, unscaled. @param k `[B, H, S, D]`. @returns `[B, H, T, K]` and `[B, H, S, K]`.
 */
export function softVqPair(q: Tensor, k: Tensor, options: SoftVqOptions): { q: Tensor; k: Tensor } {
  const { D } = checkShapes("softVqPair", {
    q: [q, "B~ H T~ D"],
    k: [k, "B~ H S~ D"],
    codebook: [options.codebook, "H K D"],
  });
  const scale = options.scale ?? 1 / Math.sqrt(D);
  const scores = matmul(q, options.codebook, { transposeB: true, scale }); // [B, H, T, K]
  // A query's own largest score cancels.
  const largest = stopGradient(max(scores, { axis: -1, keep: true }));
  return { q: exp(scores.sub(largest)), k: softAssignments(k, options) };
}
