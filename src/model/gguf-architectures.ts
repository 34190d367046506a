// What llama.cpp calls an architecture, both ways: which family it is, where its tensors lie, and what its keys mean in
// the words of config.json. Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#standardized-key-value-pairs;
// what is not there follows from src/models of https://github.com/ggml-org/llama.cpp, which computes it.
import type { GgufHeader } from "../files/gguf-types.ts";
import { deepseek2 } from "./gguf-deepseek.ts";
import { gemma, gemma2, gemma3 } from "./gguf-gemma.ts";
import { f32, type GgufArchitecture, type Json, must, none, u32, type Words } from "./gguf-words.ts";

const QKV = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

/** Whether heads side by side are as wide as the model, which some architectures take for granted. */
export function squareHeads(json: Json): void {
  const width = Number(json["hidden_size"]);
  const wide = Number(json["num_attention_heads"]) * Number(json["head_dim"]);
  must(json, "head_dim", () => wide === width, `of ${width} in all heads together`);
}

const biasOf = ({ entries }: GgufHeader, name: string): boolean => entries.has(`blk.0.${name}.bias`);

/** The architectures that can be read and written. */
export const ARCHITECTURES: Readonly<Record<string, GgufArchitecture>> = {
  llama: {
    family: "llama",
    writes: ["llama", "mistral"],
    pairs: true,
    read: (common, _, header) => ({
      ...common,
      attention_bias: biasOf(header, "attn_q"),
      mlp_bias: biasOf(header, "ffn_gate"),
    }),
    write: (json) => silu(json),
  },
  qwen2: { family: "qwen2", write: (json) => silu(json) },
  qwen3: {
    family: "qwen3",
    write(json) {
      must(json, "attention_bias", none, "false");
      return silu(json);
    },
  },
  smollm3: {
    family: "smollm3",
    pairs: true,
    write(json) {
      must(json, "attention_bias", none, "false");
      must(json, "mlp_bias", none, "false");
      const every = (value: unknown): boolean =>
        (value as readonly number[]).every((turns, i) => turns === ((i + 1) % 4 === 0 ? 0 : 1));
      must(json, "no_rope_layers", every, "0 in every fourth layer");
      return silu(json);
    },
  },
  olmo2: {
    family: "olmo2",
    parts: {
      post_attention_norm: "post_attention_layernorm",
      post_ffw_norm: "post_feedforward_layernorm",
      attn_norm: [],
      ffn_norm: [],
    },
    ownHead: true,
    write(json) {
      must(json, "attention_bias", none, "false");
      squareHeads(json);
      return silu(json);
    },
  },
  phi3: {
    family: "phi3",
    parts: { attn_qkv: QKV, ffn_up: ["mlp.gate_proj", "mlp.up_proj"] },
    read(common, keys) {
      const { rope_scaling: scaling, ...rest } = common;
      return {
        ...rest,
        sliding_window: keys.any("attention.sliding_window") ?? null,
        original_max_position_embeddings: keys.any("rope.scaling.original_context_length"),
        ...(scaling !== undefined && { rope_scaling: scaling }),
      };
    },
    write(json) {
      squareHeads(json);
      const window = json["sliding_window"];
      return {
        ...silu({ ...json, sliding_window: null }),
        ...(typeof window === "number" && { "attention.sliding_window": u32(window) }),
        "rope.scaling.original_context_length": u32(Number(json["original_max_position_embeddings"])),
      };
    },
  },
  gpt2: {
    family: "gpt2",
    parts: { attn_qkv: QKV },
    read: (common) => ({
      model_type: "gpt2",
      vocab_size: common["vocab_size"],
      n_positions: common["max_position_embeddings"],
      n_embd: common["hidden_size"],
      n_layer: common["num_hidden_layers"],
      n_head: common["num_attention_heads"],
      n_inner: common["intermediate_size"],
      layer_norm_epsilon: common["rms_norm_eps"],
      activation_function: "gelu_new",
      tie_word_embeddings: common["tie_word_embeddings"],
      bos_token_id: common["bos_token_id"],
      eos_token_id: common["eos_token_id"],
    }),
    write(json) {
      must(json, "activation_function", (word) => word === "gelu_new", "gelu_new");
      must(json, "scale_attn_weights", (value) => value !== false, "true");
      return {
        "attention.layer_norm_epsilon": f32(Number(json["layer_norm_epsilon"])),
        "attention.layer_norm_rms_epsilon": undefined,
        "rope.freq_base": undefined,
        "rope.dimension_count": undefined,
      };
    },
  },
  gemma,
  gemma2,
  gemma3,
  deepseek2,
};

/** Llama's block: no windows, and gates by silu. */
function silu(json: Json): Words {
  must(json, "hidden_act", (word) => word === "silu", "silu");
  must(json, "sliding_window", none, "null");
  return {};
}
