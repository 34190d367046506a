// Gemma Team 2024, "Gemma". https://arxiv.org/abs/2403.08295
// Llama's block with scaled embeddings, a gate of gelu, a tied head, and gains stored as `w` that act as `1 + w`.
import type { Family } from "../family.ts";
import { departsOnly, gateOf, gateWord, sizesOf } from "../family.ts";
import { ropeKeys, ropeOf } from "../rope-keys.ts";
import { gemmaStored } from "./gemma2.ts";
import { FULL } from "./layers.ts";

export const gemma: Family = {
  type: "gemma",
  architecture: "GemmaForCausalLM",
  ignores: ["hidden_activation"], // hidden_act counts
  read(keys) {
    const sizes = sizesOf(keys, { context: 8192, keyValueHeads: 16, headWidth: 256, tieEmbeddings: true });
    return {
      ...sizes,
      // The first files say "gelu" and mean its approximation, as transformers reads them.
      activation: keys.word("hidden_act", "gelu") === "gelu" ? "geglu-tanh" : gateOf(keys, "hidden_act"),
      position: ropeOf(keys)(FULL),
      bias: keys.truth("attention_bias", false) ? "attention" : "none",
      embeddingScale: Math.sqrt(sizes.width),
    };
  },
  stored: (name) => gemmaStored(name),
  write(config) {
    const { position, bias, embeddingScale, width } = config;
    const act = gateWord(config);
    if (!departsOnly(config, ["embeddingScale"]) || embeddingScale !== Math.sqrt(width)) return undefined;
    if (act === undefined || position.type === "learned" || !["none", "attention"].includes(bias))
      return undefined;
    const rope = ropeKeys(position, config.context);
    return rope && { hidden_act: act, ...rope, attention_bias: bias === "attention" };
  },
};
