// What GGUF's metadata say of a model, in the words of config.json, which the families read.
// Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#standardized-key-value-pairs
import { FileError, nearest, OptionError } from "../errors.ts";
import type { GgufEntry, GgufHeader, GgufValue } from "../files/gguf-types.ts";
import { type Keys, keysOf } from "./family.ts";
import { ARCHITECTURES } from "./gguf-architectures.ts";
import type { GgufArchitecture } from "./gguf-words.ts";

/** Keys under the architecture that change nothing in what it computes. */
const IGNORED = [
  "vocab_size",
  "tensor_data_layout",
  "attention.causal",
  "rope.scaling.finetuned",
  "attention.sliding_window",
];

/** `general.architecture` as the list has it. @throws OptionError with those that there are. */
export function architectureOf({ metadata }: GgufHeader, file: string): readonly [string, GgufArchitecture] {
  const name = metadata.get("general.architecture");
  const known = Object.keys(ARCHITECTURES);
  const found =
    typeof name === "string" && Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  if (typeof name === "string" && found !== undefined) return [name, found];
  const near = nearest(String(name), known, 1)[0];
  throw new OptionError(
    `${file}: general.architecture must be one of ${known.join(", ")}, got ${JSON.stringify(name) ?? "nothing"}.${near ? ` Nearest: ${near}.` : ""}`,
  );
}

/** Tensors that say how positions are scored, by name without `.weight`. */
export const FACTORS: readonly string[] = ["rope_freqs", "rope_factors_short", "rope_factors_long"];

/** Their numbers. */
export type Factors = Readonly<Record<string, readonly number[]>>;

/** config.json for a file. @throws FileError for keys that are missing or of other types; OptionError for the rest. */
export function ggufConfig(
  header: GgufHeader,
  file: string,
  factors: Factors = {},
): Readonly<Record<string, unknown>> {
  const { metadata, entries } = header;
  const [name, architecture] = architectureOf(header, file);
  const own: Record<string, unknown> = {};
  for (const [key, value] of metadata) {
    if (key.startsWith(`${name}.`)) own[key.slice(name.length + 1)] = plain(value);
  }
  const keys = keysOf(own, file, `${name}.`);
  for (const key of ["expert_count", "expert_used_count"]) {
    if (keys.number(key, 0) === 0) continue;
    throw new OptionError(
      `${file}: ${name}.${key} must be 0, got ${keys.number(key)}: models with experts are not supported. Take a dense one.`,
    );
  }
  const heads = sameInAllLayers(keys, "attention.head_count");
  const width = keys.number("embedding_length");
  const headWidth = keys.number("attention.key_length", Math.floor(width / heads));
  const values = keys.number("attention.value_length", headWidth);
  if (values !== headWidth && architecture.ignores?.includes("attention.value_length") !== true) {
    throw new OptionError(
      `${file}: ${name}.attention.value_length must equal key_length, got ${values} and ${headWidth}.`,
    );
  }
  const table = entries.get("token_embd.weight");
  if (table === undefined) throw new FileError(`${file}: must hold the tensor token_embd.weight, got none.`);
  const turned = keys.number("rope.dimension_count", headWidth);
  const epsilon = keys.number(
    "attention.layer_norm_rms_epsilon",
    keys.number("attention.layer_norm_epsilon", 1e-5),
  );
  const common = {
    model_type: architecture.family,
    vocab_size: table.shape[0],
    max_position_embeddings: keys.number("context_length"),
    hidden_size: width,
    num_hidden_layers: keys.number("block_count"),
    num_attention_heads: heads,
    num_key_value_heads: sameInAllLayers(keys, "attention.head_count_kv", heads),
    head_dim: headWidth,
    intermediate_size: sameInAllLayers(keys, "feed_forward_length"),
    rms_norm_eps: shortest(epsilon),
    rope_theta: shortest(keys.number("rope.freq_base", 10_000)),
    ...(turned !== headWidth && { partial_rotary_factor: turned / headWidth }),
    ...scalingOf(keys, factors, file),
    tie_word_embeddings: !entries.has("output.weight"),
    ...idsOf(metadata),
  };
  const json = architecture.read?.(common, keys, header) ?? common;
  keys.refuseUnread(`the architecture ${name}`, [...IGNORED, ...(architecture.ignores ?? [])]);
  return json;
}

/** Numbers of metadata for `Keys`, which knows no BigInt. */
function plain(value: GgufValue): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

/** A float32 in the fewest digits that still mean it: 1e-5, not 0.000009999999747378752. */
export function shortest(x: number): number {
  const short = Number(x.toPrecision(7));
  return Math.fround(short) === Math.fround(x) ? short : x;
}

/** A number that some files give layer by layer. @throws OptionError where it differs. */
function sameInAllLayers(keys: Keys, key: string, otherwise?: number): number {
  const value = keys.any(key);
  if (!Array.isArray(value)) return keys.number(key, otherwise);
  const [first, ...rest] = value as readonly unknown[];
  if (typeof first === "number" && rest.every((x) => x === first)) return first;
  throw new OptionError(
    `${keys.file}: ${key} must be the same in all layers, got ${JSON.stringify(value).slice(0, 80)}.`,
  );
}

/** `rope_scaling`. */
function scalingOf(keys: Keys, factors: Factors, file: string): Readonly<Record<string, unknown>> {
  const type = keys.word("rope.scaling.type", "none");
  const factor = keys.number("rope.scaling.factor", 1);
  const original = keys.any("rope.scaling.original_context_length");
  const magnitude = keys.any("rope.scaling.attn_factor");
  const old = keys.any("rope.scale_linear");
  const { rope_freqs: llama3, rope_factors_short: short, rope_factors_long: long } = factors;
  if (short !== undefined && long !== undefined) {
    const rope = {
      rope_type: "longrope",
      short_factor: short.map(shortest),
      long_factor: long.map(shortest),
    };
    return {
      rope_scaling: {
        ...rope,
        ...(typeof magnitude === "number" && { attention_factor: shortest(magnitude) }),
      },
    };
  }
  const found = llama3 && llama3Scaling(llama3, shortest(keys.number("rope.freq_base", 10_000)), file);
  if (found !== undefined) return { rope_scaling: found };
  if (type === "none" && typeof old === "number" && old !== 1) {
    return { rope_scaling: { rope_type: "linear", factor: old } };
  }
  switch (type) {
    case "none":
      return {};
    case "linear":
      return factor === 1 ? {} : { rope_scaling: { rope_type: "linear", factor } };
    case "yarn": {
      const yarn = (key: string): unknown => keys.any(`rope.scaling.yarn_${key}`);
      const [fast, slow] = [yarn("beta_fast"), yarn("beta_slow")];
      // A factor of what YaRN multiplies cosine and sine by.
      const usual = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
      return {
        rope_scaling: {
          rope_type: "yarn",
          factor,
          ...(original !== undefined && { original_max_position_embeddings: original }),
          ...(typeof magnitude === "number" && magnitude !== 1 && { attention_factor: magnitude * usual }),
          ...(fast !== undefined && { beta_fast: fast }),
          ...(slow !== undefined && { beta_slow: slow }),
        },
      };
    }
    default:
      throw new OptionError(`${file}: rope.scaling.type must be none, linear or yarn, got "${type}".`);
  }
}

/** Tokens that end a turn or a text in the chat formats of models; files often name only one of them. */
const ENDS = new Set([
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "<|eom_id|>",
  "<EOT>",
]);

/** Ids of what begins and ends texts. */
function idsOf(metadata: GgufHeader["metadata"]): Readonly<Record<string, unknown>> {
  const id = (key: string): number | undefined => {
    const value = metadata.get(`tokenizer.ggml.${key}_token_id`);
    return typeof value === "number" ? value : undefined;
  };
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const types = metadata.get("tokenizer.ggml.token_type");
  const special = (i: number): boolean => !Array.isArray(types) || types[i] === 3 || types[i] === 4;
  const byText = Array.isArray(tokens)
    ? tokens.flatMap((text, i) => (typeof text === "string" && ENDS.has(text) && special(i) ? [i] : []))
    : [];
  const ends = new Set([id("eos"), id("eot"), id("eom"), ...byText].filter((i) => i !== undefined));
  const bos = id("bos");
  return {
    ...(bos !== undefined && { bos_token_id: bos }),
    ...(ends.size > 0 && { eos_token_id: [...ends] }),
  };
}

/**
 * `rope_scaling` of Llama 3, whose factors files of llama.cpp hold as a tensor, one for each pair of a head.
 * @throws OptionError for factors that follow another rule.
 */
export function llama3Scaling(
  factors: ArrayLike<number>,
  base: number,
  file: string,
): Readonly<Record<string, unknown>> | undefined {
  const values = Array.from(factors);
  const factor = shortest(Math.max(...values));
  if (values.every((x) => x === 1)) return undefined;
  const [original, low, high] = [8192, 1, 4];
  const width = 2 * values.length;
  const isRule = values.every((x, i) => {
    const turns = original / (2 * Math.PI * base ** ((2 * i) / width)); // in the original context
    const smooth = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return Math.abs(x - 1 / ((1 - smooth) / factor + smooth)) <= 1e-4 * factor;
  });
  if (!isRule) {
    throw new OptionError(
      `${file}: rope_freqs.weight must be the factors of Llama 3 for a context of ${original}, got others, up to ${factor}.`,
    );
  }
  return {
    rope_type: "llama3",
    factor,
    original_max_position_embeddings: original,
    low_freq_factor: low,
    high_freq_factor: high,
  };
}

/** Sizes of a tensor, for errors. */
export function shapeText({ type, shape }: GgufEntry): string {
  return `${type.name} [${shape.join(", ")}]`;
}
