// Llama 1 to 3, and the many that call themselves so. Touvron et al. 2023, https://arxiv.org/abs/2302.13971
import type { CausalLMConfig } from "../config.ts";
import {
  type Defaults,
  departsOnly,
  type Family,
  type FamilyConfig,
  gateOf,
  gateWord,
  type Keys,
  sizesOf,
} from "../family.ts";
import type { Bias } from "../mixer.ts";
import type { PositionSpec } from "../../position/index.ts";
import { ropeKeys, ropeOf } from "../rope-keys.ts";

export const llama: Family = {
  type: "llama",
  architecture: "LlamaForCausalLM",
  // transformers' Llama has no windows and no kinds of layers, whatever the file says.
  ignores: ["sliding_window", "use_sliding_window", "max_window_layers", "layer_types"],
  read: (keys) => readLlama(keys, { context: 2048 }),
  write: (config) => writeLlama(config),
};

/** Llama's block: RMS norms before attention and a gated MLP, RoPE, biases by choice. */
export function readLlama(keys: Keys, defaults: Defaults): FamilyConfig {
  const biases: Readonly<Record<string, Bias>> = {
    "true,true": "all",
    "true,false": "attention",
    "false,true": "mlp",
  };
  const [attention, mlp] = [keys.truth("attention_bias", false), keys.truth("mlp_bias", false)];
  return {
    ...sizesOf(keys, defaults),
    activation: gateOf(keys),
    position: ropeOf(keys)("full_attention"),
    bias: biases[`${attention},${mlp}`] ?? "none",
  };
}

/** Llama's words for a model of its block whose heads turn as a whole; nothing for another. */
export function writeLlama(config: CausalLMConfig): Readonly<Record<string, unknown>> | undefined {
  const { fraction, shortFactors } = config.position as PositionSpec;
  return fraction === undefined && shortFactors === undefined ? writeBlock(config) : undefined;
}

/** The same where part of a head may turn. */
export function writeBlock(config: CausalLMConfig): Readonly<Record<string, unknown>> | undefined {
  const { bias, position } = config;
  const act = gateWord(config);
  if (!departsOnly(config) || bias === "qkv" || position.type === "learned" || act === undefined)
    return undefined;
  const rope = ropeKeys(position, config.context);
  if (rope === undefined) return undefined;
  return {
    hidden_act: act,
    ...rope,
    attention_bias: bias === "all" || bias === "attention",
    mlp_bias: bias === "all" || bias === "mlp",
  };
}
