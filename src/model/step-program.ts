// A model as a program that other runtimes write with: new tokens and what was kept in, logits and what is kept out.
import { OptionError } from "../errors.ts";
import { type Dim, type Shape, type Tensor, tensor, zeros } from "../tensor/index.ts";
import { mixerOf } from "./attention-config.ts";
import { type CacheShape, grows, sized, SIZES, tokenAxis } from "./cache.ts";
import { causalLM, type CausalLMParams } from "./causal-lm.ts";
import { cacheShapes, type CausalLMConfig, layerAttention, layerPosition } from "./config.ts";
import type { State } from "./mixer.ts";

/** What `exportOnnx` takes. */
export interface StepProgram {
  /** `(ids, states) → { logits, states }`: ids `[batch, time]`, logits `[batch, time, V]`, the states of all layers in order. */
  readonly fn: (ids: Tensor, past: readonly Tensor[]) => readonly Tensor[];
  readonly args: [Tensor, readonly Tensor[]];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly symbolic: (name: string, shape: Shape) => Shape | undefined;
  /** Shapes of the states, with `B` for texts and `S` for tokens so far; a text begins with zeros, and no tokens. */
  readonly states: Readonly<Record<string, CacheShape>>;
}

/** Names of the axes that are free. */
const NAMES = { texts: "batch", fresh: "time", tokens: "past" } as const;

/**
 * The step form of a model. Inputs are `ids` and `past.LAYER.NAME`, outputs `logits` and `present.LAYER.NAME`; what a
 * call gives out goes into the next one. State spaces and recurrent cells keep the same few numbers for ever.
 * @throws OptionError for a model that asks how many tokens went before, where no state says so.
 */
export function stepProgram(config: CausalLMConfig, params: CausalLMParams): StepProgram {
  const shapes = cacheShapes(config);
  const all = shapes.flatMap((layer, i) =>
    Object.entries(layer).map(([name, shape]) => ({ layer: i, name, shape })),
  );
  const growing = all.findIndex(({ shape }) => grows(shape));
  if (growing < 0) {
    const counting = shapes.findIndex((_, i) => {
      const placeless = mixerOf(layerAttention(config, i)).placeless === true;
      return !placeless || layerPosition(config, i).type !== "none";
    });
    if (counting >= 0) {
      throw new OptionError(
        `export: --step must know how many tokens went before, got a layer ${counting} of ${layerAttention(config, counting).type} attention with positions of type ${layerPosition(config, counting).type}, and no state that counts them. Export it whole with --onnx.`,
      );
    }
  }
  const named = (kind: string): string[] => all.map(({ layer, name }) => `${kind}.${layer}.${name}`);
  const free = (shape: CacheShape): Shape =>
    shape.map((d): Dim => (d === SIZES.texts ? NAMES.texts : d === SIZES.tokens ? NAMES.tokens : d));
  const inputs = named("past");
  return {
    fn(ids, past) {
      const cache = shapes.map(
        (layer, i): State =>
          Object.fromEntries(
            Object.keys(layer).map((name) => [
              name,
              past[all.findIndex((one) => one.layer === i && one.name === name)] as Tensor,
            ]),
          ),
      );
      const longest = all[growing];
      const before = longest ? past[growing]?.shape[tokenAxis(longest.shape)] : undefined;
      const found = causalLM(config, params, ids, { cache, ...(before !== undefined && { past: before }) });
      return [found.logits, ...all.map(({ layer, name }) => found.cache[layer]?.[name] as Tensor)];
    },
    args: [tensor(new Int32Array(4), { shape: [2, 2] }), all.map(({ shape }) => zeros(sized(shape, 2, 3)))],
    inputNames: ["ids", ...inputs],
    outputNames: ["logits", ...named("present")],
    symbolic: (name) => {
      const at = /^1\.(\d+)$/.exec(name)?.[1];
      const shape = at === undefined ? undefined : all[Number(at)]?.shape;
      return shape ? free(shape) : [NAMES.texts, NAMES.fresh];
    },
    states: Object.fromEntries(all.map(({ shape }, i) => [inputs[i] ?? "", shape])),
  };
}
