// Derivatives of the ops that hold programs.
import { isFloat } from "../graph/dtype.ts";
import { type OpAttributes, typeOf, type Value } from "../graph/value.ts";
import { argument, captures, instantiate } from "./body.ts";
import type { RuleContext } from "./rule.ts";
import { apply, item, items, type Tensor, zeros } from "./tensor.ts";

const floats = (values: readonly Value[]): Value[] => values.filter((v) => isFloat(typeOf(v).dtype));
const zerosFor = (v: Value): Tensor => zeros(typeOf(v).shape, { dtype: typeOf(v).dtype });

/** Runs the program again on inputs that wait for the cotangent, then differentiates that run. */
export function recomputeRule(c: RuleContext<OpAttributes["recompute"]>): (Tensor | null)[] {
  const { body } = c.attributes;
  const signal = c.all.find((g) => g !== null && !g.shape.includes(0));
  const own = c.inputs.slice(0, body.parameters.length);
  const outer = c.inputs.slice(body.parameters.length);
  // Without elements in any cotangent there is nothing to compute, hence nothing to wait for; and what is computed from
  // whole numbers and flags alone may be shared with the first run.
  const late = own.map((x) =>
    signal && isFloat(x.dtype) ? apply("barrier", [x, signal], {}) : apply("alias", [x], {}),
  );
  const results = instantiate(body, late);
  const sources = [...late, ...outer];
  const live = results.map((_, i) => i).filter((i) => c.all[i]);
  const grads = c.backward(
    live.map((i) => results[i] as Value),
    live.map((i) => c.all[i] as Tensor),
    floats(sources),
  );
  return spread(sources, grads);
}

/** Through the definition: what the kernel computed is computed again in the ops that have rules. */
export function fusedRule(c: RuleContext<OpAttributes["fused"]>): (Tensor | null)[] {
  const { body } = c.attributes;
  // Under identities of their own, since one tensor may be several inputs.
  const own = c.inputs.slice(0, body.parameters.length).map((x) => apply("alias", [x], {}));
  const sources = [...own, ...c.inputs.slice(own.length)];
  return spread(sources, c.backward(instantiate(body, own), [c.g], floats(sources)));
}

/** Gradients of the float values among `values`, `null` for the others. */
function spread(values: readonly Value[], grads: readonly Tensor[]): (Tensor | null)[] {
  let next = 0;
  return values.map((v) => (isFloat(typeOf(v).dtype) ? (grads[next++] ?? null) : null));
}

/**
 * The loop backwards: cotangents of the carry run from the last step to the first, those of what the body uses
 * from outside add up on the way, and the carry before each step was kept by the forward loop.
 */
export function scanRule(c: RuleContext<OpAttributes["scan"]>): (Tensor | null)[] {
  const { body, carries, scanned, reverse, length } = c.attributes;
  const carryIn = body.parameters.slice(0, carries);
  const xIn = body.parameters.slice(carries);
  const carryOut = body.results.slice(0, carries);
  const yOut = body.results.slice(carries);
  const outer = c.inputs.slice(carries + scanned);
  const outputs = items(c.y);

  const dCarry = floats(carryIn).map((v) => argument(typeOf(v)));
  const dOuter = floats(outer).map((v) => argument(typeOf(v)));
  // Cotangents of stacked results (and of the kept carries, in derivatives of derivatives), where any flows.
  const live = c.all.map((g, i) => ({ g, i })).filter(({ g, i }) => g !== null && i >= carries);
  const slots = live.map(({ g, i }) => ({
    i,
    argument: argument({ dtype: g?.dtype ?? "float32", shape: g?.shape.slice(1) ?? [] }),
  }));
  const cotangentOf = (i: number): Tensor | undefined => slots.find((s) => s.i === i)?.argument;

  const results: Value[] = [];
  const cotangents: Tensor[] = [];
  floats(carryOut).forEach((v, i) => {
    results.push(v);
    cotangents.push(dCarry[i] as Tensor);
  });
  yOut.forEach((v, i) => {
    const g = cotangentOf(carries + i);
    if (!g) return;
    results.push(v);
    cotangents.push(g);
  });
  const sources = [...floats(carryIn), ...floats(xIn), ...floats(outer)];
  const grads = c.backward(results, cotangents, sources);
  const nCarry = floats(carryIn).length;
  const nX = floats(xIn).length;
  const kept = carries + yOut.length;
  let f = -1;
  const newCarry = carryIn.flatMap((v, i) => {
    if (!isFloat(typeOf(v).dtype)) return [];
    f++;
    const extra = cotangentOf(kept + i);
    const g = grads[f] as Tensor;
    return [extra ? g.add(extra) : g];
  });
  const newOuter = dOuter.map((d, i) => d.add(grads[nCarry + nX + i] as Tensor));
  const dX = grads.slice(nCarry, nCarry + nX);

  const before = carryIn.map((_, i) => outputs[kept + i] as Tensor);
  const parameters = [...dCarry, ...dOuter, ...carryIn, ...xIn, ...slots.map((s) => s.argument)];
  const backwards = [...newCarry, ...newOuter, ...dX];
  const node = apply(
    "scan",
    [
      ...carryIn.flatMap((v, i) => (isFloat(typeOf(v).dtype) ? [c.all[i] ?? zerosFor(v)] : [])),
      ...floats(outer).map(zerosFor),
      ...before,
      ...c.inputs.slice(carries, carries + scanned),
      ...live.map(({ g }) => g as Tensor),
      ...captures(backwards, parameters),
    ],
    {
      body: { parameters, results: backwards },
      carries: nCarry + dOuter.length,
      scanned: carries + scanned + slots.length,
      reverse: !reverse,
      length,
    },
  );
  return [
    ...spread(
      carryIn,
      range(0, nCarry).map((i) => item(node, i)),
    ),
    ...spread(
      xIn,
      range(nCarry + dOuter.length, nX).map((i) => item(node, i)),
    ),
    ...spread(
      outer,
      range(nCarry, dOuter.length).map((i) => item(node, i)),
    ),
  ];
}

function range(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + i);
}
