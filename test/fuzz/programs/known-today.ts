// What random programs leave out. First what has no right answer to hold against; then what is known to be wrong today
// (cases §1): a line of the second kind goes when the library is mended.
import type { Rounding } from "../../reference/dual.ts";
import {
  type Arg,
  type Inner,
  isFloatKind,
  type Program,
  runProgram,
  type Scope,
  type Step,
  type Val,
} from "../../reference/program.ts";
import { reads } from "./reads.ts";

type Rule = (step: Step, scope: Scope) => boolean;

/** Powers of 0 and of negative numbers by exponents that are computed: a rounding decides. */
const roughPower: Rule = ({ fn, args }, scope) => {
  if (fn !== "pow") return false;
  const [base, exponent] = args;
  if (typeof exponent === "number") return false;
  const bases = valueOf(base, scope)?.data;
  return bases === undefined || bases.some((x) => x.v <= 0.01);
};

const UNDECIDED: readonly Rule[] = [roughPower];

/** Variables that a body reads from outside. */
function captured(inner: Inner): boolean {
  const inside = new Set(inner.parameters);
  for (const step of inner.steps) for (const { id } of step.outs) inside.add(id);
  for (const step of inner.steps) for (const id of step.inner?.parameters ?? []) inside.add(id);
  return [...inner.steps.flatMap(reads), ...inner.results].some((id) => !inside.has(id) && !ownOf(inner, id));
}

/** Whether `id` belongs to a body inside of `inner`. */
function ownOf(inner: Inner, id: number): boolean {
  return inner.steps.some(
    ({ inner: deep }) =>
      deep !== undefined &&
      (deep.parameters.includes(id) ||
        deep.steps.some((s) => s.outs.some((o) => o.id === id)) ||
        ownOf(deep, id)),
  );
}

const holds = (step: Step, fn: string): boolean =>
  step.inner?.steps.some((s) => s.fn === fn || holds(s, fn)) ?? false;

const UNFOLDED = [
  "equal",
  "notEqual",
  "less",
  "lessEqual",
  "greater",
  "greaterEqual",
  "pow",
  "minimum",
  "maximum",
].concat("and", "or", "xor");

const valueOf = (arg: Arg | undefined, scope: Scope): Val | undefined =>
  typeof arg === "object" && "ref" in arg ? scope.get(arg.ref as number) : undefined;

/** Whether all elements are one number. */
function uniform(arg: Arg, scope: Scope): boolean {
  const data = valueOf(arg, scope)?.data;
  return data === undefined || data.every((x) => x.v === data[0]?.v);
}

/** Known today; each with its row in cases §1. */
const WRONG: readonly Rule[] = [
  // "values made inside the body from outside tensors alone get no cotangent"
  ({ fn, inner }) => fn === "checkpoint" && inner !== undefined && captured(inner),
  // Found 3: arguments of checkpoint that are no floats.
  ({ fn, args }, scope) =>
    fn === "checkpoint" && args.some((a) => !isFloatKind(valueOf(a, scope)?.dtype ?? "bool")),
  // "scan around checkpoint does not lower"
  (step) => step.fn === "scan" && holds(step, "checkpoint"),
  // Found 1: two repeated numbers under a function that does not fold them.
  ({ fn, args }, scope) => UNFOLDED.includes(fn) && args.length === 2 && args.every((a) => uniform(a, scope)),
  // Found 2: any of nothing.
  ({ fn, args }, scope) => (fn === "any" || fn === "all") && valueOf(args[0], scope)?.data.length === 0,
  // "checkpoint whose first result is empty"
  (step, scope) =>
    step.fn === "checkpoint" &&
    (step.args.some(
      (a) => typeof a === "object" && "ref" in a && scope.get(a.ref as number)?.data.length === 0,
    ) ||
      (step.inner?.results.length ?? 0) === 0),
];

/** Whether `program` may not stand inside `checkpoint` as a whole (the same rows). */
export function avoidedInCheckpoint(program: Program): boolean {
  const scope = runProgram(program, QUIET);
  const empty = (id: number): boolean => scope.get(id)?.data.length === 0;
  return (
    program.inputs.some((x) => !isFloatKind(x.dtype)) ||
    program.results.some(empty) ||
    program.steps.some((s) => s.fn === "checkpoint" || holds(s, "checkpoint"))
  );
}

const QUIET: Rounding = { unit: {}, loose: 0, next: () => 0, fragile: () => undefined };

/** Whether programs leave `step` out. */
export function avoided(step: Step, scope: Scope): boolean {
  return UNDECIDED.some((rule) => rule(step, scope)) || WRONG.some((rule) => rule(step, scope));
}
