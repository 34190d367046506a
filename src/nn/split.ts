// Parameters that are trained, and those that are not: the latter are closed over, so that they become constants of the
// compiled program, which the runtime packs for speed and never differentiates.
import { OptionError } from "../errors.ts";
import { flattenTree, mapTree, type Tensor } from "../tensor/index.ts";

/** Leaves by the names they have in the whole tree. */
export type Leaves = Readonly<Record<string, Tensor>>;

/**
 * The leaves of `params` whose names `isTrained` takes, and the others.
 * @example
 * const { trained, frozen } = splitParams(params, (name) => name.includes("lora_"));
 * const step = compile((trained, batch) => loss(joinParams(params, trained, frozen), batch)); // frozen: constants
 */
export function splitParams(
  params: unknown,
  isTrained: (name: string) => boolean,
): { readonly trained: Leaves; readonly frozen: Leaves } {
  const all = flattenTree(params);
  return {
    trained: Object.fromEntries(all.filter(([name]) => isTrained(name))),
    frozen: Object.fromEntries(all.filter(([name]) => !isTrained(name))),
  };
}

/** The tree `like` with the leaves of `parts` in place of its own. @throws OptionError for a leaf that none has. */
export function joinParams<P>(like: P, ...parts: readonly Leaves[]): P {
  return mapTree(like, (_, name) => {
    const leaf = parts.find((part) => part[name] !== undefined)?.[name];
    if (leaf === undefined)
      throw new OptionError(`joinParams: "${name}" must be in one of the parts, got none.`);
    return leaf;
  }) as P;
}
