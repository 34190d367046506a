// Hugging Face's config.json for the Llama family, both ways. Pure: files are in node/load.ts.
import { FileError, nearest, OptionError } from "../errors.ts";
import { causalLMConfig } from "./check-config.ts";
import type { CausalLMConfig, PositionConfig } from "./config.ts";

/** Families whose layers are Llama's, with what they add. */
const FAMILIES: Readonly<Record<string, Partial<CausalLMConfig>>> = {
  llama: {},
  mistral: {},
  smollm: {},
  minimind: {},
  qwen2: { bias: "qkv" },
  qwen3: { headNorm: true },
  athanor: {},
};

const ACTIVATIONS: Readonly<Record<string, CausalLMConfig["activation"]>> = {
  silu: "swiglu",
  swish: "swiglu",
  gelu: "gelu",
  gelu_new: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
};

const ARCHITECTURES = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  athanor: "AthanorForCausalLM",
} as const;

/** Ids that a model's files name. */
export interface ModelTokens {
  readonly bos: number | undefined;
  readonly eos: readonly number[];
}

/** A word of the file, or what stands for an absent one. */
function wordOf(value: unknown, otherwise: string): string {
  return typeof value === "string"
    ? value
    : value === undefined || value === null
      ? otherwise
      : JSON.stringify(value);
}

/** What `config.json` says. @throws OptionError for families and settings that are not supported, listing those that are. */
export function fromHuggingFace(
  json: unknown,
  file: string,
): { config: CausalLMConfig; tokens: ModelTokens } {
  if (typeof json !== "object" || json === null) throw new FileError(`${file} must hold a JSON object.`);
  const c = json as Record<string, unknown>;
  const type = wordOf(c["model_type"], "");
  const family = FAMILIES[type];
  if (family === undefined) {
    const near = nearest(type, Object.keys(FAMILIES), 1);
    throw new OptionError(
      `${file}: model_type must be one of ${Object.keys(FAMILIES).join(", ")}, got "${type}".${near[0] ? ` Did you mean ${near[0]}?` : ""}`,
    );
  }
  const number = (key: string, otherwise?: number): number => {
    const value = c[key] ?? otherwise;
    if (typeof value !== "number")
      throw new FileError(`${file}: ${key} must be a number, got ${JSON.stringify(value)}.`);
    return value;
  };
  const act = wordOf(c["hidden_act"], "silu");
  const activation = ACTIVATIONS[act];
  if (activation === undefined) {
    throw new OptionError(
      `${file}: hidden_act must be one of ${Object.keys(ACTIVATIONS).join(", ")}, got "${act}".`,
    );
  }
  const heads = number("num_attention_heads");
  const width = number("hidden_size");
  const own = c["athanor"] as Partial<CausalLMConfig> | undefined;
  const config = causalLMConfig({
    vocabulary: number("vocab_size"),
    context: number("max_position_embeddings", 2048),
    width,
    layers: number("num_hidden_layers"),
    heads,
    keyValueHeads: number("num_key_value_heads", heads),
    headWidth: number("head_dim", width / heads),
    hidden: number("intermediate_size"),
    activation,
    normEpsilon: number("rms_norm_eps", 1e-5),
    position: positionFrom(c, file),
    tieEmbeddings: Boolean(c["tie_word_embeddings"] ?? false),
    ...(c["attention_bias"] === true && {
      bias: c["mlp_bias"] === true ? ("all" as const) : ("qkv" as const),
    }),
    ...family,
    ...own,
  });
  const eos = c["eos_token_id"];
  const bos = c["bos_token_id"];
  return {
    config,
    tokens: {
      bos: typeof bos === "number" ? bos : undefined,
      eos: (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === "number"),
    },
  };
}

/** `rope_theta`, `rope_scaling` and `sliding_window`. */
function positionFrom(c: Record<string, unknown>, file: string): PositionConfig {
  // transformers 5 moved the numbers into `rope_parameters`.
  const nested = (c["rope_parameters"] ?? c["rope_scaling"] ?? null) as Record<string, unknown> | null;
  const base = Number(c["rope_theta"] ?? nested?.["rope_theta"] ?? 10_000);
  const trainingLength = Number(
    nested?.["original_max_position_embeddings"] ?? c["max_position_embeddings"] ?? 2048,
  );
  const window = c["use_sliding_window"] === false ? undefined : c["sliding_window"];
  const common = { base, ...(typeof window === "number" && { slidingWindow: window }) };
  const type = wordOf(nested?.["rope_type"] ?? nested?.["type"], "default");
  const scale = Number(nested?.["factor"] ?? 1);
  switch (type) {
    case "default":
      return { type: "rope", ...common };
    case "linear":
      return { type: "pi", scale, ...common };
    case "dynamic":
      return { type: "ntk-dynamic", scale, trainingLength, base };
    case "yarn":
      return {
        type: "yarn-index",
        scale,
        trainingLength,
        ...common,
        ...(nested?.["beta_fast"] !== undefined && { fast: Number(nested["beta_fast"]) }),
        ...(nested?.["beta_slow"] !== undefined && { slow: Number(nested["beta_slow"]) }),
        ...(nested?.["attention_factor"] != null && { magnitude: Number(nested["attention_factor"]) }),
      };
    case "llama3":
      return {
        type: "llama3",
        scale,
        trainingLength,
        ...common,
        fast: Number(nested?.["high_freq_factor"] ?? 4),
        slow: Number(nested?.["low_freq_factor"] ?? 1),
      };
    default:
      throw new OptionError(
        `${file}: rope_scaling type must be one of default, linear, dynamic, yarn, llama3, got "${type}".`,
      );
  }
}

/**
 * `config.json` for a model. What Llama's format has no word for (learned positions, layer norms, …) goes under
 * `athanor`, with `model_type` `athanor`, so that other programs refuse the file instead of misreading it.
 */
export function toHuggingFace(
  config: CausalLMConfig,
  tokens: ModelTokens = { bos: undefined, eos: [] },
): object {
  const { position } = config;
  const rope =
    position.type === "rope" &&
    (position.layout ?? "half") === "half" &&
    Object.keys(position).every((k) => ["type", "base", "layout"].includes(k));
  const plain =
    rope &&
    config.attention.type === "dense" &&
    !config.perLayer &&
    !config.maps &&
    config.norm === "rms" &&
    config.activation === "swiglu";
  const type = !plain ? "athanor" : config.headNorm ? "qwen3" : config.bias === "qkv" ? "qwen2" : "llama";
  return {
    architectures: [ARCHITECTURES[type]],
    model_type: type,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.context,
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headWidth,
    intermediate_size: config.hidden,
    hidden_act: { swiglu: "silu", gelu: "gelu", "gelu-tanh": "gelu_new" }[config.activation],
    rms_norm_eps: config.normEpsilon,
    rope_theta: position.type === "learned" ? 10_000 : (position.base ?? 10_000),
    tie_word_embeddings: config.tieEmbeddings,
    attention_bias: config.bias !== "none",
    mlp_bias: config.bias === "all",
    torch_dtype: "float32",
    ...(tokens.bos !== undefined && { bos_token_id: tokens.bos }),
    ...(tokens.eos.length > 0 && { eos_token_id: tokens.eos.length === 1 ? tokens.eos[0] : tokens.eos }),
    ...(type === "athanor" && {
      athanor: {
        activation: config.activation,
        attention: config.attention,
        ...(config.perLayer && { perLayer: config.perLayer }),
        ...(config.maps && { maps: config.maps }),
        norm: config.norm,
        position,
        bias: config.bias,
        headNorm: config.headNorm,
      },
    }),
  };
}
