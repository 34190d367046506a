// Hugging Face's config.json, both ways. Pure: files are in node/load.ts.
import { FileError, nearest, OptionError } from "../errors.ts";
import { causalLMConfig } from "./check-config.ts";
import type { CausalLMConfig } from "./config.ts";
import { FAMILIES } from "./families/all.ts";
import { DRAWING, type Family, keysOf, TECHNICAL } from "./family.ts";

/** Ids that a model's files name. */
export interface ModelTokens {
  readonly bos: number | undefined;
  readonly eos: readonly number[];
  /** Fills up batches elsewhere; here it is only handed on. */
  readonly pad?: number;
}

/** What `config.json` says of a model. */
export interface ReadConfig {
  readonly config: CausalLMConfig;
  readonly tokens: ModelTokens;
  /** The family of its files. */
  readonly family: Family;
}

/**
 * Reads `config.json`.
 * @throws OptionError for families and settings that are not supported, listing those that are, and for keys that may
 *   change what the model computes and that nobody read.
 */
export function fromHuggingFace(json: unknown, file: string): ReadConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new FileError(`${file} must hold a JSON object.`);
  }
  const keys = keysOf(json as Readonly<Record<string, unknown>>, file);
  const type = keys.word("model_type", "");
  const family = FAMILIES.find((f) => f.type === type);
  if (family === undefined) throw unknownFamily(type, json as Readonly<Record<string, unknown>>, file);
  const quantization = keys.under("quantization_config");
  if (quantization !== undefined) {
    throw new OptionError(
      `${file}: weights must be unquantised, got quantization_config of ${quantization.word("quant_method", "no method")}. Load the model it was made from.`,
    );
  }
  const config = causalLMConfig(family.read(keys));
  const eos = keys.any("eos_token_id");
  const bos = keys.any("bos_token_id");
  const pad = keys.any("pad_token_id");
  keys.refuseUnread(`the family ${type}`, [...TECHNICAL, ...DRAWING, ...family.ignores]);
  return {
    config,
    tokens: {
      bos: typeof bos === "number" ? bos : undefined,
      eos: (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === "number"),
      ...(typeof pad === "number" && pad >= 0 && { pad }),
    },
    family,
  };
}

/** How many experts a file says that a layer has, by the names that families have for it. */
const EXPERTS = ["num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"];

function unknownFamily(type: string, json: Readonly<Record<string, unknown>>, file: string): OptionError {
  const types = FAMILIES.map((f) => f.type);
  const must = `${file}: model_type must be one of ${types.join(", ")}, got "${type}"`;
  const experts = EXPERTS.find((key) => typeof json[key] === "number");
  if (experts !== undefined) {
    return new OptionError(
      `${must}, whose layers have experts (${experts} ${Number(json[experts])}); those are not supported.`,
    );
  }
  if (typeof json["text_config"] === "object") {
    return new OptionError(`${must}, which reads more than text. Save its language model alone.`);
  }
  const near = nearest(type, types, 1)[0];
  return new OptionError(`${must}.${near ? ` Did you mean ${near}?` : ""}`);
}

/** `config.json` for a model, and the family that it is written as. */
export interface WrittenConfig {
  readonly json: Readonly<Record<string, unknown>>;
  readonly family: Family;
}

/**
 * `config.json` for a model, in the words of the first family that has some for it.
 * @param dtype Element type of the weights. @param first Family that is asked before all others.
 */
export function writeHuggingFace(
  config: CausalLMConfig,
  tokens: ModelTokens = { bos: undefined, eos: [] },
  dtype = "float32",
  first?: string,
): WrittenConfig {
  const preferred = FAMILIES.filter(({ type }) => type === first);
  for (const family of [...preferred, ...FAMILIES]) {
    const own = family.write?.(config);
    if (own === undefined) continue;
    const keys: Readonly<Record<string, unknown>> = {
      architectures: [family.architecture],
      model_type: family.type,
      vocab_size: config.vocabulary,
      max_position_embeddings: config.context,
      hidden_size: config.width,
      num_hidden_layers: config.layers,
      num_attention_heads: config.heads,
      num_key_value_heads: config.keyValueHeads,
      head_dim: config.headWidth,
      intermediate_size: config.hidden,
      rms_norm_eps: config.normEpsilon,
      tie_word_embeddings: config.tieEmbeddings,
      ...own,
      torch_dtype: dtype,
      // Where nothing stands, transformers takes the ids of the family's first model, which may be beyond this vocabulary.
      bos_token_id: tokens.bos ?? null,
      eos_token_id: tokens.eos.length > 1 ? tokens.eos : (tokens.eos[0] ?? null),
      pad_token_id: tokens.pad ?? null,
    };
    // A family leaves out a key by giving nothing for it.
    return { json: Object.fromEntries(Object.entries(keys).filter(([, v]) => v !== undefined)), family };
  }
  throw new Error("unreachable: the family athanor has words for every model");
}

/** The `config.json` of `writeHuggingFace`. */
export function toHuggingFace(config: CausalLMConfig, tokens?: ModelTokens): object {
  return writeHuggingFace(config, tokens).json;
}

/** Keys whose values transformers wants with a decimal point, whole or not. */
const FRACTIONS =
  `rms_norm_eps layer_norm_epsilon final_logit_softcapping attn_logit_softcapping rope_theta factor
  low_freq_factor high_freq_factor beta_fast beta_slow attention_factor mscale mscale_all_dim partial_rotary_factor`
    .trim()
    .split(/\s+/);
const WHOLE_FRACTION = new RegExp(`^(\\s*"(?:${FRACTIONS.join("|")})": -?\\d+)(,?)$`, "gm");

/** The text of a `config.json`. */
export function configText(json: object): string {
  return `${JSON.stringify(json, null, 2).replace(WHOLE_FRACTION, "$1.0$2")}\n`;
}
