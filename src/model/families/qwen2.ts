// Qwen Team 2024, "Qwen2". https://arxiv.org/abs/2407.10671
// Llama's block with biases for queries, keys and values, and sliding windows in some layers.
import { OptionError } from "../../errors.ts";
import type { CausalLMConfig } from "../config.ts";
import { type Defaults, type Family, type FamilyConfig, gateOf, type Keys, sizesOf } from "../family.ts";
import { ropeOf } from "../rope-keys.ts";
import { common, FULL, layerKinds, positions, SLIDING, windowKeys, windowsOf } from "./layers.ts";
import { writeLlama } from "./llama.ts";

export const qwen2: Family = {
  type: "qwen2",
  architecture: "Qwen2ForCausalLM",
  ignores: [],
  read: (keys) => ({ ...readQwen(keys, { context: 32_768, keyValueHeads: 32 }), bias: "qkv" }),
  write(config) {
    if (config.bias !== "qkv") return undefined;
    const keys = writeQwen({ ...config, bias: "none" });
    return keys && { ...keys, attention_bias: undefined };
  },
};

/**
 * Layers are of the kinds that `layer_types` lists; without it those from `max_window_layers` on have windows, if
 * `use_sliding_window` says that any have.
 */
export function readQwen(keys: Keys, defaults: Defaults): FamilyConfig {
  const sizes = sizesOf(keys, defaults);
  const window = windowOf(keys, keys.truth("use_sliding_window", false));
  const first = keys.number("max_window_layers", 28);
  const kinds = layerKinds(keys, sizes.layers, (i) => (window !== undefined && i >= first ? SLIDING : FULL));
  if (window === undefined && kinds.includes(SLIDING)) {
    throw new OptionError(
      `${keys.file}: use_sliding_window must be true, with a sliding_window, where layer_types has sliding_attention, got neither or one.`,
    );
  }
  const rope = ropeOf(keys, kinds);
  return {
    ...sizes,
    activation: gateOf(keys),
    ...positions(
      kinds.map((kind) =>
        kind === SLIDING && window !== undefined ? { ...rope(kind), slidingWindow: window } : rope(kind),
      ),
    ),
  };
}

/** Qwen's words for Llama's block with windows in some layers, without those for the biases of queries and keys. */
export function writeQwen(config: CausalLMConfig): Readonly<Record<string, unknown>> | undefined {
  const layers = windowsOf(config);
  const position = layers && common(layers.map((layer) => layer.position));
  const windows = layers && windowKeys(layers);
  if (position === undefined || windows === undefined) return undefined;
  if (windows.sliding_window !== null && position.base === undefined) return undefined;
  const { perLayer: _, ...block } = config;
  const keys = writeLlama({ ...block, position });
  if (keys === undefined || keys["mlp_bias"] === true) return undefined;
  return {
    ...keys,
    mlp_bias: undefined,
    ...(windows.sliding_window !== null && { use_sliding_window: true, ...windows }),
  };
}

/** Width of the windows; nothing where there are none: `sliding_window` is null, or not used. */
function windowOf(keys: Keys, used: boolean): number | undefined {
  const size = keys.number("sliding_window", 4096);
  const none = keys.has("sliding_window") && keys.any("sliding_window") === undefined;
  return used && !none ? size : undefined;
}
