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

const UNFOLDED = [
  ...["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"],
  ...["pow", "minimum", "maximum", "and", "or", "xor"],
];

/** Whether all elements are one number. */
function uniform(arg: Arg, scope: Scope): boolean {
  const data = valueOf(arg, scope)?.data;
  return data === undefined || data.every((x) => x.v === data[0]?.v);
}

/** Known today. */
const WRONG: readonly Rule[] = [
  // "mixed second derivative of pow(a, b) at a = 2, b = 0"
  ({ fn, args }, scope) => fn === "pow" && (valueOf(args[1], scope)?.data.some((x) => x.v === 0) ?? false),
  // Found 1: two repeated numbers under a function that does not fold them.
  ({ fn, args }, scope) => UNFOLDED.includes(fn) && args.length === 2 && args.every((a) => uniform(a, scope)),
  // Found 2: any of nothing.
  ({ fn, args }, scope) => (fn === "any" || fn === "all") && valueOf(args[0], scope)?.data.length === 0,
];

/** Whether programs leave `step` out. */
export function avoided(step: Step, scope: Scope): boolean {
  return UNDECIDED.some((rule) => rule(step, scope)) || WRONG.some((rule) => rule(step, scope));
}
