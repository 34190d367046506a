// An adapter worked into its matrices, taken out again, and the proof that both are the same model.
import { OptionError } from "../errors.ts";
import { treeOf } from "../nn/index.ts";
import { abs, evaluate, flattenTree, max, type Tensor } from "../tensor/index.ts";
import { dora, type DoraParams } from "./dora.ts";
import { loraDelta, type LoraParams, tableDelta } from "./lora.ts";
import { adapterOf, isAdapterLeaf } from "./wrap.ts";

/** A model without adapter leaves, and what is needed to undo that exactly. */
export interface Merged<P> {
  /** Of the same names as the base. */
  readonly params: P;
  /** Leaves as they were: the changed weights, and the adapter. */
  readonly kept: Readonly<Record<string, Tensor>>;
}

/** Weights plus their changes, computed. @throws OptionError for a model that wears no adapter. */
export async function merge<P>(model: P): Promise<Merged<P>> {
  const kept: Record<string, Tensor> = { ...adapterOf(model) };
  if (Object.keys(kept).length === 0)
    throw new OptionError("merge: the model must wear an adapter, got none.");
  const all = new Map(flattenTree(model));
  const leaf = (name: string): Tensor => {
    const found = all.get(name);
    if (found === undefined) throw new OptionError(`merge: "${name}" must be there, got nothing.`);
    return found;
  };
  const out: [string, Tensor][] = [];
  for (const [name, weight] of all) {
    if (isAdapterLeaf(name)) continue;
    const node = name.slice(0, name.lastIndexOf(".") + 1);
    const isWeight = name === `${node}weight`;
    const matrix = isWeight && all.has(`${node}lora_A`);
    if (!matrix && !(isWeight && all.has(`${node}lora_embedding_A`))) {
      out.push([name, weight]);
      continue;
    }
    kept[name] = weight;
    const pick = (...leaves: string[]): Record<string, Tensor> =>
      Object.fromEntries(leaves.filter((l) => all.has(node + l)).map((l) => [l, leaf(node + l)]));
    if (all.has(`${node}lora_magnitude`)) {
      const worn = { weight, ...pick("lora_A", "lora_B", "lora_scale", "lora_magnitude") };
      out.push([name, await evaluate(dora.toDense(worn as DoraParams))]);
      continue;
    }
    const delta = matrix
      ? loraDelta(pick("lora_A", "lora_B", "lora_scale", "lora_A0", "lora_B0") as Omit<LoraParams, "weight">)
      : tableDelta(pick("lora_embedding_A", "lora_embedding_B", "lora_scale"));
    out.push([name, await evaluate(weight.add(delta))]);
  }
  return { params: treeOf(out) as P, kept };
}

/** The model as it was before `merge`, bit by bit: the leaves that were kept, not a subtraction. */
export function unmerge<P>({ params, kept }: Merged<P>): P {
  return treeOf([...new Map([...flattenTree(params), ...Object.entries(kept)])]) as P;
}

/** Largest differences of what two models give. */
export interface MergeReport {
  /** Between the model that wears the adapter and the merged one. */
  readonly difference: number;
  /** Between the merged model and the base: what the adapter does. */
  readonly change: number;
}

/**
 * Runs all three models and compares.
 * @param run What is compared, such as the logits of some text. @param most Largest difference that is allowed, as a part
 * of the largest absolute value of the outputs; default 1e-4.
 * @throws OptionError when the adapter changes nothing, or the merged model gives something else than the adapted one.
 */
export async function verifyMerge<P>(
  run: (params: P) => Tensor,
  { base, adapted, merged }: { readonly base: P; readonly adapted: P; readonly merged: P },
  { most = 1e-4 }: { readonly most?: number } = {},
): Promise<MergeReport> {
  const [plain, worn, joined] = [run(base), run(adapted), run(merged)];
  const largest = (t: Tensor): Tensor => max(abs(t));
  const ready = await evaluate([largest(worn.sub(joined)), largest(joined.sub(plain)), largest(worn)]);
  const [difference = 0, change = 0, size = 0] = await Promise.all(ready.map((t) => t.item()));
  if (!(change > 0))
    throw new OptionError(`verifyMerge: the adapter must change the model, got a change of ${change}.`);
  if (!(difference <= most * size)) {
    throw new OptionError(
      `verifyMerge: the merged model must give what the adapted one does within ${most * size}, got a difference of ${difference}.`,
    );
  }
  return { difference, change };
}
