// Radford et al. 2019, GPT-2. https://openai.com/research/better-language-models
// Layer norms, biases everywhere, learned positions, an MLP without gate; matrices lie as [in, out], those of queries,
// keys and values in one.
import { OptionError } from "../../errors.ts";
import type { CausalLMConfig } from "../config.ts";
import { departsOnly, type Family, type Keys, type Stored } from "../family.ts";

const FUNCTIONS: Readonly<Record<string, CausalLMConfig["activation"]>> = {
  gelu_new: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
  gelu: "gelu",
  relu: "relu",
  relu2: "relu2",
  silu: "silu",
  swish: "silu",
};

/** Names of the block's parts here and there; what has `of` numbers is the first of so many in one matrix. */
const PARTS: Readonly<Record<string, string>> = {
  input_layernorm: "ln_1",
  post_attention_layernorm: "ln_2",
  "self_attn.o_proj": "attn.c_proj",
  "mlp.up_proj": "mlp.c_fc",
  "mlp.down_proj": "mlp.c_proj",
};
const FUSED: readonly string[] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
const TOP: Readonly<Record<string, string>> = {
  "model.embed_tokens.weight": "transformer.wte.weight",
  "model.embed_positions.weight": "transformer.wpe.weight",
  "model.norm.weight": "transformer.ln_f.weight",
  "model.norm.bias": "transformer.ln_f.bias",
};

export const gpt2: Family = {
  type: "gpt2",
  architecture: "GPT2LMHeadModel",
  // The last are of heads for other tasks.
  ignores: `n_ctx resid_pdrop embd_pdrop attn_pdrop reorder_and_upcast_attn summary_type summary_use_proj
    summary_activation summary_proj_to_labels summary_first_dropout`.split(/\s+/),
  read(keys) {
    const [width, heads] = [keys.number("n_embd"), keys.number("n_head")];
    if (keys.truth("scale_attn_by_inverse_layer_idx", false)) {
      throw new OptionError(`${keys.file}: scale_attn_by_inverse_layer_idx must be false, got true.`);
    }
    return {
      vocabulary: keys.number("vocab_size"),
      context: keys.number("n_positions", 1024),
      width,
      layers: keys.number("n_layer"),
      heads,
      hidden: keys.number("n_inner", 4 * width),
      activation: functionOf(keys),
      norm: "layer",
      normEpsilon: keys.number("layer_norm_epsilon", 1e-5),
      position: { type: "learned" },
      bias: "all",
      ...(!keys.truth("scale_attn_weights", true) && { scoreScale: 1 }),
      tieEmbeddings: keys.truth("tie_word_embeddings", true),
    };
  },
  // Files come with the name of the body, and without; masks are kept as if they were weights.
  rename(name) {
    if (/\.attn\.(?:masked_)?bias$/.test(name)) return undefined;
    return /^(?:transformer|lm_head)\./.test(name) ? name : `transformer.${name}`;
  },
  stored(name, { width }) {
    const top = TOP[name];
    if (top !== undefined) return { name: top };
    const [, layer, part = "", leaf] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (layer === undefined) return { name };
    const place = FUSED.indexOf(part);
    const at = `transformer.h.${layer}.${place >= 0 ? "attn.c_attn" : (PARTS[part] ?? part)}.${leaf}`;
    const stored: Stored =
      place < 0 ? { name: at } : { name: at, part: { first: place * width, of: 3 * width } };
    return leaf === "weight" && !part.endsWith("norm") ? { ...stored, turned: true } : stored;
  },
  write(config) {
    const { width, heads, headWidth, keyValueHeads, bias, position, norm, scoreScale } = config;
    const word = Object.keys(FUNCTIONS).find((key) => FUNCTIONS[key] === config.activation);
    if (word === undefined || norm !== "layer" || bias !== "all" || position.type !== "learned")
      return undefined;
    if (!departsOnly(config, ["norm", "scoreScale"]) || (scoreScale ?? 1) !== 1) return undefined;
    if (keyValueHeads !== heads || headWidth * heads !== width) return undefined;
    return {
      n_positions: config.context,
      n_embd: width,
      n_layer: config.layers,
      n_head: heads,
      n_inner: config.hidden,
      layer_norm_epsilon: config.normEpsilon,
      activation_function: word,
      ...(scoreScale === 1 && { scale_attn_weights: false }),
      ...OTHERS,
    };
  },
};

/** Keys of other families for the same numbers. */
const OTHERS = {
  max_position_embeddings: undefined,
  hidden_size: undefined,
  num_hidden_layers: undefined,
  num_attention_heads: undefined,
  num_key_value_heads: undefined,
  head_dim: undefined,
  intermediate_size: undefined,
  rms_norm_eps: undefined,
};

function functionOf(keys: Keys): CausalLMConfig["activation"] {
  const word = keys.word("activation_function", "gelu_new");
  const known = Object.hasOwn(FUNCTIONS, word) ? FUNCTIONS[word] : undefined;
  if (known !== undefined) return known;
  throw new OptionError(
    `${keys.file}: activation_function must be one of ${Object.keys(FUNCTIONS).join(", ")}, got "${word}".`,
  );
}
