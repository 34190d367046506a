// A configuration made whole, and checked: what files and callers say of a model may be anything.
import { checkOptions, OptionError } from "../errors.ts";
import { createPosition } from "../position/index.ts";
import { checkAttention, mixerOf, usualPosition } from "./attention-config.ts";
import { type CausalLMConfig, layerAttention, layerOf } from "./config.ts";
import { type Field, misfit, show, WHOLE } from "./fields.ts";
import { checkRules } from "./map-rules.ts";
import { type Layer, refuse } from "./mixer.ts";
import { ACTIVATIONS, isGated } from "./mlp.ts";
import { NORM_PLACES } from "./norms.ts";
import { matrixNames, parametersOf } from "./parameters.ts";

/** What each field must be, the structures aside, which are checked on their own. The compiler keeps it complete. */
const FIELDS: Readonly<Record<keyof CausalLMConfig, Field | "structure">> = {
  vocabulary: WHOLE,
  context: WHOLE,
  width: WHOLE,
  layers: WHOLE,
  heads: WHOLE,
  keyValueHeads: WHOLE,
  headWidth: WHOLE,
  hidden: WHOLE,
  activation: { is: ACTIVATIONS },
  norm: { is: ["rms", "layer"] },
  normEpsilon: { is: "positive" },
  position: "structure",
  attention: "structure",
  perLayer: "structure",
  bias: { is: ["all", "attention", "qkv", "mlp", "none"] },
  norms: { is: Object.keys(NORM_PLACES), optional: true },
  headNorm: { is: "truth" },
  headNormOver: { is: ["head", "all"], optional: true },
  scoreScale: { is: "positive", optional: true },
  embeddingScale: { is: "positive", optional: true },
  logitCap: { is: "positive", optional: true },
  maps: "structure",
  tieEmbeddings: { is: "truth" },
};

/**
 * A full configuration from its essential sizes: Llama's choices (RMS norms, SwiGLU of 8/3 width, RoPE, tied
 * embeddings, no biases) where nothing else is said. Attention that scores no positions gets learned ones, or none
 * where it knows distances itself.
 */
export function causalLMConfig(
  sizes: Pick<CausalLMConfig, "vocabulary" | "context" | "width" | "layers" | "heads"> &
    Partial<CausalLMConfig>,
): CausalLMConfig {
  checkOptions("causalLM", sizes, Object.keys(FIELDS));
  const activation = sizes.activation ?? "swiglu";
  const attention = sizes.attention ?? { type: "dense" };
  checkAttention("causalLM", attention);
  const config: CausalLMConfig = {
    keyValueHeads: sizes.heads,
    headWidth: sizes.width / sizes.heads,
    hidden: isGated(activation) ? Math.ceil((8 * sizes.width) / 3 / 32) * 32 : 4 * sizes.width,
    norm: "rms",
    normEpsilon: 1e-5,
    position: usualPosition(attention),
    bias: "none",
    headNorm: false,
    tieEmbeddings: true,
    ...sizes,
    attention,
    activation,
  };
  checkConfig(config);
  return config;
}

/** @throws OptionError for sizes that make no model, with both numbers. */
export function checkConfig(config: CausalLMConfig): void {
  for (const [key, field] of Object.entries(FIELDS)) {
    const value = config[key as keyof CausalLMConfig];
    const must = field === "structure" ? undefined : misfit(field, value);
    if (must !== undefined) throw new OptionError(`causalLM: ${key} must be ${must}, got ${show(value)}.`);
  }
  if (config.heads % config.keyValueHeads !== 0) {
    throw new OptionError(
      `causalLM: keyValueHeads must divide heads, got ${config.keyValueHeads} and ${config.heads}.`,
    );
  }
  if (config.perLayer && config.perLayer.length !== config.layers) {
    throw new OptionError(
      `causalLM: perLayer must have ${config.layers} entries, got ${config.perLayer.length ?? show(config.perLayer)}.`,
    );
  }
  for (let i = 0; i < config.layers; i++) checkLayer(config, i);
  if (config.maps) {
    checkRules(config.maps, matrixNames(config));
    parametersOf(config); // refuses sizes that a map cannot have
  }
}

/** @throws OptionError for combinations that mean nothing, with the reason. */
function checkLayer(config: CausalLMConfig, index: number): void {
  const layer = layerOf(config, index);
  const attention = layerAttention(config, index);
  checkAttention("causalLM", attention);
  if (layer.position.type !== "learned") createPosition(layer.position);
  const mixer = mixerOf(attention);
  mixer.check?.(attention, layer);
  if (layer.scoreScale !== undefined && !mixer.takesScale) {
    refuse(attention, layer, "has no scores for scoreScale to act on; leave it out");
  }
  if (!("rotaryWidth" in attention)) checkPairs(layer);
}

/** Positions that turn numbers turn them in pairs: told with the sizes a person chose, before anything is made. */
function checkPairs({ position, headWidth, heads }: Layer): void {
  if (position.type === "learned" || position.type === "alibi" || position.type === "none") return;
  const { fraction = 1 } = position;
  const turned = Math.floor(headWidth * fraction);
  if (turned > 0 && turned % 2 === 0) return;
  throw new OptionError(
    `causalLM: the part of a head that turns must have an even width, got ${turned} of ${headWidth} (${heads} heads). Change width or heads, or take positions that do not turn: learned, alibi, none.`,
  );
}
