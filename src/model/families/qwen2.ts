// Qwen Team 2024, "Qwen2". https://arxiv.org/abs/2407.10671
// Llama's block with biases for queries, keys and values, and sliding windows in some layers.
import { OptionError } from "../../errors.ts";
import type { CausalLMConfig } from "../config.ts";
import { type Defaults, type Family, type FamilyConfig, gateOf, type Keys, sizesOf } from "../family.ts";
import { ropeOf } from "../rope-keys.ts";
import { writeLlama } from "./llama.ts";

export const qwen2: Family = {
  type: "qwen2",
  architecture: "Qwen2ForCausalLM",
  ignores: [],
  read: (keys) => ({ ...readQwen(keys, { context: 32_768, keyValueHeads: 32 }), bias: "qkv" }),
  write(config) {
    return config.bias === "qkv" ? withoutBias(writeLlama({ ...config, bias: "none" })) : undefined;
  },
};

/** What is written of a model whose biases its family knows by itself. */
function withoutBias(
  keys: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (keys === undefined) return undefined;
  const { attention_bias: _, mlp_bias: __, ...rest } = keys;
  return rest;
}

/**
 * Layers are of the kinds that `layer_types` lists; without it those from `max_window_layers` on have windows, if
 * `use_sliding_window` says that any have.
 */
export function readQwen(keys: Keys, defaults: Defaults): FamilyConfig {
  const sizes = sizesOf(keys, defaults);
  const window = windowOf(keys, keys.truth("use_sliding_window", false));
  const first = keys.number("max_window_layers", 28);
  const kinds =
    keys.words("layer_types") ??
    Array.from({ length: sizes.layers }, (_, i) =>
      window !== undefined && i >= first ? "sliding_attention" : "full_attention",
    );
  if (kinds.length !== sizes.layers) {
    throw new OptionError(
      `${keys.file}: layer_types must have ${sizes.layers} entries, got ${kinds.length}.`,
    );
  }
  const rope = ropeOf(keys, kinds);
  const positions = kinds.map((kind): NonNullable<CausalLMConfig["perLayer"]>[number] => {
    if (kind === "full_attention") return { position: rope(kind) };
    if (kind !== "sliding_attention") {
      throw new OptionError(
        `${keys.file}: layer_types must be full_attention or sliding_attention, got "${kind}".`,
      );
    }
    if (window === undefined) {
      throw new OptionError(
        `${keys.file}: use_sliding_window must be true, with a sliding_window, where layer_types has sliding_attention, got neither or one.`,
      );
    }
    return { position: { ...rope(kind), slidingWindow: window } };
  });
  const alike = positions.every((p) => JSON.stringify(p) === JSON.stringify(positions[0]));
  return {
    ...sizes,
    activation: gateOf(keys),
    position: positions[0]?.position ?? rope("full_attention"),
    ...(!alike && { perLayer: positions }),
  };
}

/** Width of the windows; nothing where there are none: `sliding_window` is null, or not used. */
function windowOf(keys: Keys, used: boolean): number | undefined {
  const size = keys.number("sliding_window", 4096);
  const none = keys.has("sliding_window") && keys.any("sliding_window") === undefined;
  return used && !none ? size : undefined;
}
