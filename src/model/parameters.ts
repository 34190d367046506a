// Every parameter of a model: name, shape, first value, in the order of its files.
import { OptionError } from "../errors.ts";
import type { Parameter } from "../nn/index.ts";
import { mixerOf } from "./attention-config.ts";
import { type CausalLMConfig, layerAttention, layerOf } from "./config.ts";
import { type MapConfig, mapOf } from "./linear.ts";
import { mapConfigOf } from "./map-rules.ts";
import type { Matrix } from "./mixer.ts";
import { mlpParameters } from "./mlp.ts";
import { NORM_PLACES } from "./norms.ts";

/** Deviation of fresh tables and matrices: Radford et al. 2019, section 2.3. */
const STD = 0.02;

/** Matrices and other parameters by name, before maps have leaves. */
type Listed = readonly (readonly [name: string, Matrix | Parameter])[];

/** What a model is made of. */
function listed(config: CausalLMConfig): Listed {
  const { width: C, vocabulary: V, bias } = config;
  const table = (rows: number): Parameter => ({ shape: [rows, C], init: { std: STD } });
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
  return [
    ["model.embed_tokens.weight", table(V)],
    ...(config.position.type === "learned"
      ? ([["model.embed_positions.weight", table(config.context)]] as const)
      : []),
    ...Array.from({ length: config.layers }, (_, i) => block(i)).flat(),
    ...norm("model.norm"),
    ...(config.tieEmbeddings ? [] : ([["lm_head", { out: V, from: C }]] as const)),
  ];
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
  const residual = 1 / Math.sqrt(2 * config.layers);
  const all = new Map<string, Parameter>();
  for (const [name, p] of listed(config)) {
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

/** A tree from leaves by name, as `parameterTree` makes it. */
export function treeOf(leaves: Iterable<readonly [name: string, leaf: unknown]>): unknown {
  const root: Record<string, unknown> = {};
  for (const [name, leaf] of leaves) {
    const path = name.split(".");
    const last = path.pop() ?? "";
    let node = root;
    path.forEach((key, i) => {
      const next = /^\d+$/.test(path[i + 1] ?? last) ? [] : {};
      node = (node[key] ??= next) as Record<string, unknown>;
    });
    node[last] = leaf;
  }
  return root;
}
