// Gemma 1 to 3 in llama.cpp's words. Gains are stored there as they act.
import type { Keys } from "./family.ts";
import { FULL, SLIDING } from "./families/layers.ts";
import { f32, type GgufArchitecture, type Json, must, none, u32, type Words } from "./gguf-words.ts";

/** Norms of a block that has them around its parts. */
const AROUND = {
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

/** What all of them are. */
function block(json: Json, act = "hidden_activation"): void {
  must(json, act, (word) => word === "gelu_pytorch_tanh" || word === "gelu_new", "gelu_pytorch_tanh");
  must(json, "attention_bias", none, "false");
  must(json, "tie_word_embeddings", (tied) => tied === true, "true");
}

/** What scores are divided by the root of: the width of a head, but in the largest, known by its layers. */
function scalar(json: Json, largest: number): number {
  const wide = Number(json["hidden_size"]) / Number(json["num_attention_heads"]);
  return json["num_hidden_layers"] === largest ? Math.floor(wide) : Number(json["head_dim"]);
}

/** @throws OptionError where layers with windows stand otherwise than every `period`-th without. */
function pattern(json: Json, period: number): void {
  const right = (value: unknown): boolean =>
    (value as readonly string[]).every((kind, i) => kind === ((i + 1) % period === 0 ? FULL : SLIDING));
  must(json, "layer_types", right, `${FULL} in every ${period === 2 ? "second" : "sixth"} layer`);
}

/** `layer_types` of a file: its own pattern, a period or one entry a layer, else every `period`-th layer sees all. */
function kinds(common: Json, keys: Keys, period: number): readonly string[] {
  const own = keys.any("attention.sliding_window_pattern") ?? period;
  const layers = Number(common["num_hidden_layers"]);
  const sees = (i: number): boolean => (Array.isArray(own) ? !own[i] : (i + 1) % Number(own) === 0);
  return Array.from({ length: layers }, (_, i) => (sees(i) ? FULL : SLIDING));
}

export const gemma: GgufArchitecture = {
  family: "gemma",
  write(json): Words {
    block(json, "hidden_act");
    return {};
  },
};

export const gemma2: GgufArchitecture = {
  family: "gemma2",
  parts: AROUND,
  ignores: ["attention.key_length_swa", "attention.value_length_swa", "rope.freq_base_swa"],
  read: (common, keys) => ({
    ...common,
    hidden_activation: "gelu_pytorch_tanh",
    sliding_window: keys.number("attention.sliding_window", 4096),
    attn_logit_softcapping: keys.number("attn_logit_softcapping", 50),
    final_logit_softcapping: keys.number("final_logit_softcapping", 30),
    layer_types: kinds(common, keys, 2),
    query_pre_attn_scalar: scalar(common, 46),
  }),
  write(json) {
    block(json);
    pattern(json, 2);
    const above = (cap: unknown): boolean => typeof cap === "number" && cap > 0;
    must(json, "attn_logit_softcapping", above, "above 0");
    must(json, "final_logit_softcapping", above, "above 0");
    must(json, "query_pre_attn_scalar", (x) => x === scalar(json, 46), String(scalar(json, 46)));
    return {
      "attention.sliding_window": u32(Number(json["sliding_window"])),
      attn_logit_softcapping: f32(Number(json["attn_logit_softcapping"])),
      final_logit_softcapping: f32(Number(json["final_logit_softcapping"])),
    };
  },
};

export const gemma3: GgufArchitecture = {
  family: "gemma3_text",
  parts: AROUND,
  ignores: ["attention.key_length_swa", "attention.value_length_swa"],
  read(common, keys) {
    const { rope_theta: base, rope_scaling: scaling = {}, ...rest } = common;
    const local = keys.number("rope.freq_base_swa", 10_000);
    const window = keys.any("attention.sliding_window");
    const cap = keys.any("final_logit_softcapping");
    return {
      ...rest,
      hidden_activation: "gelu_pytorch_tanh",
      ...(window !== undefined && { sliding_window: window }),
      layer_types: kinds(common, keys, window === undefined ? 1 : 6),
      final_logit_softcapping: cap ?? null,
      query_pre_attn_scalar: scalar(common, 62),
      rope_parameters: {
        [FULL]: { rope_type: "default", rope_theta: base, ...(scaling as Json) },
        [SLIDING]: { rope_type: "default", rope_theta: local },
      },
    };
  },
  write(json) {
    block(json);
    pattern(json, 6);
    must(json, "attn_logit_softcapping", none, "null");
    must(json, "final_logit_softcapping", none, "null");
    must(json, "query_pre_attn_scalar", (x) => x === scalar(json, 62), String(scalar(json, 62)));
    const { [SLIDING]: sliding } = json["rope_parameters"] as Readonly<Record<string, Json>>;
    must(sliding ?? {}, "rope_type", (type) => type === "default", "default in layers with windows");
    return {
      "attention.sliding_window": u32(Number(json["sliding_window"])),
      "rope.freq_base_swa": f32(Number(sliding?.["rope_theta"])),
    };
  },
};
