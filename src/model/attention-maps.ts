// What each head of a model looks at, and how much it concentrates.
import { attentionWeights, concentration } from "../attention/index.ts";
import { OptionError } from "../errors.ts";
import { cast, compile, iota, mean, type Tensor, tensor } from "../tensor/index.ts";
import { causalLM, type CausalLMParams } from "./causal-lm.ts";
import { type CausalLMConfig, layerAttention } from "./config.ts";
import { type DenseParams, positionOfLayer, project } from "./mixer.ts";

/** One head on one text. */
export interface HeadMap {
  readonly layer: number;
  readonly head: number;
  /** Rows of weights `[T, T]`, zero above the diagonal. */
  readonly weights: Float32Array;
  /** Mean over the rows of `E a / √E a²` among the keys a query may see: 1 is flat, small is one key. Su 2023, https://kexue.fm/archives/9889 */
  readonly concentration: number;
}

/** Attention weights of every dense layer on `ids`. @throws OptionError for a model without dense layers. */
export async function attentionMaps(
  config: CausalLMConfig,
  params: CausalLMParams,
  ids: readonly number[],
): Promise<HeadMap[]> {
  const T = ids.length;
  const dense = Array.from({ length: config.layers }, (_, i) => i).filter(
    (i) => layerAttention(config, i).type === "dense",
  );
  if (dense.length === 0)
    throw new OptionError("inspect: the model must have layers with softmax attention, got none.");
  const program = compile((input: Tensor) => {
    const maps: { weights: Tensor; spread: Tensor }[] = [];
    const positions = iota(T);
    causalLM(config, params, input, {
      onLayer: (layer, x) => {
        if (!dense.includes(layer)) return;
        const { q, k } = project(config, params.model.layers[layer]?.self_attn as DenseParams, x);
        const position = positionOfLayer(config, layer);
        const weights = attentionWeights(q, k, {
          position,
          queryPositions: positions,
          keyPositions: positions,
        });
        // Row t sees t + 1 keys.
        const spread = mean(concentration(weights, cast(positions, "float32").add(1)), { axis: -1 }); // [1, H]
        maps.push({ weights, spread });
      },
    });
    return maps;
  });
  const maps = await program(tensor(Int32Array.from(ids), { shape: [1, T] }));
  const out: HeadMap[] = [];
  for (const [i, map] of maps.entries()) {
    const data = (await map.weights.data()) as Float32Array;
    const spread = await map.spread.data();
    for (let head = 0; head < config.heads; head++) {
      const weights = data.subarray(head * T * T, (head + 1) * T * T);
      out.push({ layer: dense[i] ?? 0, head, weights, concentration: Number(spread[head]) });
    }
  }
  await program.release();
  return out;
}
