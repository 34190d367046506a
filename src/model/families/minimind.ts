// MiniMind's own files: Llama's block, whose head is the embedding table. https://github.com/jingyaogong/minimind
import { OptionError } from "../../errors.ts";
import type { Family } from "../family.ts";
import { readLlama } from "./llama.ts";

export const minimind: Family = {
  type: "minimind",
  architecture: "MiniMindForCausalLM",
  // What its mixture of experts would read.
  ignores: [
    "num_experts_per_tok",
    "n_routed_experts",
    "n_shared_experts",
    "scoring_func",
    "aux_loss_alpha",
    "seq_aux",
    "norm_topk_prob",
  ],
  read(keys) {
    for (const key of ["use_moe", "inference_rope_scaling"]) {
      if (!keys.truth(key, false)) continue;
      throw new OptionError(`${keys.file}: ${key} must be false for a model of this kind, got true.`);
    }
    return readLlama(keys, { context: 32_768, normEpsilon: 1e-5, tieEmbeddings: true });
  },
};
