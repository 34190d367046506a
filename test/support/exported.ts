// Models to export, with batch and time open, and what plain ONNX Runtime must make of them.
import { causalLM, type CausalLMConfig, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { type Dim, type ExportOptions, random, type Tensor, tensor } from "../../src/tensor/index.ts";

const sizes = { vocabulary: 31, context: 16, width: 24, layers: 2, heads: 4 };

/** Llama's parts, and GPT-2's. */
export const CONFIGS: Readonly<Record<string, CausalLMConfig>> = {
  llama: causalLMConfig({ ...sizes, keyValueHeads: 2 }),
  gpt: causalLMConfig({
    ...sizes,
    activation: "gelu-tanh",
    norm: "layer",
    bias: "all",
    position: { type: "learned" },
  }),
};

/** Lengths to run one exported model at: `[batch, time]`. */
export const LENGTHS = [
  [1, 1],
  [1, 7],
  [3, 5],
  [2, 16],
] as const;

/** Token ids of a batch. */
export function idsOf(batch: number, time: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: batch * time }, (_, i) => (i * 7 + batch) % sizes.vocabulary);
}

/** A model as a function of ids, an example of them, and how to export it. */
export function exportable(config: CausalLMConfig): {
  readonly logits: (ids: Tensor) => Tensor;
  readonly example: Tensor;
  readonly options: ExportOptions;
} {
  const params = initCausalLM(config, random.key(3));
  return {
    logits: (ids) => causalLM(config, params, ids).logits,
    example: tensor(idsOf(1, 2), { shape: [1, 2] }),
    options: {
      symbolic: (): Dim[] => ["batch", "time"],
      inputNames: ["input_ids"],
      outputNames: ["logits"],
      weights: params,
    },
  };
}

/** Largest difference, relative to 1. */
export function gap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  return Array.from(a).reduce(
    (most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? NaN)) / (1 + Math.abs(x))),
    0,
  );
}
