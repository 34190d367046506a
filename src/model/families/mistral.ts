// Jiang et al. 2023, "Mistral 7B". https://arxiv.org/abs/2310.06825
// Llama's block without biases, under a sliding window in every layer unless `sliding_window` is null.
import { type Family, gateOf, sizesOf } from "../family.ts";
import { ropeOf } from "../rope-keys.ts";
import { writeLlama } from "./llama.ts";

export const mistral: Family = {
  type: "mistral",
  architecture: "MistralForCausalLM",
  ignores: [],
  read(keys) {
    const position = ropeOf(keys)("full_attention");
    const window = keys.has("sliding_window") ? keys.any("sliding_window") : 4096;
    return {
      ...sizesOf(keys, { context: 131_072, keyValueHeads: 8 }),
      activation: gateOf(keys),
      position:
        window === undefined ? position : { ...position, slidingWindow: keys.number("sliding_window", 4096) },
    };
  },
  write(config) {
    if (config.bias !== "none" || config.position.type === "learned") return undefined;
    const { slidingWindow, ...position } = config.position;
    if (position.base === undefined) return undefined; // a file of this family names it
    const keys = writeLlama({ ...config, position });
    return (
      keys && {
        ...keys,
        attention_bias: undefined,
        mlp_bias: undefined,
        sliding_window: slidingWindow ?? null,
      }
    );
  },
};
