// What gradients train of a model, and what it learns otherwise: codebooks move by averages of what they saw.
import { mixerOf } from "./attention-config.ts";
import type { BlockParams, Seen } from "./causal-lm.ts";
import { type BlocksConfig, type CausalLMConfig, layerAttention } from "./config.ts";
import type { Parameter } from "../nn/index.ts";
import { parametersOf } from "./parameters.ts";

/** Whether gradients train the parameter of that name. */
export function trainedBy(config: CausalLMConfig): (name: string) => boolean {
  return trainedOf(parametersOf(config));
}

/** The same of parameters by name. */
export function trainedOf(parameters: ReadonlyMap<string, Parameter>): (name: string) => boolean {
  const others = new Set(
    [...parameters].flatMap(([name, { by }]) => ((by ?? "gradient") === "gradient" ? [] : [name])),
  );
  return (name) => !others.has(name);
}

/** Parameters with blocks in them. */
interface WithBlocks {
  readonly model: { readonly layers: readonly BlockParams[] };
}

/** The parameters after a batch of which the model saw `seen`: only those change that gradients do not train. */
export function learn<P extends WithBlocks>(config: BlocksConfig, params: P, seen: Seen): P {
  const layers = params.model.layers.map((layer, i) => {
    const mixer = mixerOf(layerAttention(config, i));
    if (mixer.learn === undefined) return layer;
    const sums = seen[i];
    if (sums === undefined) throw new Error(`learn: layer ${i} saw nothing`);
    return { ...layer, self_attn: mixer.learn(layer.self_attn, sums) };
  });
  return { ...params, model: { ...params.model, layers } };
}
