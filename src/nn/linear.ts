import { checkShapes, matmul, type Tensor } from "../tensor/index.ts";

/** Weight `[O, I]` (row per output, as checkpoints store it) and optional bias `[O]`. */
export interface LinearParams {
  readonly weight: Tensor;
  readonly bias?: Tensor;
}

/** `x Wᵀ + b`. @param x `[…, I]`. @returns `[…, O]`. */
export function linear({ weight, bias }: LinearParams, x: Tensor): Tensor {
  checkShapes("linear", { weight: [weight, "O I"], ...(bias && { bias: [bias, "O"] }) });
  const y = matmul(x, weight, { transposeB: true });
  return bias ? y.add(bias) : y;
}
