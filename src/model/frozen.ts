// A base in few bits for fine-tuning: parameters in, parameters out.
import { treeOf } from "../nn/index.ts";
import { toFrozen } from "../quantize/index.ts";
import { evaluate, flattenTree, type Tensor } from "../tensor/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import { maps } from "./linear.ts";

/** Tables feed every layer and make the logits: they keep 8 bits. */
const TABLE = /(^|\.)embed_\w+\.weight$/;

/**
 * `params` with every plain matrix and table as `{frozen, scales}` of 8 or 4 bits, tables of 8. Vectors, and matrices whose
 * input is no multiple of 32, stay as they are.
 */
export async function frozenInBits(params: CausalLMParams, bits: 4 | 8): Promise<CausalLMParams> {
  const leaves: [string, Tensor][] = [];
  for (const [name, leaf] of flattenTree(params)) {
    const [out = 0, from = 0] = leaf.shape.map(Number);
    if (!name.endsWith(".weight") || leaf.rank !== 2 || leaf.dtype !== "float32" || from % 32 !== 0) {
      leaves.push([name, leaf]);
      continue;
    }
    const data = (await (await evaluate(leaf)).data()) as Float32Array;
    const { frozen, scales } = toFrozen(data, out, from, TABLE.test(name) ? 8 : bits);
    const node = name.slice(0, -".weight".length);
    leaves.push([`${node}.frozen`, frozen], [`${node}.scales`, scales]);
  }
  return treeOf(leaves) as CausalLMParams;
}

/** `params` with the dequantised `weight` of everything frozen, not computed before it is asked for. */
export function thawed(params: CausalLMParams): CausalLMParams {
  const all = new Map(flattenTree(params));
  return treeOf(
    [...all].flatMap(([name, leaf]): [string, Tensor][] => {
      const node = /^(.*)\.frozen$/.exec(name)?.[1];
      if (node === undefined) {
        return name.endsWith(".scales") && all.has(`${name.slice(0, -"scales".length)}frozen`)
          ? []
          : [[name, leaf]];
      }
      const scales = all.get(`${node}.scales`);
      return scales ? [[`${node}.weight`, maps.toDense({ frozen: leaf, scales })]] : [];
    }),
  ) as CausalLMParams;
}

/** The frozen leaves of a base by name: what a compiled step is given, so that they are not unfolded as constants. */
export function frozenLeaves(params: CausalLMParams): Record<string, Tensor> {
  return Object.fromEntries(
    flattenTree(params).filter(([name]) => name.endsWith(".frozen") || name.endsWith(".scales")),
  );
}
