// Indices that the host knows before a program runs. A GPU does not complain about those that are out of range.
import { OptionError } from "../errors.ts";
import type { OpName, Storage, Value } from "./value.ts";
import { attributesOf, reach, typeOf } from "./value.ts";

/** An input whose elements a program uses as they are to index an axis of `size`. */
export interface IndexUse {
  readonly input: Value;
  readonly size: number;
  /** Whose indices they are, for the message. */
  readonly what: string;
}

/** Ops that hand all their elements on, as they are. */
const SAME: ReadonlySet<OpName> = new Set<OpName>([
  "reshape",
  "transpose",
  "broadcast",
  "alias",
  "stopGradient",
]);

/** The axis of the first input that an op indexes. */
function indexedAxis(v: Value): number | undefined {
  if (v.op === "gather" || v.op === "takeAlongAxis" || v.op === "addAlongAxis")
    return attributesOf(v, v.op).axis;
  return v.op === "scatterAdd" ? 0 : undefined;
}

/** Where the program of `roots` indexes by elements of values that `isInput`. */
export function indexUses(roots: readonly Value[], isInput: (v: Value) => boolean): IndexUse[] {
  const uses: IndexUse[] = [];
  for (const v of reach(roots, isInput)) {
    const axis = isInput(v) ? undefined : indexedAxis(v);
    const [table] = v.inputs;
    if (axis === undefined || table === undefined) continue;
    let at = v.inputs[1];
    while (at && !isInput(at) && SAME.has(at.op)) at = at.inputs[0];
    const size = typeOf(table).shape[axis];
    if (!at || !isInput(at) || typeof size !== "number") continue;
    const { what = `${v.op}: indices` } = v.attributes as { readonly what?: string };
    const known = uses.some((u) => u.input === at && u.size <= size);
    if (!known) uses.push({ input: at, size, what });
  }
  return uses;
}

/** @throws OptionError for the first index in `storage` that is out of range. */
export function checkIndices({ size, what }: IndexUse, { host }: Storage): void {
  if (host === undefined) return;
  for (const index of host) {
    if (index >= 0 && index < size) continue;
    throw new OptionError(`${what} must be in [0, ${size}), got ${index}.`);
  }
}
