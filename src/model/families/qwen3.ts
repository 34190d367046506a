// Qwen Team 2025, "Qwen3". https://arxiv.org/abs/2505.09388
// Qwen2's block with RMS norms of query and key heads, and biases of attention by choice.
import type { Family } from "../family.ts";
import { readQwen, writeQwen } from "./qwen2.ts";

export const qwen3: Family = {
  type: "qwen3",
  architecture: "Qwen3ForCausalLM",
  ignores: [],
  read: (keys) => ({
    ...readQwen(keys, { context: 32_768, keyValueHeads: 32, headWidth: 128 }),
    headNorm: true,
    bias: keys.truth("attention_bias", false) ? "attention" : "none",
  }),
  write(config) {
    return config.headNorm ? writeQwen({ ...config, headNorm: false }) : undefined;
  },
};
