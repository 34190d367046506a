// Random programs as plain data, and what they give: loops over arrays of numbers that carry their derivatives.
import { constant, type Dual, type Rounding } from "./dual.ts";
import { FUNCTIONS } from "./program-functions.ts";

export type Kind = "float16" | "float32" | "float64" | "int32" | "int64" | "bool" | "uint8";

/** A value of a program. */
export interface Val {
  readonly dtype: Kind;
  readonly shape: readonly number[];
  readonly data: readonly Dual[];
}

/** An argument of a step: a variable by number, plain data, or lists and records of such. */
export type Arg =
  | { readonly ref: number }
  | number
  | boolean
  | string
  | readonly Arg[]
  | { readonly [key: string]: Arg };

/** A function inside a program; variables of the program around it are in reach. */
export interface Inner {
  readonly parameters: readonly number[];
  readonly steps: readonly Step[];
  readonly results: readonly number[];
}

/** One call: `fn(...args)`, whose results get numbers, at the places `at` of what it returns (`""` for all of it). */
export interface Step {
  readonly fn: string;
  readonly args: readonly Arg[];
  readonly inner?: Inner;
  readonly outs: readonly { readonly id: number; readonly at: string }[];
}

/** Data that a program starts from. */
export interface Input {
  readonly id: number;
  readonly dtype: Kind;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** Direction of derivatives at a float input. */
  readonly direction: readonly number[];
}

/** A program: `results` as a function of `inputs`. */
export interface Program {
  readonly inputs: readonly Input[];
  readonly steps: readonly Step[];
  readonly results: readonly number[];
}

export type Scope = Map<number, Val>;

/** A call's results by their place (`""`, `values`, `carry.0`, `1`). */
export type Outcome = Readonly<Record<string, Val>>;

export const isFloatKind = (dtype: Kind): boolean =>
  dtype === "float16" || dtype === "float32" || dtype === "float64";

/** Float elements of all inputs together: what derivatives are taken in. */
export function width(inputs: readonly Input[]): number {
  return inputs.reduce((n, x) => n + (isFloatKind(x.dtype) ? x.values.length : 0), 0);
}

/** Inputs as values, each float element a variable of its own. */
export function inputValues(inputs: readonly Input[]): Scope {
  const n = width(inputs);
  let at = 0;
  return new Map(
    inputs.map((x) => {
      const data = x.values.map((v, i): Dual => {
        if (!isFloatKind(x.dtype)) return constant(v);
        const d = new Float64Array(n);
        d[at++] = 1;
        return { v, d, t: x.direction[i] ?? 0, h: null, exact: true };
      });
      return [x.id, { dtype: x.dtype, shape: x.shape, data }];
    }),
  );
}

/** `args` with variables in place of their numbers. */
export function resolve(arg: Arg, scope: Scope): unknown {
  if (typeof arg !== "object") return arg;
  if (Array.isArray(arg)) return (arg as readonly Arg[]).map((a) => resolve(a, scope));
  if ("ref" in arg && typeof arg.ref === "number") {
    const found = scope.get(arg.ref);
    if (found === undefined) throw new Error(`v${arg.ref} is unknown here`);
    return found;
  }
  return Object.fromEntries(Object.entries(arg).map(([k, a]) => [k, resolve(a, scope)]));
}

/** Runs a function of a program. */
export function callInner(inner: Inner, values: readonly Val[], scope: Scope, rounding: Rounding): Val[] {
  const local: Scope = new Map(scope);
  inner.parameters.forEach((id, i) => {
    const value = values[i];
    if (value === undefined) throw new Error("a parameter is missing");
    local.set(id, value);
  });
  for (const step of inner.steps) runStep(step, local, rounding);
  return inner.results.map((id) => {
    const value = local.get(id);
    if (value === undefined) throw new Error(`v${id} is unknown here`);
    return value;
  });
}

/** Runs one step and puts its results into `scope`. */
export function runStep(step: Step, scope: Scope, rounding: Rounding): void {
  const f = FUNCTIONS[step.fn];
  if (f === undefined) throw new Error(`no reference for ${step.fn}`);
  const { inner } = step;
  const outcome = f(
    step.args.map((a) => resolve(a, scope)),
    rounding,
    (values) => (inner ? callInner(inner, values, scope, rounding) : []),
  );
  for (const { id, at } of step.outs) {
    const value = outcome[at];
    if (value === undefined) throw new Error(`${step.fn} gives nothing at "${at}"`);
    scope.set(id, value);
  }
}

/** All values of a program. */
export function runProgram(program: Program, rounding: Rounding): Scope {
  const scope = inputValues(program.inputs);
  for (const step of program.steps) runStep(step, scope, rounding);
  return scope;
}
