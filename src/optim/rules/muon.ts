// Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", https://kellerjordan.github.io/posts/muon/
// Size of the step and decay: Liu et al. 2025, "Muon is Scalable for LLM Training", section 2.2,
// https://arxiv.org/abs/2502.16982. Vectors and tables are AdamW's, as in both.
import { matmul, maximum, sqrt, square, sum, type Tensor, transpose, zipTrees } from "../../tensor/index.ts";
import { clipByGlobalNorm } from "../clip.ts";
import { roleByShape, type RoleOf } from "../role.ts";
import { FIELDS, type RuleOf } from "../rule.ts";
import { addDecay, scaleByRate, zerosLike } from "../scale.ts";
import { chain, partition, type Schedule, type Transform } from "../transform.ts";
import { type AdamOptions, scaleByAdam } from "./adamw.ts";

export interface MuonOptions extends AdamOptions {
  /** Decay of the momentum of matrices, `μ`; default 0.95. */
  readonly momentum?: number;
  /** Turns of the iteration; default 5. */
  readonly turns?: number;
  /** Decoupled weight decay of matrices and tables; default 0.1. */
  readonly decay?: number;
  /** Global norm to clip gradients to; no clipping when absent or 0. */
  readonly clip?: number;
}

/** Coefficients of one turn, `aX + (bA + cA²)X` with `A = XXᵀ`: steepest at 0, so that small values rise fastest. */
const [A, B, C] = [3.4445, -4.775, 2.0315];

/**
 * Newton and Schulz's iteration: matrix `G` `[…, M, N]` becomes near `UVᵀ` of its singular value decomposition. All its
 * singular values come to lie between about 0.7 and 1.2 after 5 turns, but for those below a thousandth of the norm.
 */
export function orthogonalise(g: Tensor, turns = 5): Tensor {
  const [rows, columns] = [Number(g.shape.at(-2)), Number(g.shape.at(-1))];
  const tall = rows > columns;
  const norm = sqrt(sum(square(g), { axis: [-2, -1], keep: true }));
  let x = (tall ? transpose(g) : g).div(maximum(tall ? transpose(norm) : norm, 1e-7));
  for (let i = 0; i < turns; i++) {
    const gram = matmul(x, transpose(x));
    const polynomial = gram.mul(B).add(matmul(gram, gram).mul(C));
    x = x.mul(A).add(matmul(polynomial, x));
  }
  return tall ? transpose(x) : x;
}

/**
 * `m ← μm + (1 − μ)g`, `u = 0.2·√max(M, N)·orthogonalise((1 − μ)g + μm)`: a root mean square near 0.2 for any shape, like
 * AdamW's, so that one rate fits both. Leaves of one axis pass.
 */
export function scaleByMuon<P>(momentum = 0.95, turns = 5): Transform<P, { readonly m: P }> {
  return {
    init: (params) => ({ m: zerosLike(params) }),
    update: (grads, state) => {
      const m = zipTrees(state.m, grads, (a, g) => a.mul(momentum).add(g.mul(1 - momentum))) as P;
      const updates = zipTrees(m, grads, (a, g) => {
        if (g.rank < 2) return g;
        const larger = Math.max(Number(g.shape.at(-2)), Number(g.shape.at(-1)));
        const ahead = g.mul(1 - momentum).add(a.mul(momentum));
        return orthogonalise(ahead, turns).mul(0.2 * Math.sqrt(larger));
      }) as P;
      return { updates, state: { m } };
    },
  };
}

/** Muon for matrices, Adam for the rest: clip, direction, decoupled decay, rate. */
export function muon<P>(
  schedule: Schedule,
  { momentum = 0.95, turns = 5, decay = 0.1, clip = 0, ...adam }: MuonOptions = {},
  role: RoleOf = roleByShape,
): Transform<P, Record<string, unknown>> {
  const choose = (name: string, p: Tensor): "matrices" | "others" =>
    role(name, p) === "matrix" && p.rank >= 2 ? "matrices" : "others";
  return chain<P, Record<string, Transform<P, unknown>>>({
    ...(clip !== 0 && { clip: clipByGlobalNorm<P>(clip) }),
    by: partition<P, Record<string, Transform<P, unknown>>>(choose, {
      matrices: scaleByMuon<P>(momentum, turns),
      others: scaleByAdam<P>(adam),
    }),
    ...(decay !== 0 && { decay: addDecay<P>(decay) }),
    rate: scaleByRate<P>(schedule),
  });
}

export interface MuonConfig extends Required<MuonOptions> {
  readonly type: "muon";
}

export const muonRule: RuleOf<MuonConfig> = {
  type: "muon",
  about: "momentum made orthogonal for matrices, AdamW for the rest (Jordan et al. 2024)",
  rate: 5e-3,
  needs: {
    momentum: FIELDS.beta("decay of the momentum of matrices", 0.95),
    turns: { about: "turns of the iteration", low: 1, high: 20, usual: 5, whole: true },
    beta1: FIELDS.beta("decay of Adam's first moment", 0.9),
    beta2: FIELDS.beta("decay of Adam's second moment", 0.95),
    epsilon: { about: "added to the root of Adam's second moment", low: 0, high: 1, usual: 1e-8 },
    decay: FIELDS.decay(0.1),
    clip: FIELDS.clip(1),
  },
  make: (rate, config, role) => muon(rate, config, role),
};
