// What a model may contain, by the place it will run. Found by asking each place for every op
// (`docs/ops-table.ts`), ONNX Runtime 1.30.
import type { Device } from "../runtime/device.ts";
import type { OpName } from "./value.ts";

/**
 * Operators beyond the standard set that fuse several of our ops, or an op and its scale. `InverseRms` is the second
 * output of SimplifiedLayerNormalization, which derivatives read; WebGPU leaves wrong numbers in it.
 */
export type Fused =
  | "FusedMatMul"
  | "GroupQueryAttention"
  | "InverseRms"
  | "MatMulNBits"
  | "QuickGelu"
  | "RotaryEmbedding"
  | "SimplifiedLayerNormalization";

/** What the model may contain. */
export interface Target {
  /** Operators of ONNX Runtime's own with a kernel there. */
  readonly fused: ReadonlySet<Fused>;
  /** Ops whose operator has no kernel there, or a wrong one, although the operators it can be composed of have. */
  readonly composed: ReadonlySet<OpName>;
  /** ONNX Runtime's kernels for processors, whose weak places are worked around (`lower-reduce.ts`, `lower-integer.ts`). */
  readonly host: boolean;
}

const HOST: Target = {
  fused: new Set<Fused>([
    "FusedMatMul",
    "GroupQueryAttention",
    "InverseRms",
    "MatMulNBits",
    "QuickGelu",
    "RotaryEmbedding",
    "SimplifiedLayerNormalization",
  ]),
  composed: new Set(),
  host: true,
};

const TARGETS: Readonly<Record<Device | "portable", Target>> = {
  cpu: HOST,
  wasm: HOST,
  cuda: HOST,
  webgpu: {
    fused: new Set<Fused>(["MatMulNBits", "QuickGelu", "SimplifiedLayerNormalization"]),
    composed: new Set<OpName>([
      ...(["sign", "round", "or", "xor", "argMax", "argMin", "logSoftmax"] as const),
      // Kernels that are there, but go wrong (`lower-gpu.ts`).
      ...(["layerNorm", "pow", "cumSum", "gather", "takeAlongAxis", "scatterAdd", "addAlongAxis"] as const),
    ]),
    host: false,
  },
  // Standard operators only, for other runtimes.
  portable: { fused: new Set(), composed: new Set(), host: true },
};

/** Standard operators, and those of `allowed`. */
export function portableWith(allowed: readonly Fused[]): Target {
  return { ...TARGETS.portable, fused: new Set(allowed) };
}

/** The target for `place`. */
export function targetOf(place: Device | "portable"): Target {
  return TARGETS[place];
}
