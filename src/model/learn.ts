// What gradients train of a model, and what it learns otherwise: codebooks move by averages of what they saw.
import { mixerOf } from "./attention-config.ts";
import type { CausalLMParams, Seen } from "./causal-lm.ts";
import { type CausalLMConfig, layerAttention } from "./config.ts";
import { parametersOf } from "./parameters.ts";

/** Whether gradients train the parameter of that name. */
export function trainedBy(config: CausalLMConfig): (name: string) => boolean {
  const others = new Set(
    [...parametersOf(config)].flatMap(([name, { by }]) => ((by ?? "gradient") === "gradient" ? [] : [name])),
  );
  return (name) => !others.has(name);
}

/** The parameters after a batch of which the model saw `seen`: only those change that gradients do not train. */
export function learn(config: CausalLMConfig, params: CausalLMParams, seen: Seen): CausalLMParams {
  const layers = params.model.layers.map((layer, i) => {
    const mixer = mixerOf(layerAttention(config, i));
    if (mixer.learn === undefined) return layer;
    const sums = seen[i];
    if (sums === undefined) throw new Error(`learn: layer ${i} saw nothing`);
    return { ...layer, self_attn: mixer.learn(layer.self_attn, sums) };
  });
  return { ...params, model: { ...params.model, layers } };
}
