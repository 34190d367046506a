// The contract of a family: what one `model_type` of Hugging Face's config.json means. `families/all.ts` lists them.
import { FileError, nearest, OptionError } from "../errors.ts";
import type { CausalLMConfig } from "./config.ts";

/** What a family makes of its keys; sizes have their keys in `sizesOf`. */
export type FamilyConfig = Parameters<typeof import("./check-config.ts").causalLMConfig>[0];

/** Where a tensor lies in a family's files. */
export interface Stored {
  readonly name: string;
  /** Some outputs of a matrix that has those of several: the first of them, and how many it has in all. */
  readonly part?: { readonly first: number; readonly of: number };
  /** It lies there as `[in, out]`. */
  readonly turned?: true;
  /** What the family adds to the numbers in the file (a gain stored as `w` that acts as `1 + w`). */
  readonly plus?: number;
}

/** One family. Everything else is shared: names of tensors are Llama's unless it says otherwise. */
export interface Family {
  /** `model_type`. */
  readonly type: string;
  /** `architectures`. */
  readonly architecture: string;
  /** Keys that it leaves unread because they change nothing here, or nothing in what `transformers` computes. */
  readonly ignores: readonly string[];
  /** @throws OptionError for values that it does not know. A key that is neither read nor ignored is refused. */
  read(keys: Keys): FamilyConfig;
  /** The usual name of a tensor of its files, which may come under others; nothing for one that no model needs. */
  rename?(name: string, config: CausalLMConfig): string | undefined;
  /** Where the tensor `name` of a model lies in its files; default: under its own name, as it is. */
  stored?(name: string, config: CausalLMConfig): Stored;
  /** `config` in its words, without the keys that all share; nothing where it has no words for it. */
  write?(config: CausalLMConfig): Readonly<Record<string, unknown>> | undefined;
}

/** The keys of a file, each read once it matters, so that those that nobody read are known. */
export interface Keys {
  readonly file: string;
  /** Whether the file has the key, be it `null`. */
  has(key: string): boolean;
  /** Whatever stands there; `null` is as if it were not there. */
  any(key: string): unknown;
  /** @throws FileError for a value that is no number, and for none without `otherwise`. */
  number(key: string, otherwise?: number): number;
  truth(key: string, otherwise: boolean): boolean;
  word(key: string, otherwise: string): string;
  /** A list of numbers. @throws FileError for anything else, and for nothing. */
  numbers(key: string): readonly number[];
  /** A list of words. */
  words(key: string): readonly string[] | undefined;
  /** Keys of the object that stands there. */
  under(key: string): Keys | undefined;
  /** @throws OptionError for a key that nobody read, unless it is off (`null`, `false`) or one of `ignored`. */
  refuseUnread(who: string, ignored: readonly string[]): void;
}

/** The keys of `json`. @param at What they stand under, with a dot behind. */
export function keysOf(json: Readonly<Record<string, unknown>>, file: string, at = ""): Keys {
  const read = new Set<string>();
  const any = (key: string): unknown => {
    read.add(key);
    return json[key] ?? undefined;
  };
  const must = (key: string, what: string, value: unknown): never => {
    throw new FileError(`${file}: ${at}${key} must be ${what}, got ${JSON.stringify(value) ?? "nothing"}.`);
  };
  return {
    file,
    has: (key) => Object.hasOwn(json, key),
    any,
    number(key, otherwise) {
      const value = any(key) ?? otherwise;
      return typeof value === "number" && Number.isFinite(value) ? value : must(key, "a number", value);
    },
    truth(key, otherwise) {
      const value = any(key) ?? otherwise;
      return typeof value === "boolean" ? value : must(key, "true or false", value);
    },
    word(key, otherwise) {
      const value = any(key) ?? otherwise;
      return typeof value === "string" ? value : must(key, "a word", value);
    },
    numbers(key) {
      const value = any(key);
      const right = Array.isArray(value) && value.every((x) => typeof x === "number" && Number.isFinite(x));
      return right ? (value as number[]) : must(key, "a list of numbers", value);
    },
    words(key) {
      const value = any(key);
      if (value === undefined) return undefined;
      if (!Array.isArray(value) || !value.every((word) => typeof word === "string")) {
        return must(key, "a list of words", value);
      }
      return value;
    },
    under(key) {
      const value = any(key);
      if (value === undefined) return undefined;
      if (typeof value !== "object" || Array.isArray(value)) return must(key, "an object", value);
      return keysOf(value as Readonly<Record<string, unknown>>, file, `${at}${key}.`);
    },
    refuseUnread(who, ignored) {
      for (const [key, value] of Object.entries(json)) {
        if (read.has(key) || ignored.includes(key) || key.startsWith("_")) continue;
        if (value === null || value === false) continue;
        const near = nearest(key, [...read], 1).find((name) => name[0] === key[0]);
        throw new OptionError(
          `${file}: ${at}${key} must be a key that ${who} reads, got ${JSON.stringify(value)}, which may change what the model computes. ${near ? `Nearest: ${near}. ` : ""}Delete the key if it does not.`,
        );
      }
    },
  };
}

/** Keys of every family that change nothing in what a model computes from its weights and ids. */
export const TECHNICAL: readonly string[] = `
  model_type architectures auto_map transformers_version torch_dtype dtype use_cache initializer_range
  attention_dropout hidden_dropout dropout pretraining_tp use_return_dict pad_token_id unk_token_id
  sep_token_id cls_token_id decoder_start_token_id mask_token_id bos_token eos_token pad_token
  unk_token id2label label2id num_labels problem_type name_or_path task_specific_params
  finetuning_task tokenizer_class prefix return_dict gradient_checkpointing flash_attn
  chunk_size_feed_forward pruned_heads torchscript output_attentions output_hidden_states
  unsloth_version unsloth_fixed transformers.js_config
`
  .trim()
  .split(/\s+/);

/** Keys by which older files say how text is drawn, which `generate` decides. */
export const DRAWING: readonly string[] = `
  max_length min_length do_sample early_stopping num_beams num_beam_groups temperature top_k top_p
  typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size
  bad_words_ids num_return_sequences diversity_penalty forced_bos_token_id forced_eos_token_id
  remove_invalid_values suppress_tokens exponential_decay_length_penalty begin_suppress_tokens
  output_scores return_dict_in_generate
`
  .trim()
  .split(/\s+/);

/** What a family's files say where they say nothing. */
export interface Defaults {
  readonly context: number;
  readonly keyValueHeads?: number;
  readonly headWidth?: number;
  readonly normEpsilon?: number;
  readonly tieEmbeddings?: boolean;
}

/** The sizes that all families name alike. */
export function sizesOf(keys: Keys, defaults: Defaults): FamilyConfig {
  const heads = keys.number("num_attention_heads");
  const width = keys.number("hidden_size");
  return {
    vocabulary: keys.number("vocab_size"),
    context: keys.number("max_position_embeddings", defaults.context),
    width,
    layers: keys.number("num_hidden_layers"),
    heads,
    keyValueHeads: keys.number("num_key_value_heads", defaults.keyValueHeads ?? heads),
    headWidth: keys.number("head_dim", defaults.headWidth ?? Math.floor(width / heads)),
    hidden: keys.number("intermediate_size"),
    normEpsilon: keys.number("rms_norm_eps", defaults.normEpsilon ?? 1e-6),
    tieEmbeddings: keys.truth("tie_word_embeddings", defaults.tieEmbeddings ?? false),
  };
}

const GATES: Readonly<Record<string, CausalLMConfig["activation"]>> = {
  silu: "swiglu",
  swish: "swiglu",
  gelu: "geglu",
  gelu_new: "geglu-tanh",
  gelu_pytorch_tanh: "geglu-tanh",
  relu: "reglu",
  relu2: "reglu2",
};

/** The function of an MLP's gate. */
export function gateOf(keys: Keys, key = "hidden_act", otherwise = "silu"): CausalLMConfig["activation"] {
  const word = keys.word(key, otherwise);
  const gate = Object.hasOwn(GATES, word) ? GATES[word] : undefined;
  if (gate !== undefined) return gate;
  throw new OptionError(
    `${keys.file}: ${key} must be one of ${Object.keys(GATES).join(", ")}, got "${word}".`,
  );
}

/** The word for a gate; nothing for an MLP without. */
export function gateWord({ activation }: CausalLMConfig): string | undefined {
  return Object.keys(GATES).findLast((word) => GATES[word] === activation && word !== "swish");
}

/** What a block may do otherwise than Llama's, each with the value that is Llama's. */
const USUAL = {
  attention: "dense",
  norm: "rms",
  norms: "before",
  headNorm: false,
  headNormOver: undefined,
  scoreScale: undefined,
  embeddingScale: undefined,
  logitCap: undefined,
  perLayer: undefined,
  maps: undefined,
} as const;

/** Whether `config` is Llama's block but for the fields in `said`, for which its writer has words. */
export function departsOnly(config: CausalLMConfig, said: readonly (keyof typeof USUAL)[] = []): boolean {
  const own = { ...config, norms: config.norms ?? "before", attention: config.attention.type };
  return (Object.keys(USUAL) as (keyof typeof USUAL)[]).every(
    (field) => said.includes(field) || own[field] === USUAL[field],
  );
}
