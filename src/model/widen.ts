// Parameters as files of other programs want them: plain matrices, whatever maps they are here.
import type { MapParams } from "../nn/index.ts";
import { evaluate, flattenTree, type Tensor } from "../tensor/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import { MAP_LEAVES, maps } from "./linear.ts";
import { treeOf } from "./parameters.ts";

/** Every parameter by name, each map as its `weight`. */
export async function widenedLeaves(params: CausalLMParams): Promise<[name: string, leaf: Tensor][]> {
  const groups = new Map<string, Map<string, Tensor>>();
  for (const [name, leaf] of flattenTree(params)) {
    const dot = name.lastIndexOf(".");
    const at = name.slice(0, dot);
    const group = groups.get(at) ?? new Map<string, Tensor>();
    groups.set(at, group.set(name.slice(dot + 1), leaf));
  }
  const leaves: [string, Tensor][] = [];
  for (const [at, group] of groups) {
    if (!MAP_LEAVES.some((leaf) => group.has(leaf))) {
      for (const [leaf, t] of group) leaves.push([`${at}.${leaf}`, t]);
      continue;
    }
    leaves.push([`${at}.weight`, await evaluate(maps.toDense(Object.fromEntries(group) as MapParams))]);
    const bias = group.get("bias");
    if (bias) leaves.push([`${at}.bias`, bias]);
  }
  return leaves;
}

/** `params` with plain matrices only. */
export async function widened(params: CausalLMParams): Promise<CausalLMParams> {
  return treeOf(await widenedLeaves(params)) as CausalLMParams;
}
