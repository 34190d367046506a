// DeepSeek-AI 2024, "DeepSeek-V2" and "DeepSeek-V3", of layers without experts. https://arxiv.org/abs/2405.04434,
// https://arxiv.org/abs/2412.19437. Llama's block with latent attention; neighbours of a rotary part turn as pairs.
import { OptionError } from "../../errors.ts";
import type { CausalLMConfig } from "../config.ts";
import {
  departsOnly,
  type Family,
  type FamilyConfig,
  gateOf,
  gateWord,
  type Keys,
  sizesOf,
} from "../family.ts";
import { ropeKeys, ropeOf } from "../rope-keys.ts";

/** What experts and prediction of further tokens would read, which a model without them has no use for. */
const EXPERTS = `n_routed_experts n_shared_experts num_experts_per_tok moe_intermediate_size moe_layer_freq
  routed_scaling_factor n_group topk_group topk_method norm_topk_prob scoring_func aux_loss_alpha seq_aux ep_size
  output_router_logits router_aux_loss_coef num_nextn_predict_layers num_mtp_layers qk_head_dim num_local_experts
  num_experts`
  .trim()
  .split(/\s+/);

export const deepseek2: Family = {
  type: "deepseek_v2",
  architecture: "DeepseekV2ForCausalLM",
  ignores: EXPERTS,
  read: (keys) => read(keys, { context: 2048, dense: 0, interleaved: true, keyValueHeads: undefined }),
  rename: withoutPrediction,
};

export const deepseek3: Family = {
  type: "deepseek_v3",
  architecture: "DeepseekV3ForCausalLM",
  ignores: EXPERTS,
  read: (keys) =>
    read(keys, {
      context: 4096,
      dense: 3,
      interleaved: keys.truth("rope_interleave", true),
      keyValueHeads: 128,
    }),
  rename: withoutPrediction,
  write(config) {
    const { attention, position, bias, keyValueHeads, heads } = config;
    const act = gateWord(config);
    if (attention.type !== "mla" || act === undefined || keyValueHeads !== heads) return undefined;
    if (bias !== "none" && bias !== "attention") return undefined;
    if (!departsOnly(config, ["attention", "scoreScale"]) || position.type === "learned") return undefined;
    const { layout = "half", base } = position;
    if (base === undefined || attention.contentWidth === undefined || attention.valueWidth === undefined)
      return undefined;
    const rope = ropeKeys(position, config.context, layout);
    const content = attention.contentWidth;
    const plain = (content + attention.rotaryWidth) ** -0.5;
    const scaling = rope && withScale(rope, (config.scoreScale ?? plain) / plain);
    if (scaling === undefined) return undefined;
    return {
      hidden_act: act,
      ...scaling,
      rope_interleave: layout === "interleaved",
      attention_bias: bias === "attention",
      head_dim: undefined,
      q_lora_rank: attention.queryLatentWidth ?? null,
      kv_lora_rank: attention.latentWidth,
      qk_nope_head_dim: content,
      qk_rope_head_dim: attention.rotaryWidth,
      v_head_dim: attention.valueWidth,
      first_k_dense_replace: config.layers,
      num_nextn_predict_layers: 0,
    };
  },
};

/** `mscale_all_dim` for scores that are `ratio` times as large as usual; nothing where there is no word for it. */
function withScale(
  rope: Readonly<Record<string, unknown>>,
  ratio: number,
): Readonly<Record<string, unknown>> | undefined {
  if (ratio === 1) return rope;
  const scaling = rope["rope_scaling"] as { rope_type: string; factor: number } | undefined;
  if (scaling?.rope_type !== "yarn" || !(scaling.factor > 1)) return undefined;
  const weight = (Math.sqrt(ratio) - 1) / (0.1 * Math.log(scaling.factor));
  return { ...rope, rope_scaling: { ...scaling, mscale_all_dim: Number(weight.toPrecision(12)) } };
}

/** Layers beyond the last predict further tokens; they are no part of the model. */
function withoutPrediction(name: string, { layers }: CausalLMConfig): string | undefined {
  const index = /^model\.layers\.(\d+)\./.exec(name)?.[1];
  return index !== undefined && Number(index) >= layers ? undefined : name;
}

interface Version {
  readonly context: number;
  /** `first_k_dense_replace` of files that say nothing. */
  readonly dense: number;
  readonly interleaved: boolean;
  readonly keyValueHeads: number | undefined;
}

function read(keys: Keys, { context, dense, interleaved, keyValueHeads }: Version): FamilyConfig {
  const sizes = sizesOf(keys, { context, ...(keyValueHeads !== undefined && { keyValueHeads }) });
  const first = keys.number("first_k_dense_replace", dense);
  if (first < sizes.layers) {
    throw new OptionError(
      `${keys.file}: first_k_dense_replace must be at least the ${sizes.layers} layers, got ${first}: layers with experts are not supported.`,
    );
  }
  if (keys.truth("mlp_bias", false)) {
    throw new OptionError(`${keys.file}: mlp_bias must be false, got true.`);
  }
  const [content, rotary] = [keys.number("qk_nope_head_dim", 128), keys.number("qk_rope_head_dim", 64)];
  // A rank of null is none; a rank that is not there has its usual value.
  const direct = keys.has("q_lora_rank") && keys.any("q_lora_rank") === undefined;
  const position = ropeOf(keys)("full_attention");
  const scale = (content + rotary) ** -0.5;
  return {
    ...sizes,
    headWidth: content,
    activation: gateOf(keys),
    bias: keys.truth("attention_bias", false) ? "attention" : "none",
    position: interleaved ? { ...position, layout: "interleaved" } : position,
    attention: {
      type: "mla",
      latentWidth: keys.number("kv_lora_rank", 512),
      rotaryWidth: rotary,
      contentWidth: content,
      valueWidth: keys.number("v_head_dim", 128),
      ...(!direct && { queryLatentWidth: keys.number("q_lora_rank", 1536) }),
    },
    ...(position.type === "yarn-index" && scaled(keys, position.scale ?? 1, scale)),
  };
}

/** YaRN with `mscale_all_dim` multiplies all scores by the square of its magnitude, content as well as rotation. */
function scaled(keys: Keys, factor: number, scale: number): Pick<FamilyConfig, "scoreScale"> {
  const given = keys.under("rope_scaling") ?? keys.under("rope_parameters");
  const weight = given?.number("mscale_all_dim", 0) ?? 0;
  if (weight === 0) return {};
  const magnitude = factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
  return { scoreScale: scale * magnitude * magnitude };
}
