// Trees: plain nested objects and arrays of tensors. Names join keys with dots (`blocks.3.attention.wq`) and
// are the names in checkpoints, errors and gradients.
import { OptionError } from "../errors.ts";
import { Tensor } from "./tensor.ts";

/** Leaves of type `L`, nested in objects and arrays. */
export type Tree<L = Tensor> = L | readonly Tree<L>[] | { readonly [key: string]: Tree<L> };

/** The tree `T` with its tensors replaced by `L`. */
export type Mapped<T, L> = T extends Tensor
  ? L
  : T extends readonly unknown[]
    ? { [K in keyof T]: Mapped<T[K], L> }
    : T extends object
      ? { [K in keyof T]: Mapped<T[K], L> }
      : T;

/** Name and leaf, in the order of the keys. */
export type Leaf = [name: string, leaf: Tensor];

/** All tensors of `tree` with their names; values that are no tensors are passed over. */
export function flattenTree(tree: unknown, prefix = ""): Leaf[] {
  if (tree instanceof Tensor) return [[prefix, tree]];
  if (tree === null || typeof tree !== "object") return [];
  return Object.entries(tree).flatMap(([key, value]) =>
    flattenTree(value, prefix === "" ? key : `${prefix}.${key}`),
  );
}

/** The tensors of `tree`, without names. */
export function leaves(tree: unknown): Tensor[] {
  return flattenTree(tree).map(([, leaf]) => leaf);
}

/** `tree` with `f` applied to each tensor; all else is kept. */
export function mapTree<T, L>(tree: T, f: (leaf: Tensor, name: string) => L, prefix = ""): Mapped<T, L> {
  if (tree instanceof Tensor) return f(tree, prefix) as Mapped<T, L>;
  if (tree === null || typeof tree !== "object") return tree as Mapped<T, L>;
  const below = (key: string): string => (prefix === "" ? key : `${prefix}.${key}`);
  if (Array.isArray(tree)) {
    return tree.map((v, i) => mapTree(v as unknown, f, below(String(i)))) as Mapped<T, L>;
  }
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [key, mapTree(value as unknown, f, below(key))]),
  ) as Mapped<T, L>;
}

/** `tree` with its tensors replaced, in order, by `leaves`. @throws OptionError when the counts differ. */
export function unflattenTree<T, L>(tree: T, replacements: readonly L[]): Mapped<T, L> {
  let next = 0;
  const out = mapTree(tree, (_, name) => {
    const leaf = replacements[next++];
    if (leaf === undefined) {
      throw new OptionError(`unflattenTree: a leaf for "${name}" is missing, got ${replacements.length}.`);
    }
    return leaf;
  });
  if (next !== replacements.length) {
    throw new OptionError(`unflattenTree: tree holds ${next} leaves, got ${replacements.length}.`);
  }
  return out;
}

/** Two trees of one structure, leaf by leaf. @throws OptionError naming the first leaf that is missing. */
export function zipTrees<T, L>(a: T, b: unknown, f: (x: Tensor, y: Tensor, name: string) => L): Mapped<T, L> {
  const others = new Map(flattenTree(b));
  return mapTree(a, (x, name) => {
    const y = others.get(name);
    if (y === undefined) throw new OptionError(`zipTrees: "${name}" is missing from the second tree.`);
    return f(x, y, name);
  });
}
