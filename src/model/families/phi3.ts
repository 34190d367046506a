// Abdin et al. 2024, "Phi-3". https://arxiv.org/abs/2404.14219
// Llama's block; queries, keys and values lie in one matrix, gate and up in another; part of a head may turn.
import { OptionError } from "../../errors.ts";
import { type Family, gateOf, type Keys, sizesOf } from "../family.ts";
import { type BesideRope, specOf } from "../rope-keys.ts";
import type { PositionSpec } from "../../position/index.ts";
import { writeBlock } from "./llama.ts";

export const phi3: Family = {
  type: "phi3",
  architecture: "Phi3ForCausalLM",
  ignores: ["resid_pdrop", "embd_pdrop"],
  read(keys) {
    const sizes = sizesOf(keys, { context: 4096, normEpsilon: 1e-5 });
    const window = keys.any("sliding_window") === undefined ? undefined : keys.number("sliding_window");
    const position = ropeOfPhi(keys, sizes.context);
    return {
      ...sizes,
      activation: gateOf(keys),
      position: window === undefined ? position : { ...position, slidingWindow: window },
    };
  },
  stored(name, { heads: H, keyValueHeads: G, headWidth: D, hidden: F }) {
    const [, layer = "", part] =
      /^(model\.layers\.\d+)\.(?:self_attn|mlp)\.(q|k|v|gate|up)_proj\.weight$/.exec(name) ?? [];
    const qkv = { name: `${layer}.self_attn.qkv_proj.weight`, of: (H + 2 * G) * D };
    const gate = { name: `${layer}.mlp.gate_up_proj.weight`, of: 2 * F };
    switch (part) {
      case "q":
        return { name: qkv.name, part: { first: 0, of: qkv.of } };
      case "k":
        return { name: qkv.name, part: { first: H * D, of: qkv.of } };
      case "v":
        return { name: qkv.name, part: { first: (H + G) * D, of: qkv.of } };
      case "gate":
        return { name: gate.name, part: { first: 0, of: gate.of } };
      case "up":
        return { name: gate.name, part: { first: F, of: gate.of } };
      default:
        return { name };
    }
  },
  write(config) {
    const { position, bias } = config;
    if (position.type !== "rope" && position.type !== "longrope") return undefined;
    const { slidingWindow, ...rope } = position;
    const keys = bias === "none" ? writeBlock({ ...config, position: rope }) : undefined;
    if (keys === undefined) return undefined;
    return {
      ...keys,
      attention_bias: undefined,
      mlp_bias: undefined,
      original_max_position_embeddings: rope.trainingLength ?? config.context,
      sliding_window: slidingWindow ?? null,
    };
  },
};

/** As Phi-3 reads RoPE: older names of LongRoPE are its own, and the length before it stands beside the object. */
function ropeOfPhi(keys: Keys, context = 4096): PositionSpec {
  const given = keys.under("rope_scaling") ?? keys.under("rope_parameters");
  keys.any("rope_parameters");
  const beside: BesideRope = {
    base: keys.number("rope_theta", 10_000),
    fraction: keys.number("partial_rotary_factor", 1),
    original: keys.number("original_max_position_embeddings", 4096),
    context,
  };
  const type = given?.word("rope_type", given.word("type", "default")) ?? "default";
  if (!["default", "longrope", "su", "yarn"].includes(type)) {
    throw new OptionError(
      `${keys.file}: rope_scaling type must be one of default, longrope, su, yarn, got "${type}".`,
    );
  }
  return specOf(given, beside, keys.file, type === "default" ? type : "longrope");
}
