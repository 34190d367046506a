// Models that no other family has words for: what Llama's keys cannot say stands under `athanor`, so that other
// programs refuse the file instead of misreading it.
import type { CausalLMConfig } from "../config.ts";
import { type Family, type Keys, sizesOf } from "../family.ts";
import { ropeOf } from "../rope-keys.ts";

/** `hidden_act`, for who looks; what counts stands under `athanor`. */
const WORDS: Readonly<Record<CausalLMConfig["activation"], string>> = {
  swiglu: "silu",
  geglu: "gelu",
  "geglu-tanh": "gelu_new",
  reglu: "relu",
  reglu2: "relu2",
  silu: "silu",
  relu: "relu",
  relu2: "relu2",
  gelu: "gelu",
  "gelu-tanh": "gelu_new",
};

export const athanor: Family = {
  type: "athanor",
  architecture: "AthanorForCausalLM",
  ignores: ["hidden_act", "attention_bias", "mlp_bias", "athanor"],
  read(keys: Keys) {
    const own = keys.any("athanor") as Partial<CausalLMConfig> | undefined;
    return { ...sizesOf(keys, { context: 2048 }), position: ropeOf(keys)("full_attention"), ...own };
  },
  write(config) {
    const { position, bias, activation, attention, norm, headNorm, headNormOver } = config;
    const { perLayer, maps, norms, scoreScale, embeddingScale, logitCap } = config;
    return {
      hidden_act: WORDS[activation],
      rope_theta: position.type === "learned" ? 10_000 : (position.base ?? 10_000),
      attention_bias: bias !== "none",
      mlp_bias: bias === "all",
      athanor: {
        activation,
        attention,
        ...(perLayer && { perLayer }),
        ...(maps && { maps }),
        norm,
        position,
        bias,
        headNorm,
        ...(headNormOver && { headNormOver }),
        ...(norms && { norms }),
        ...(scoreScale !== undefined && { scoreScale }),
        ...(embeddingScale !== undefined && { embeddingScale }),
        ...(logitCap !== undefined && { logitCap }),
      },
    };
  },
};
