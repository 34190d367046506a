// Reverse mode: from the cotangents of results to those of the values they were computed from.
import { DtypeError, ShapeError } from "../errors.ts";
import { sameShape } from "../graph/dim.ts";
import { isFloat } from "../graph/dtype.ts";
import { attributesOf, typeOf, type Value } from "../graph/value.ts";
import { pullBack } from "./gradients.ts";
import { type Tensor, zeros } from "./tensor.ts";

/** Values that `roots` reach and that depend on one of `sources`, users before inputs. */
function between(roots: readonly Value[], sources: ReadonlySet<Value>): Value[] {
  const order: Value[] = [];
  // What is older than every source depends on none.
  let oldest = Infinity;
  for (const s of sources) oldest = Math.min(oldest, s.id);
  const depends = new Map<Value, boolean>();
  // Iterative depth-first search: real programs are deeper than the call stack.
  const stack: { value: Value; next: number }[] = [];
  const visit = (v: Value): void => {
    if (!depends.has(v)) {
      depends.set(v, sources.has(v));
      stack.push({ value: v, next: 0 });
    }
  };
  for (const root of roots) {
    visit(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const whole = sources.has(top.value) || top.value.id < oldest;
      const child = whole ? undefined : top.value.inputs[top.next++];
      if (child !== undefined) {
        visit(child);
        continue;
      }
      stack.pop();
      const { value } = top;
      if (value.inputs.some((i) => depends.get(i))) depends.set(value, true);
      if (depends.get(value)) order.push(value);
    }
  }
  return order.reverse();
}

/**
 * Cotangents of `sources` when those of `results` are `cotangents`: `Σ cotangentᵢ · ∂resultᵢ/∂source`.
 * Sources that the results do not depend on get zeros.
 */
export function backward(
  results: readonly Value[],
  cotangents: readonly Tensor[],
  sources: readonly Value[],
): Tensor[] {
  const gradients = new Map<Value, (Tensor | null)[]>();
  const accumulate = (value: Value, index: number, g: Tensor): void => {
    const slots = gradients.get(value) ?? value.outputs.map(() => null);
    const before = slots[index] ?? null;
    slots[index] = before === null ? g : before.add(g);
    gradients.set(value, slots);
  };
  results.forEach((result, i) => {
    const g = cotangents[i];
    if (g === undefined) return;
    const { shape, dtype } = typeOf(result);
    if (!sameShape(g.shape, shape)) {
      throw new ShapeError(
        `vjp: cotangent must be [${shape.join(", ")}] as its result, got [${g.shape.join(", ")}].`,
      );
    }
    if (g.dtype !== dtype)
      throw new DtypeError(`vjp: cotangent must be ${dtype} as its result, got ${g.dtype}.`);
    accumulate(result, 0, g);
  });
  const wanted = new Set(sources);
  for (const value of between(results, wanted)) {
    const slots = gradients.get(value);
    if (slots === undefined || wanted.has(value)) continue;
    if (value.op === "item") {
      const [owner] = value.inputs;
      const g = slots[0];
      if (owner !== undefined && g) accumulate(owner, attributesOf(value, "item").index, g);
      continue;
    }
    const grads = pullBack(value, slots, backward);
    value.inputs.forEach((input, i) => {
      const g = grads[i];
      if (g && isFloat(typeOf(input).dtype)) accumulate(input, 0, g);
    });
  }
  return sources.map((source) => {
    const { shape, dtype } = typeOf(source);
    return gradients.get(source)?.[0] ?? zeros(shape, { dtype });
  });
}
