// Where the norms of a block stand. Before each part (Radford et al. 2019, https://openai.com/research/better-language-models),
// after it (OLMo 2, https://arxiv.org/abs/2501.00656), or around it (Gemma 2, https://arxiv.org/abs/2408.00118).
import type { NormParams } from "../nn/index.ts";

/** `before`: `x + f(norm x)`; `after`: `x + norm f(x)`; `around`: `x + norm f(norm x)`. */
export type NormPlaces = "before" | "after" | "around";

/** Norms of a block by their names in files. */
export interface BlockNorms {
  readonly input_layernorm?: NormParams;
  readonly post_attention_layernorm: NormParams;
  readonly pre_feedforward_layernorm?: NormParams;
  readonly post_feedforward_layernorm?: NormParams;
}

/** Names of the norms before and after one part. */
interface Around {
  readonly before?: keyof BlockNorms;
  readonly after?: keyof BlockNorms;
}

/** Norms of the mixer and of the MLP. `post_attention_layernorm` stands before the MLP in Llama, after attention elsewhere. */
export const NORM_PLACES: Readonly<Record<NormPlaces, { readonly mixer: Around; readonly mlp: Around }>> = {
  before: { mixer: { before: "input_layernorm" }, mlp: { before: "post_attention_layernorm" } },
  after: { mixer: { after: "post_attention_layernorm" }, mlp: { after: "post_feedforward_layernorm" } },
  around: {
    mixer: { before: "input_layernorm", after: "post_attention_layernorm" },
    mlp: { before: "pre_feedforward_layernorm", after: "post_feedforward_layernorm" },
  },
};
