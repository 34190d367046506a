// Jiang et al. 2023, "Mistral 7B". https://arxiv.org/abs/2310.06825
// Llama's block without biases, under a sliding window in every layer unless `sliding_window` is null.
import { type Family, gateOf, sizesOf } from "../family.ts";
import { ropeOf } from "../rope-keys.ts";

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
};
