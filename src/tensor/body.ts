// Programs inside programs: what a body takes from outside, and a body on other inputs.
import {
  attributesOf,
  type Body,
  type CustomRule,
  type OpAttributes,
  type OpName,
  reach,
  type Type,
  type Value,
} from "../graph/value.ts";
import { Tensor } from "./tensor.ts";

/** A parameter of a body. */
export function argument(type: Type): Tensor {
  return new Tensor("argument", [], {}, [type]);
}

/** An identity not above that of anything that depends on one of `values`. */
function oldest(values: Iterable<Value>): number {
  let least = Infinity;
  for (const v of values) least = Math.min(least, v.id);
  return least;
}

/**
 * What `results` take from outside: the values that do not depend on `parameters`, at the point where they meet
 * values that do. Constants stay inside.
 */
export function captures(results: readonly Value[], parameters: readonly Value[]): Value[] {
  const since = oldest(parameters);
  const inside = new Set<Value>(parameters);
  // Inputs come before users, so one pass decides what depends on a parameter.
  const all = reach(results, (v) => v.id < since);
  for (const v of all) if (v.inputs.some((i) => inside.has(i))) inside.add(v);
  const outside = new Set<Value>();
  const consider = (v: Value): void => {
    if (!inside.has(v) && v.op !== "constant" && v.op !== "iota") outside.add(v);
  };
  for (const v of inside) for (const i of v.inputs) consider(i);
  for (const r of results) consider(r);
  return [...outside];
}

/**
 * The results of `body` on `inputs`, one per parameter, as values of the program around it. Only what depends on a
 * parameter is made anew; the rest, such as what the body takes from outside, stays the same value, so that
 * derivatives find it.
 */
export function instantiate(body: Body, inputs: readonly Value[]): Value[] {
  const changed = new Map<Value, Value>();
  body.parameters.forEach((p, i) => {
    const input = inputs[i];
    if (input !== undefined) changed.set(p, input);
  });
  return substitute(body.results, changed);
}

/** `roots` with the keys of `changed` replaced by its values; what had to be made anew is added to `changed`. */
function substitute(roots: readonly Value[], changed: Map<Value, Value>): Value[] {
  const since = oldest(changed.keys());
  for (const v of reach(roots, (x) => x.id < since || changed.has(x))) {
    if (changed.has(v) || !v.inputs.some((i) => changed.has(i))) continue;
    const inputs = v.inputs.map((i) => changed.get(i) ?? i);
    changed.set(v, new Tensor(v.op, inputs, attributesWith(v, changed), v.outputs));
  }
  return roots.map((v) => changed.get(v) ?? v);
}

/** The attributes of `v`, with what it holds of the program changed likewise. */
function attributesWith(v: Value, changed: Map<Value, Value>): OpAttributes[OpName] {
  if ("body" in v.attributes) {
    const { body } = v.attributes;
    // The values inside belong to this body alone.
    return { ...v.attributes, body: { ...body, results: substitute(body.results, new Map(changed)) } };
  }
  if (v.op !== "custom") return v.attributes;
  const { rule, outputs } = attributesOf(v, "custom");
  // What a rule closes over is one of the old values as well.
  const renewed: CustomRule = (...given) => {
    const answer = rule(...given);
    const known = new Map(changed);
    for (const own of given.flat()) known.set(own, own);
    return answer.map((g) => (g === null ? null : (substitute([g], known)[0] ?? g)));
  };
  return { outputs, rule: renewed };
}
