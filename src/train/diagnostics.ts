// What `train --diagnostics` measures of every update: its cosines with the gradient by block and as a whole, the change of
// the loss that they predict and the one that came, and the largest entry of an embedding.
import { type Alignment, alignmentOf, type RoleOf, sumsOf } from "../optim/index.ts";
import { abs, cast, flattenTree, max, maximum, type Tensor } from "../tensor/index.ts";
import type { Numbers } from "./task.ts";

/** Tensors that the compiled update gives back beside the state. */
export interface Measured {
  /** `[3, blocks]`; absent where no whole gradient is known. */
  readonly sums?: Tensor;
  /** Largest absolute entry of a table after the update. */
  readonly largest?: Tensor;
}

/** An update as it was. */
export interface UpdateReport {
  readonly alignment?: Alignment;
  /** Loss after the update minus before, on its own batch. */
  readonly actualChange?: number;
  readonly largestEmbedding?: number;
}

/** Largest absolute entry of all tables, if there are any. */
export function largestEntry(params: unknown, role: RoleOf | undefined): Tensor | undefined {
  const tables = flattenTree(params).filter(([name, p]) => role?.(name, p) === "table");
  const [first, ...rest] = tables.map(([, p]) => cast(max(abs(p)), "float32"));
  return rest.reduce((a, b) => maximum(a, b), first as Tensor);
}

/** Numbers of what was measured. */
export async function reportOf(
  { sums, largest }: Measured,
  names: readonly string[],
  losses: { readonly before: number; readonly after: number } | undefined,
): Promise<UpdateReport> {
  return {
    ...(sums && { alignment: alignmentOf(sumsOf(names, (await sums.data()) as Float64Array)) }),
    ...(losses && { actualChange: losses.after - losses.before }),
    ...(largest && { largestEmbedding: await largest.item() }),
  };
}

/** A line's worth of numbers; a cosine that is not defined is left out. */
export function diagnosticNumbers({ alignment, actualChange, largestEmbedding }: UpdateReport): Numbers {
  const known = (entries: Record<string, number | null | undefined>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(entries).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
    );
  const { global, mean, least, largest, kappa, predictedChange, blocks = [] } = alignment ?? {};
  return known({
    cosine: global,
    cosineMean: mean,
    cosineLeast: least,
    cosineLargest: largest,
    kappa,
    predictedChange,
    actualChange,
    largestEmbedding,
    ...Object.fromEntries(blocks.map(({ name, cosine }) => [`cosine.${name}`, cosine])),
  });
}
