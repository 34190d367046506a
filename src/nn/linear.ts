// A linear map and what every kind of it has in common: plain leaves, known by their names.
import { checkShapes, matmul, type Tensor } from "../tensor/index.ts";
import { embedding } from "./embedding.ts";
import type { Parameter } from "./parameter.ts";

/** Weight `[O, I]` (row per output, as checkpoints store it) and optional bias `[O]`. */
export type LinearParams = {
  readonly weight: Tensor;
  readonly bias?: Tensor;
};

/** Leaves of a linear map of any kind: `{weight}`, `{left, right}`, `{codes, scales}` …, with a bias where it has one. */
export interface MapParams {
  readonly bias?: Tensor;
  readonly [leaf: string]: Tensor | undefined;
}

/**
 * A kind of linear map. `C` is what a configuration says of it, `P` its leaves without the bias, which is the same for
 * all kinds.
 */
export interface LinearMap<C extends { readonly type: string }, P> {
  readonly type: C["type"];
  /** The leaf that tells this kind from the others. */
  readonly leaf: string;
  /**
   * Its leaves for a map of `from` numbers to `out`. @param std Deviation that the elements of its dense form begin
   * with. @throws OptionError where it cannot have these sizes.
   */
  parameters(config: C, out: number, from: number, std: number): Readonly<Record<string, Parameter>>;
  /** `x Wᵀ`. @param x `[…, I]`. @returns `[…, O]`. */
  apply(params: P, x: Tensor): Tensor;
  /** `W` `[O, I]`: to merge, to export, to look at. */
  toDense(params: P): Tensor;
  /** Rows of `W`, as a table is read; default: of its dense form. @param ids `[…]`, int32. @returns `[…, I]`. */
  rows?(params: P, ids: Tensor): Tensor;
}

/** How maps are applied, for functions that are given it: any kind, bias included. */
export interface Maps {
  apply(params: MapParams, x: Tensor): Tensor;
  toDense(params: MapParams): Tensor;
  rows(params: MapParams, ids: Tensor): Tensor;
}

/** The plain matrix. */
export const dense: LinearMap<{ readonly type: "dense" }, { readonly weight: Tensor }> = {
  type: "dense",
  leaf: "weight",
  parameters: (_, out, from, std) => ({ weight: { shape: [out, from], init: { std } } }),
  apply: ({ weight }, x) => linear({ weight }, x),
  toDense: ({ weight }) => weight,
};

/** Maps of plain matrices only. */
export const plainMaps: Maps = {
  apply: linear,
  toDense: ({ weight }: LinearParams) => weight,
  rows: ({ weight }: LinearParams, ids) => embedding({ weight }, ids),
};

/** `x Wᵀ + b`. @param x `[…, I]`. @returns `[…, O]`. */
export function linear({ weight, bias }: LinearParams, x: Tensor): Tensor {
  checkShapes("linear", { weight: [weight, "O I"], ...(bias && { bias: [bias, "O"] }) });
  const y = matmul(x, weight, { transposeB: true });
  return bias ? y.add(bias) : y;
}
