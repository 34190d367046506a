// Small models of every family that `CausalLM` knows, with seeded weights, and what they write greedily.
import { causalLM, type CausalLMConfig, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import type { CausalLMParams } from "../../src/model/index.ts";
import { hwfaPlan } from "../../src/position/index.ts";
import { type Dim, exportOnnx } from "../../src/tensor/index.ts";
import { evaluate, mapTree, random, type Tensor, tensor } from "../../src/tensor/index.ts";

const sizes = { vocabulary: 61, context: 48, width: 32, layers: 2, heads: 4 };

export const FAMILIES: Readonly<Record<string, CausalLMConfig>> = {
  llama: causalLMConfig({ ...sizes, keyValueHeads: 2, tieEmbeddings: false }),
  "gpt-2": causalLMConfig({
    ...sizes,
    activation: "gelu-tanh",
    norm: "layer",
    bias: "all",
    position: { type: "learned" },
  }),
  "qwen3 with biases": causalLMConfig({ ...sizes, keyValueHeads: 2, headNorm: true, bias: "qkv" }),
  mla: causalLMConfig({
    ...sizes,
    attention: { type: "mla", latentWidth: 12, rotaryWidth: 4, queryLatentWidth: 10 },
  }),
  window: causalLMConfig({ ...sizes, attention: { type: "window", window: 5 } }),
  linear: causalLMConfig({ ...sizes, attention: { type: "linear" } }),
  performer: causalLMConfig({ ...sizes, attention: { type: "performer", features: 12 } }),
  "transformer-vq": causalLMConfig({ ...sizes, attention: { type: "transformer-vq", codes: 7, block: 6 } }),
  hwfa: causalLMConfig({
    ...sizes,
    layers: 3,
    perLayer: hwfaPlan({ layers: 3, trainingLength: 12 }).map((position) => ({ position })),
  }),
};

export const PROMPT: readonly number[] = [7, 19, 3, 42, 11];
export const WRITTEN = 32;

/** Weights ten times those of a fresh model, and biases that are not zero: fresh ones write one token for ever. */
export async function paramsOf(config: CausalLMConfig): Promise<CausalLMParams> {
  const key = random.key(11);
  const params = mapTree(initCausalLM(config, key), (p, name) => {
    if (name.endsWith(".bias"))
      return random.normal(random.fold(key, name), p.shape as number[], { std: 0.05 });
    if (name.includes("norm") || name.endsWith("codebook.count")) return p;
    return p.mul(10);
  });
  return evaluate(params);
}

/** The whole model as one ONNX file with free batch and time axes: `input_ids` to `logits`. */
export function exportFamily(
  config: CausalLMConfig,
  params: CausalLMParams,
  portable: boolean,
): ReturnType<typeof exportOnnx> {
  const example = tensor(Int32Array.from(PROMPT), { shape: [1, PROMPT.length] });
  return exportOnnx((ids: Tensor) => causalLM(config, params, ids).logits, [example], {
    symbolic: (): Dim[] => ["batch", "time"],
    inputNames: ["input_ids"],
    outputNames: ["logits"],
    weights: params,
    portable,
  });
}

/** What a session of any ONNX Runtime does here. */
type Run = (ids: Int32Array, dims: readonly [number, number]) => Promise<Float32Array>;

/**
 * `WRITTEN` tokens after the prompt, each the most probable after a pass over all before it, and the smallest lead of
 * a chosen token over the next.
 */
export async function greedy(run: Run): Promise<{ tokens: number[]; lead: number }> {
  const ids = [...PROMPT];
  let lead = Infinity;
  while (ids.length < PROMPT.length + WRITTEN) {
    const logits = await run(Int32Array.from(ids), [1, ids.length]);
    const row = Array.from(logits.subarray((ids.length - 1) * sizes.vocabulary));
    const best = row.indexOf(Math.max(...row));
    const [first = 0, second = 0] = row.toSorted((a, b) => b - a);
    lead = Math.min(lead, first - second);
    ids.push(best);
  }
  return { tokens: ids.slice(PROMPT.length), lead };
}
