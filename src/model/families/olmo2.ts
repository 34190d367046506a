// OLMo Team 2025, "2 OLMo 2 Furious". https://arxiv.org/abs/2501.00656
// Llama's block with norms after both parts, and RMS norms of all queries and of all keys of a token.
import type { Family } from "../family.ts";
import { readLlama, writeLlama } from "./llama.ts";

export const olmo2: Family = {
  type: "olmo2",
  architecture: "Olmo2ForCausalLM",
  ignores: [],
  read: (keys) => ({
    ...readLlama(keys, { context: 2048, normEpsilon: 1e-5 }),
    norms: "after",
    headNorm: true,
    headNormOver: "all",
  }),
  write(config) {
    const { norms, headNormOver, ...block } = config;
    if (norms !== "after" || !config.headNorm || headNormOver !== "all") return undefined;
    const keys = writeLlama({ ...block, headNorm: false });
    return keys && keys["mlp_bias"] !== true ? { ...keys, mlp_bias: undefined } : undefined;
  },
};
