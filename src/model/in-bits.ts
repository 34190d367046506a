// A model whose matrices are in few bits: parameters in, parameters out, of the same configuration.
import { toNbit } from "../quantize/index.ts";
import { evaluate, flattenTree, type Tensor } from "../tensor/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";
import { matrixNames, treeOf } from "./parameters.ts";

/**
 * `params` with every plain matrix as `{codes, scales}` of 8 or 4 bits, the head included: a tied one gets codes of its own
 * beside the table. Maps of other kinds, and matrices whose input is no multiple of 32, stay as they are.
 */
export async function inBits(
  config: CausalLMConfig,
  params: CausalLMParams,
  bits: 4 | 8,
): Promise<CausalLMParams> {
  const ready = await evaluate(params);
  const plain = new Set(matrixNames(config).map((name) => `${name}.weight`));
  const leaves: [string, Tensor][] = [];
  const add = async (name: string, w: Tensor): Promise<void> => {
    const [out, from] = w.shape.map(Number) as [number, number];
    const { codes, scales } = toNbit((await w.data()) as Float32Array, out, from, bits);
    leaves.push([`${name}.codes`, codes], [`${name}.scales`, scales]);
  };
  const fits = (w: Tensor): boolean => w.dtype === "float32" && Number(w.shape[1]) % 32 === 0;
  for (const [name, w] of flattenTree(ready)) {
    if (plain.has(name) && fits(w)) await add(name.slice(0, -".weight".length), w);
    else leaves.push([name, w]);
  }
  const table = ready.model.embed_tokens["weight"];
  if (!ready.lm_head && table && fits(table)) await add("lm_head", table);
  return treeOf(leaves) as CausalLMParams;
}
