// What random programs leave out. First what has no right answer to hold against; then what is known to be wrong today
// (cases §1): a line of the second kind goes when the library is mended.
import type { Arg, Scope, Step, Val } from "../../reference/program.ts";

type Rule = (step: Step, scope: Scope) => boolean;

const valueOf = (arg: Arg | undefined, scope: Scope): Val | undefined =>
  typeof arg === "object" && "ref" in arg ? scope.get(arg.ref as number) : undefined;

/** Powers of 0 and of negative numbers by exponents that are computed: a rounding decides. */
const roughPower: Rule = ({ fn, args }, scope) => {
  if (fn !== "pow") return false;
  const [base, exponent] = args;
  if (typeof exponent === "number") return false;
  const bases = valueOf(base, scope)?.data;
  return bases === undefined || bases.some((x) => x.v <= 0.01);
};

const UNDECIDED: readonly Rule[] = [roughPower];

/** float16 that is computed may stand in float32 on the CPU: compared with its own extreme it can come out unequal. */
const roughHalves: Rule = ({ fn, args }, scope) =>
  /^(?:equal|notEqual|less|lessEqual|greater|greaterEqual)$/.test(fn) &&
  args.some((arg) => valueOf(arg, scope)?.dtype === "float16");

/** Known today. */
const WRONG: readonly Rule[] = [roughHalves];

/** Whether programs leave `step` out. */
export function avoided(step: Step, scope: Scope): boolean {
  return UNDECIDED.some((rule) => rule(step, scope)) || WRONG.some((rule) => rule(step, scope));
}
