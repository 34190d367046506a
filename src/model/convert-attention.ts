// A model trained with exact keys, as Transformer-VQ: a codebook by K-means of its own keys, ReRoPE in place of RoPE, so
// that keys need no turn before they are snapped. Su 2023, https://kexue.fm/archives/9844
import { kMeansCodebook, codebookOf, lookUp, nearestCodes } from "../attention/index.ts";
import { OptionError } from "../errors.ts";
import type { PositionSpec } from "../position/index.ts";
import { evaluate, random, sum, square, type Tensor, tensor } from "../tensor/index.ts";
import { causalLM, type BlockParams, type CausalLMParams } from "./causal-lm.ts";
import { checkConfig } from "./check-config.ts";
import { type CausalLMConfig, layerAttention, layerOf } from "./config.ts";
import { type HeadParams, projectHeads } from "./heads.ts";
import type { TransformerVqConfig } from "./mixers/transformer-vq.ts";

export interface VqConversion {
  readonly config: CausalLMConfig;
  readonly params: CausalLMParams;
  /** Of each layer, `‖k − k̂‖ / ‖k‖` over the keys of the text. */
  readonly lost: readonly number[];
}

/** Tokens that are read at once. */
const ROW = 256;

/**
 * The model with its keys snapped to `codes` codes a head, found on the keys of `ids`; distances beyond `block` count as
 * `block`. Nothing is trained: going on with `train --from` recovers what is lost.
 * @param attention Its `codes`, `block` and `gradient`; heads are `plain`, as they were trained.
 * @throws OptionError for a model that is not dense attention under plain RoPE, and for a text too short.
 */
export async function convertToVq(
  config: CausalLMConfig,
  params: CausalLMParams,
  attention: TransformerVqConfig,
  ids: ArrayLike<number>,
  { seed = 0, steps = 10 }: { readonly seed?: number; readonly steps?: number } = {},
): Promise<VqConversion> {
  const { base, layout, fraction } = checkPlain(config);
  const { codes, block = 64 } = attention;
  const rows = Math.floor(ids.length / ROW);
  if (rows * ROW < codes) {
    throw new OptionError(
      `convert: the text must hold at least as many tokens as there are codes, ${codes}, in stretches of ${ROW}, got ${ids.length}. Give more text or fewer codes.`,
    );
  }
  const text = tensor(
    Int32Array.from({ length: rows * ROW }, (_, i) => ids[i] ?? 0),
    { shape: [rows, ROW] },
  );
  const position: PositionSpec = {
    type: "rerope",
    window: block,
    ...(base !== undefined && { base }),
    ...(layout !== undefined && { layout }),
    ...(fraction !== undefined && { fraction }),
  };
  // Keys as they are under the distances that the converted model will see.
  const near = { ...config, position };
  const inputs: Tensor[] = [];
  causalLM(near, params, text, { onLayer: (_, x) => inputs.push(x) });
  const key = random.key(seed);
  const layers: BlockParams[] = [];
  const lost: number[] = [];
  for (const [i, layer] of params.model.layers.entries()) {
    const x = inputs[i];
    if (!x) continue;
    const { k } = projectHeads(layerOf(config, i), layer.self_attn as HeadParams, x);
    const keys = await evaluate(k);
    const codebook = await evaluate(kMeansCodebook(keys, codes, { key: random.fold(key, i), steps }));
    const book = codebookOf(codebook);
    const snapped = lookUp(book, nearestCodes(keys, book));
    const [away, all] = [sum(square(keys.sub(snapped))), sum(square(keys))];
    lost.push(Math.sqrt((await away.item()) / (await all.item())));
    layers.push({ ...layer, self_attn: { ...layer.self_attn, codebook } });
  }
  const next: CausalLMConfig = { ...near, attention: { ...attention, heads: "plain" } };
  checkConfig(next);
  return { config: next, params: { ...params, model: { ...params.model, layers } }, lost };
}

/** The position of a model that can be converted. @throws OptionError with what stands in the way. */
function checkPlain(config: CausalLMConfig): Exclude<CausalLMConfig["position"], { type: "learned" }> {
  const refuse = (what: string): never => {
    throw new OptionError(
      `convert: transformer-vq can be made of dense attention under plain RoPE, got ${what}.`,
    );
  };
  const other = Array.from({ length: config.layers }, (_, i) => layerAttention(config, i).type).find(
    (type) => type !== "dense",
  );
  if (other !== undefined) return refuse(`${other} attention`);
  if (config.perLayer) return refuse("layers with positions of their own");
  if (config.headNorm) return refuse("norms of heads");
  if (config.scoreScale !== undefined) return refuse("scores of another scale");
  const { position } = config;
  if (position.type === "learned") return refuse("learned positions");
  const more = Object.keys(position).filter(
    (name) => !["type", "base", "layout", "fraction", "trainingLength"].includes(name),
  );
  if (position.type !== "rope") return refuse(`${position.type} positions`);
  return more.length > 0 ? refuse(`RoPE with ${more.join(", ")}`) : position;
}
