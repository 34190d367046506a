// Gemma Team 2024, "Gemma 2". https://arxiv.org/abs/2408.00118
// Norms around both parts, scaled embeddings, caps of scores and logits, windows in every second layer.
import { OptionError } from "../../errors.ts";
import type { PositionSpec } from "../../position/index.ts";
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
  type Stored,
} from "../family.ts";
import { ropeKeys, ropeOf } from "../rope-keys.ts";
import { common, FULL, layerKinds, positions, SLIDING, windowKeys, windowsOf } from "./layers.ts";

export const gemma2: Family = {
  type: "gemma2",
  architecture: "Gemma2ForCausalLM",
  ignores: ["hidden_act"], // hidden_activation counts
  read(keys) {
    const block = readGemma(keys, { context: 8192, keyValueHeads: 4, headWidth: 256, tieEmbeddings: true });
    const rope = ropeOf(keys)(FULL);
    const kinds = layerKinds(keys, block.layers, (i) => (i % 2 === 0 ? SLIDING : FULL));
    return { ...block, ...gemmaPositions(keys, kinds, () => rope, 50), ...capOf(keys, 30) };
  },
  stored: (name) => gemmaStored(name),
  write(config) {
    if (config.headNorm) return undefined;
    const block = writeGemma(config);
    const rope = block && common(block.rope);
    const keys = rope && ropeKeys(rope, config.context);
    return keys && { ...block?.keys, ...keys };
  },
};

/** Gains are stored as `w` and act as `1 + w`. */
export function gemmaStored(name: string): Stored {
  return name.endsWith("norm.weight") ? { name, plus: 1 } : { name };
}

/** What Gemma 2 and 3 have in common. */
export function readGemma(keys: Keys, defaults: Defaults): FamilyConfig {
  if (keys.truth("use_bidirectional_attention", false)) {
    throw new OptionError(`${keys.file}: use_bidirectional_attention must be false for text, got true.`);
  }
  const sizes = sizesOf(keys, defaults);
  return {
    ...sizes,
    activation: gateOf(keys, "hidden_activation", "gelu_pytorch_tanh"),
    norms: "around",
    bias: keys.truth("attention_bias", false) ? "attention" : "none",
    scoreScale: keys.number("query_pre_attn_scalar", 256) ** -0.5,
    embeddingScale: Math.sqrt(sizes.width),
  };
}

/** `final_logit_softcapping`; `null` is none. @param otherwise Of files that say nothing. */
export function capOf(keys: Keys, otherwise?: number): Pick<FamilyConfig, "logitCap"> {
  const cap = capNamed(keys, "final_logit_softcapping", otherwise);
  return cap === undefined ? {} : { logitCap: cap };
}

function capNamed(keys: Keys, key: string, otherwise: number | undefined): number | undefined {
  return keys.has(key) && keys.any(key) === undefined
    ? undefined
    : keys.any(key) === undefined
      ? otherwise
      : keys.number(key);
}

/** Positions of layers by kind, with `sliding_window` and `attn_logit_softcapping`. */
export function gemmaPositions(
  keys: Keys,
  kinds: readonly string[],
  rope: (kind: string) => PositionSpec,
  otherwise?: number,
): Pick<FamilyConfig, "position" | "perLayer"> {
  const none = keys.has("sliding_window") && keys.any("sliding_window") === undefined;
  const window = keys.number("sliding_window", 4096);
  const cap = capNamed(keys, "attn_logit_softcapping", otherwise);
  if (none && kinds.includes(SLIDING)) {
    throw new OptionError(
      `${keys.file}: sliding_window must be a number where layer_types has ${SLIDING}, got null.`,
    );
  }
  return positions(
    kinds.map((kind) => ({
      ...rope(kind),
      ...(cap !== undefined && { cap }),
      ...(kind === SLIDING && { slidingWindow: window }),
    })),
  );
}

/** Gemma's words for a model of its block but for those of its positions, which follow by layer. */
export function writeGemma(
  config: CausalLMConfig,
): { readonly keys: Readonly<Record<string, unknown>>; readonly rope: readonly PositionSpec[] } | undefined {
  const { width, bias, norms, scoreScale, embeddingScale, headWidth, logitCap } = config;
  const act = gateWord(config);
  const layers = windowsOf(config);
  const windows = layers && windowKeys(layers);
  const known = ["norms", "headNorm", "scoreScale", "embeddingScale", "logitCap", "perLayer"] as const;
  if (!departsOnly(config, known) || norms !== "around" || embeddingScale !== Math.sqrt(width))
    return undefined;
  if (act === undefined || layers === undefined || windows === undefined) return undefined;
  if (bias !== "none" && bias !== "attention") return undefined;
  const caps = layers.map(({ position }) => position.cap ?? null);
  const cap = common(caps);
  if (cap === undefined) return undefined;
  // The scale is kept as what it is the inverse root of; whole numbers come back whole.
  const scalar = scoreScale === undefined ? headWidth : scoreScale ** -2;
  const whole = Math.round(scalar);
  return {
    keys: {
      hidden_activation: act,
      attention_bias: bias === "attention",
      query_pre_attn_scalar: Math.abs(scalar - whole) < 1e-6 * scalar ? whole : scalar,
      final_logit_softcapping: logitCap ?? null,
      attn_logit_softcapping: cap,
      ...windows,
    },
    rope: layers.map(({ position }) => {
      const { cap: _, ...rope } = position;
      return rope;
    }),
  };
}
