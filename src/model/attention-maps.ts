// What each head of a model looks at, and how much it concentrates.
import { concentration, repeatHeads } from "../attention/index.ts";
import { OptionError } from "../errors.ts";
import {
  and,
  broadcastTo,
  cast,
  clip,
  compile,
  exp,
  expandDims,
  full,
  greaterEqual,
  iota,
  lessEqual,
  matmul,
  mean,
  reshape,
  softmax,
  square,
  sum,
  takeAlongAxis,
  type Tensor,
  tensor,
  where,
} from "../tensor/index.ts";
import { causalLM, type CausalLMParams } from "./causal-lm.ts";
import { type CausalLMConfig, layerAttention } from "./config.ts";
import { type DenseParams, positionOfLayer, project, quantizedHeads } from "./mixer.ts";

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

const INSPECTED: readonly string[] = ["dense", "window", "transformer-vq"];

/** Scores far below any that a model makes stand for keys out of sight. */
const OUT_OF_SIGHT = -1e8;

/**
 * Attention weights of the layers with softmax over keys of their own (dense, window, transformer-vq) on `ids`.
 * @throws OptionError for a model without such layers.
 */
export async function attentionMaps(
  config: CausalLMConfig,
  params: CausalLMParams,
  ids: readonly number[],
): Promise<HeadMap[]> {
  const T = ids.length;
  const layers = Array.from({ length: config.layers }, (_, i) => i).filter((i) =>
    INSPECTED.includes(layerAttention(config, i).type),
  );
  if (layers.length === 0) {
    throw new OptionError(
      `inspect: the model must have layers whose attention is one of ${INSPECTED.join(", ")}, got ${layerAttention(config, 0).type}.`,
    );
  }
  const program = compile((input: Tensor) => {
    const maps: { weights: Tensor; spread: Tensor; ifNormal: Tensor }[] = [];
    causalLM(config, params, input, {
      onLayer: (layer, x) => {
        if (!layers.includes(layer)) return;
        const own = params.model.layers[layer]?.self_attn as DenseParams;
        const scores = scoresOf(config, own, layer, x, T);
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

/** Scores of one layer before the softmax, `[1, H, T, T]`, far below where a query may not look. */
function scoresOf(config: CausalLMConfig, params: DenseParams, layer: number, x: Tensor, T: number): Tensor {
  const a = layerAttention(config, layer);
  const places = iota(T);
  const distance = expandDims(places, 1).sub(expandDims(places, 0)); // [T, T]
  const R = config.heads / config.keyValueHeads;
  const scale = config.headWidth ** -0.5;
  const hide = (scores: Tensor, visible: Tensor): Tensor =>
    where(visible, scores, full([], 10 * OUT_OF_SIGHT));
  const causal = greaterEqual(distance, 0);
  if (a.type === "transformer-vq") {
    const { q, snapped, bias } = quantizedHeads(config, params, x);
    const farthest = Number(bias.shape.at(-1)) - 1;
    const column = broadcastTo(clip(distance.neg().add(farthest), 0, farthest), [1, config.heads, T, T]);
    const own = where(lessEqual(distance, farthest), takeAlongAxis(bias, column), full([], 0));
    return hide(matmul(q, repeatHeads(snapped.keys, R), { transposeB: true, scale }).add(own), causal);
  }
  const { q, k } = project(config, params, x);
  const scores = positionOfLayer(config, layer).scores(q, repeatHeads(k, R), places, places, scale);
  const near = a.type === "window" ? and(causal, lessEqual(distance, a.window - 1)) : causal;
  return hide(scores, near);
}
