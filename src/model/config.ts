// The shape of a decoder, in words.
import { OptionError, checkOptions } from "../errors.ts";
import type { NormKind } from "../nn/index.ts";
import { noPosition, type Position, rope, type RotaryLayout } from "../position/index.ts";

/** How positions enter the model. */
export type PositionConfig =
  | { readonly type: "rope"; readonly base?: number; readonly layout?: RotaryLayout }
  | { readonly type: "learned" };

/** A decoder-only transformer. Widths in numbers of elements. */
export interface CausalLMConfig {
  /** Number of tokens `V`. */
  readonly vocabulary: number;
  /** Longest sequence the model is trained on. */
  readonly context: number;
  /** Width `C` of the residual stream. */
  readonly width: number;
  readonly layers: number;
  /** Query heads `H`; key-value heads `G` divide them. */
  readonly heads: number;
  readonly keyValueHeads: number;
  /** Width `D` of a head. */
  readonly headWidth: number;
  /** Inner width of the MLP. */
  readonly hidden: number;
  readonly activation: "swiglu" | "gelu" | "gelu-tanh";
  readonly norm: NormKind;
  readonly normEpsilon: number;
  readonly position: PositionConfig;
  /** Biases in all linear maps and, with layer norms, in the norms. */
  readonly bias: boolean;
  /** The output matrix is the embedding table. */
  readonly tieEmbeddings: boolean;
}

const KEYS: readonly (keyof CausalLMConfig)[] = [
  "vocabulary",
  "context",
  "width",
  "layers",
  "heads",
  "keyValueHeads",
  "headWidth",
  "hidden",
  "activation",
  "norm",
  "normEpsilon",
  "position",
  "bias",
  "tieEmbeddings",
];

/**
 * A full configuration from its essential sizes: Llama's choices (RMS norms, SwiGLU of 8/3 width, RoPE, tied
 * embeddings, no biases) where nothing else is said.
 */
export function causalLMConfig(
  sizes: Pick<CausalLMConfig, "vocabulary" | "context" | "width" | "layers" | "heads"> &
    Partial<CausalLMConfig>,
): CausalLMConfig {
  checkOptions("causalLM", sizes, KEYS);
  const activation = sizes.activation ?? "swiglu";
  const config: CausalLMConfig = {
    keyValueHeads: sizes.heads,
    headWidth: sizes.width / sizes.heads,
    hidden: activation === "swiglu" ? Math.ceil((8 * sizes.width) / 3 / 32) * 32 : 4 * sizes.width,
    norm: "rms",
    normEpsilon: 1e-5,
    position: { type: "rope" },
    bias: false,
    tieEmbeddings: true,
    ...sizes,
    activation,
  };
  checkConfig(config);
  return config;
}

/** @throws OptionError for sizes that make no model, with both numbers. */
export function checkConfig(config: CausalLMConfig): void {
  for (const key of [
    "vocabulary",
    "context",
    "width",
    "layers",
    "heads",
    "keyValueHeads",
    "headWidth",
    "hidden",
  ] as const) {
    const value = config[key];
    if (!Number.isInteger(value) || value < 1) {
      throw new OptionError(`causalLM: ${key} must be a whole number ≥ 1, got ${value}.`);
    }
  }
  if (config.heads % config.keyValueHeads !== 0) {
    throw new OptionError(
      `causalLM: keyValueHeads must divide heads, got ${config.keyValueHeads} and ${config.heads}.`,
    );
  }
  if (config.position.type === "rope" && config.headWidth % 2 !== 0) {
    throw new OptionError(`causalLM: headWidth must be even for rope, got ${config.headWidth}.`);
  }
}

/** The scores that `config.position` stands for. */
export function positionOf(config: CausalLMConfig): Position {
  return config.position.type === "learned" ? noPosition() : rope(config.position);
}

/** Number of parameters. */
export function parameterCount(config: CausalLMConfig): number {
  const { width: C, headWidth: D, heads: H, keyValueHeads: G, hidden: F, vocabulary: V, layers: L } = config;
  const attention = C * D * H * 2 + C * D * G * 2 + (config.bias ? D * H + 2 * D * G + C : 0);
  const wide = config.activation === "swiglu" ? 3 : 2;
  const mlp = wide * C * F + (config.bias ? (wide - 1) * F + C : 0);
  const normSize = config.norm === "layer" && config.bias ? 2 * C : C;
  const embeddings =
    V * C * (config.tieEmbeddings ? 1 : 2) + (config.position.type === "learned" ? config.context * C : 0);
  return embeddings + L * (attention + mlp + 2 * normSize) + normSize;
}
