// The inner layer of a block: two matrices and a function between them, or three with a gate.
// Shazeer 2020, "GLU variants". https://arxiv.org/abs/2002.05202
import type { MapParams, Maps } from "../nn/index.ts";
import { gelu, relu, silu, square, type Tensor } from "../tensor/index.ts";
import type { Bias, Matrix } from "./mixer.ts";

/**
 * Gated by a function (`swiglu`: silu, `geglu`: gelu, `reglu`: relu, `reglu2`: relu squared), or that function alone;
 * `-tanh` is GPT-2's gelu.
 */
export type Activation =
  | "swiglu"
  | "geglu"
  | "geglu-tanh"
  | "reglu"
  | "reglu2"
  | "silu"
  | "gelu"
  | "gelu-tanh"
  | "relu"
  | "relu2";

/** So et al. 2021, "Primer". https://arxiv.org/abs/2109.08668 */
const relu2 = (x: Tensor): Tensor => square(relu(x));

const FUNCTIONS: Readonly<
  Record<Activation, { readonly gated: boolean; readonly f: (x: Tensor) => Tensor }>
> = {
  swiglu: { gated: true, f: silu },
  geglu: { gated: true, f: (x) => gelu(x, { approximate: "none" }) },
  "geglu-tanh": { gated: true, f: (x) => gelu(x, { approximate: "tanh" }) },
  reglu: { gated: true, f: relu },
  reglu2: { gated: true, f: relu2 },
  silu: { gated: false, f: silu },
  relu: { gated: false, f: relu },
  relu2: { gated: false, f: relu2 },
  gelu: { gated: false, f: (x) => gelu(x, { approximate: "none" }) },
  "gelu-tanh": { gated: false, f: (x) => gelu(x, { approximate: "tanh" }) },
};

/** Their names. */
export const ACTIVATIONS: readonly string[] = Object.keys(FUNCTIONS);

/** Whether it has a gate. A name that is none has none. */
export function isGated(activation: Activation): boolean {
  return Object.hasOwn(FUNCTIONS, activation) && FUNCTIONS[activation].gated;
}

/** What it is told of its model. */
export interface MlpSizes {
  /** Width `C` of the residual stream, and inner width `F`. */
  readonly width: number;
  readonly hidden: number;
  readonly activation: Activation;
  readonly bias: Bias;
}

export interface MlpParams {
  readonly gate_proj?: MapParams; // C to F, with a gate only
  readonly up_proj: MapParams; // C to F
  readonly down_proj: MapParams; // F to C
}

/** Its matrices. */
export function mlpParameters(config: MlpSizes): Readonly<Record<string, Matrix>> {
  const { width: C, hidden: F, activation } = config;
  const bias = config.bias === "all" || config.bias === "mlp";
  return {
    ...(isGated(activation) && { gate_proj: { out: F, from: C, bias } }),
    up_proj: { out: F, from: C, bias },
    down_proj: { out: C, from: F, bias, init: "residual" },
  };
}

/** `W_down (f(W_gate x) ⊙ W_up x)`, or `W_down f(W_up x)`. @param x `[B, T, C]`. */
export function mlp(
  { activation }: Pick<MlpSizes, "activation">,
  maps: Maps,
  { gate_proj, up_proj, down_proj }: MlpParams,
  x: Tensor,
): Tensor {
  const { f } = FUNCTIONS[activation];
  const up = maps.apply(up_proj, x);
  return maps.apply(down_proj, gate_proj ? f(maps.apply(gate_proj, x)).mul(up) : f(up));
}
