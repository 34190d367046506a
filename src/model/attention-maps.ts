// What each head of a model looks at, and how much it concentrates.
import { concentration } from "../attention/index.ts";
import { OptionError } from "../errors.ts";
import {
  cast,
  compile,
  exp,
  full,
  greaterEqual,
  mean,
  reshape,
  softmax,
  square,
  sum,
  type Tensor,
  tensor,
  where,
} from "../tensor/index.ts";
import { causalLM, type CausalLMParams } from "./causal-lm.ts";
import { mixerOf, WITH_SCORES } from "./attention-config.ts";
import { type CausalLMConfig, layerAttention, layerOf } from "./config.ts";
import { OUT_OF_SIGHT } from "./mixer.ts";

/** One head on one text. */
export interface HeadMap {
  readonly layer: number;
  readonly head: number;
  /** Rows of weights `[T, T]`, zero above the diagonal. */
  readonly weights: Float32Array;
  /** Mean over the rows of `E a / √E a²` among the keys a query may see: 1 is flat, small is one key. Su 2023, https://kexue.fm/archives/9889 */
  readonly concentration: number;
  /** Mean over the rows of `e^(−γ²/2)`, `γ²` the variance of a row's scores: what it were if they were normal. */
  readonly ifNormal: number;
}

/**
 * Attention weights on `ids` of the layers whose mixer has scores.
 * @throws OptionError for a model without such layers.
 */
export async function attentionMaps(
  config: CausalLMConfig,
  params: CausalLMParams,
  ids: readonly number[],
): Promise<HeadMap[]> {
  const T = ids.length;
  const layers = Array.from({ length: config.layers }, (_, i) => i).filter(
    (i) => "scores" in mixerOf(layerAttention(config, i)),
  );
  if (layers.length === 0) {
    throw new OptionError(
      `inspect: the model must have layers whose attention is one of ${WITH_SCORES.join(", ")}, got ${layerAttention(config, 0).type}.`,
    );
  }
  const program = compile((input: Tensor) => {
    const maps: { weights: Tensor; spread: Tensor; ifNormal: Tensor }[] = [];
    causalLM(config, params, input, {
      onLayer: (layer, x) => {
        const own = params.model.layers[layer]?.self_attn;
        const attention = layerAttention(config, layer);
        const scores = own && mixerOf(attention).scores?.(attention, layerOf(config, layer), own, x);
        if (scores === undefined) return;
        const inSight = greaterEqual(scores, OUT_OF_SIGHT);
        const visible = cast(inSight, "float32");
        const counts = sum(visible, { axis: -1, keep: true }); // [1, H, T, 1]
        const average = sum(where(inSight, scores, full([], 0)), { axis: -1, keep: true }).div(counts);
        const apart = square(scores.sub(average));
        const variance = sum(where(inSight, apart, full([], 0)), { axis: -1, keep: true }).div(counts);
        const weights = softmax(scores);
        // What a row sees is the same for all heads.
        const spread = mean(concentration(weights, reshape(mean(counts, { axis: 1 }), [T])), { axis: -1 }); // [1, H]
        const ifNormal = mean(exp(variance.mul(-0.5)), { axis: [2, 3] }); // [1, H]
        maps.push({ weights, spread, ifNormal });
      },
    });
    return maps;
  });
  const maps = await program(tensor(Int32Array.from(ids), { shape: [1, T] }));
  const out: HeadMap[] = [];
  for (const [i, map] of maps.entries()) {
    const data = (await map.weights.data()) as Float32Array;
    const [spread, ifNormal] = [await map.spread.data(), await map.ifNormal.data()];
    for (let head = 0; head < config.heads; head++) {
      const weights = data.subarray(head * T * T, (head + 1) * T * T);
      const [measured, normal] = [Number(spread[head]), Number(ifNormal[head])];
      out.push({ layer: layers[i] ?? 0, head, weights, concentration: measured, ifNormal: normal });
    }
  }
  await program.release();
  return out;
}
