// Every parameter of a model: name, shape, first value, in the order of its files.
import { OptionError } from "../errors.ts";
import { type Parameter, treeOf } from "../nn/index.ts";
import { mixerOf } from "./attention-config.ts";
import { type BlocksConfig, type CausalLMConfig, layerAttention, layerOf } from "./config.ts";
import { type MapConfig, mapOf } from "./linear.ts";
import { mapConfigOf } from "./map-rules.ts";
import type { Matrix } from "./mixer.ts";
import { mlpParameters } from "./mlp.ts";
import { NORM_PLACES } from "./norms.ts";

/** Deviation of fresh tables and matrices: Radford et al. 2019, section 2.3. */
const STD = 0.02;

/** Matrices and other parameters by name, before maps have leaves. */
export type Listed = readonly (readonly [name: string, Matrix | Parameter])[];

/** A table of `rows` vectors, as they begin. */
export function table(rows: number, { width }: Pick<BlocksConfig, "width">): Parameter {
  return { shape: [rows, width], init: { std: STD } };
}

/** What a model is made of. */
function listed(config: CausalLMConfig): Listed {
  const { width: C, vocabulary: V } = config;
  return [
    ["model.embed_tokens.weight", table(V, config)],
    ...(config.position.type === "learned"
      ? ([["model.embed_positions.weight", table(config.context, config)]] as const)
      : []),
    ...listedBlocks(config),
    ...(config.tieEmbeddings ? [] : ([["lm_head", { out: V, from: C }]] as const)),
  ];
}

/** The blocks of a model and the norm behind them. */
export function listedBlocks(config: BlocksConfig): Listed {
  const { width: C, bias } = config;
  const norm = (name: string): Listed => [
    [`${name}.weight`, { shape: [C], init: "ones" }],
    ...(config.norm === "layer" && bias === "all"
      ? ([[`${name}.bias`, { shape: [C], init: "zeros" }]] as const)
      : []),
  ];
  const under = (at: string, all: Readonly<Record<string, Matrix | Parameter>>): Listed =>
    Object.entries(all).map(([name, p]) => [`${at}.${name}`, p]);
  const block = (i: number): Listed => {
    const at = `model.layers.${i}`;
    const attention = layerAttention(config, i);
    const { mixer, mlp } = NORM_PLACES[config.norms ?? "before"];
    const placed = (name: string | undefined): Listed => (name === undefined ? [] : norm(`${at}.${name}`));
    return [
      ...placed(mixer.before),
      ...under(`${at}.self_attn`, mixerOf(attention).parameters(attention, layerOf(config, i))),
      ...placed(mixer.after),
      ...placed(mlp.before),
      ...under(`${at}.mlp`, mlpParameters(config)),
      ...placed(mlp.after),
    ];
  };
  return [...Array.from({ length: config.layers }, (_, i) => block(i)).flat(), ...norm("model.norm")];
}

/** Names of all linear maps, without their leaves. */
export function matrixNames(config: CausalLMConfig): string[] {
  return listed(config).flatMap(([name, p]) => ("out" in p ? [name] : []));
}

/**
 * Every parameter by name. Matrices and tables begin normal with deviation 0.02, projections back into the residual
 * stream divided by `√(2·layers)` (Radford et al. 2019, section 2.3), gains one, biases zero; mixers say what theirs do.
 */
export function parametersOf(config: CausalLMConfig): Map<string, Parameter> {
  return withLeaves(config, listed(config));
}

/** Leaves of all matrices of `parts`, as the maps of `config` have them. */
export function withLeaves(
  config: Pick<BlocksConfig, "layers" | "maps">,
  parts: Listed,
): Map<string, Parameter> {
  const residual = 1 / Math.sqrt(2 * config.layers);
  const all = new Map<string, Parameter>();
  for (const [name, p] of parts) {
    if (!("out" in p)) {
      all.set(name, p);
      continue;
    }
    const std = STD * (p.init === "residual" ? residual : 1);
    const map = mapConfigOf(config.maps, name);
    for (const [leaf, parameter] of leavesOf(name, map, p, std)) all.set(`${name}.${leaf}`, parameter);
    if (p.bias) all.set(`${name}.bias`, { shape: [p.out], init: "zeros" });
  }
  return all;
}

/** Leaves of one matrix. @throws OptionError naming it where its map cannot have its sizes. */
function leavesOf(name: string, map: MapConfig, { out, from }: Matrix, std: number): [string, Parameter][] {
  try {
    return Object.entries(mapOf(map).parameters(map, out, from, std));
  } catch (error) {
    throw error instanceof OptionError ? new OptionError(`causalLM: ${name}: ${error.message}`) : error;
  }
}

/** Number of parameters, codebooks included. */
export function parameterCount(config: CausalLMConfig): number {
  let count = 0;
  for (const { shape } of parametersOf(config).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/** A tree of parameters from leaves by name; whole numbers in names are places in an array. */
export function parameterTree(
  config: CausalLMConfig,
  leaf: (name: string, parameter: Parameter) => unknown,
): unknown {
  return treeOf([...parametersOf(config)].map(([name, parameter]) => [name, leaf(name, parameter)]));
}
