// SmolLM's block is Llama's.
import type { Family } from "../family.ts";
import { llama, readLlama } from "./llama.ts";

export const smollm: Family = {
  type: "smollm",
  architecture: "LlamaForCausalLM",
  ignores: llama.ignores,
  read: (keys) => readLlama(keys, { context: 2048 }),
};
