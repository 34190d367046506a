// DeepSeek-V2 and V3 without experts in llama.cpp's words. Neighbours of a rotary part turn as pairs, as here.
import { OptionError } from "../errors.ts";
import { f32, type GgufArchitecture, must, none, type Numbers, u32 } from "./gguf-words.ts";

/**
 * `[H(d_k + d_v), L]` of keys `[H, L, d_k]`, turned for products with queries, and values `[H, d_v, L]`: what latents
 * become, head by head.
 */
function joinKeysAndValues(k: Numbers, v: Numbers): Numbers {
  const [H = 0, L = 0, dk = 0] = k.shape;
  const [heads, dv = 0, width] = v.shape;
  if (k.shape.length !== 3 || heads !== H || width !== L) return { data: new Float32Array(), shape: [0, 0] };
  const data = new Float32Array(H * (dk + dv) * L);
  for (let h = 0; h < H; h++) {
    const to = h * (dk + dv) * L;
    for (let i = 0; i < dk; i++) {
      for (let l = 0; l < L; l++) data[to + i * L + l] = k.data[(h * L + l) * dk + i] ?? 0;
    }
    data.set(v.data.subarray(h * dv * L, (h + 1) * dv * L), to + dk * L);
  }
  return { data, shape: [H * (dk + dv), L] };
}

/** Layers by which llama.cpp knows a model whose queries have no latent. */
const LITE: readonly unknown[] = [26, 27];

export const deepseek2: GgufArchitecture = {
  family: "deepseek_v3",
  parts: {
    attn_q_a: "self_attn.q_a_proj",
    attn_q_a_norm: "self_attn.q_a_layernorm",
    attn_q_b: "self_attn.q_b_proj",
    attn_kv_a_mqa: "self_attn.kv_a_proj_with_mqa",
    attn_kv_a_norm: "self_attn.kv_a_layernorm",
    attn_kv_b: "self_attn.kv_b_proj",
  },
  joined: {
    part: "self_attn.kv_b_proj",
    there: ["attn_k_b", "attn_v_b"],
    join: joinKeysAndValues,
  },
  ignores: `leading_dense_block_count expert_feed_forward_length expert_shared_count expert_weights_scale
    expert_weights_norm expert_gating_func expert_group_count expert_group_used_count
    attention.key_length attention.value_length`
    .trim()
    .split(/\s+/),
  read(common, keys) {
    const { head_dim: _, partial_rotary_factor: __, rope_scaling: given, ...rest } = common;
    const rotary = keys.number("rope.dimension_count");
    const [key, value] = ["key", "value"].map((part) =>
      keys.number(`attention.${part}_length_mla`, keys.number(`attention.${part}_length`)),
    ) as [number, number];
    const weight = keys.any("rope.scaling.yarn_log_multiplier");
    const scaling = given as Readonly<Record<string, unknown>> | undefined;
    if (weight !== undefined && scaling?.["rope_type"] !== "yarn") {
      throw new OptionError(
        `${keys.file}: rope.scaling.yarn_log_multiplier must stand beside rope.scaling.type yarn, got ${JSON.stringify(weight)} alone.`,
      );
    }
    return {
      ...rest,
      num_key_value_heads: common["num_attention_heads"],
      q_lora_rank: keys.any("attention.q_lora_rank") ?? null,
      kv_lora_rank: keys.number("attention.kv_lora_rank"),
      qk_rope_head_dim: rotary,
      qk_nope_head_dim: key - rotary,
      v_head_dim: value,
      first_k_dense_replace: common["num_hidden_layers"],
      ...(scaling && {
        rope_scaling:
          weight === undefined
            ? scaling
            : // What multiplies all scores leaves cosine and sine as they are.
              {
                ...scaling,
                mscale_all_dim: Number((10 * Number(weight)).toPrecision(6)),
                attention_factor: 1,
              },
      }),
    };
  },
  write(json) {
    must(json, "hidden_act", (word) => word === "silu", "silu");
    must(json, "rope_interleave", (value) => value === true, "true");
    must(json, "attention_bias", none, "false");
    const { q_lora_rank: rank, num_hidden_layers: layers } = json;
    if (typeof rank !== "number")
      must(json, "num_hidden_layers", (n) => LITE.includes(n), "26 or 27 without q_lora_rank");
    const rotary = Number(json["qk_rope_head_dim"]);
    const scaling = json["rope_scaling"] as Readonly<Record<string, unknown>> | undefined;
    const weight = scaling?.["mscale_all_dim"];
    if (weight !== undefined)
      must(scaling ?? {}, "attention_factor", (x) => x === 1, "1 beside mscale_all_dim");
    return {
      ...(typeof rank === "number" && { "attention.q_lora_rank": u32(rank) }),
      "attention.kv_lora_rank": u32(Number(json["kv_lora_rank"])),
      "attention.key_length": u32(Number(json["qk_nope_head_dim"]) + rotary),
      "attention.value_length": u32(Number(json["v_head_dim"])),
      "rope.dimension_count": u32(rotary),
      leading_dense_block_count: u32(Number(layers)),
      expert_feed_forward_length: u32(0),
      expert_shared_count: u32(0),
      ...(weight !== undefined && { "rope.scaling.yarn_log_multiplier": f32(0.1 * Number(weight)) }),
    };
  },
};
