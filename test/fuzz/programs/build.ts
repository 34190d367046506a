// A program as functions of tensors: the same calls, made to the library.
import * as t from "../../../src/tensor/index.ts";
import { rotate, type RotaryLayout } from "../../../src/position/rotary.ts";
import {
  type Arg,
  type Inner,
  type Input,
  isFloatKind,
  type Kind,
  type Program,
  type Step,
} from "../../reference/program.ts";

type Tensors = Map<number, t.Tensor>;

function resolve(arg: Arg, scope: Tensors): unknown {
  if (typeof arg !== "object") return arg;
  if (Array.isArray(arg)) return (arg as readonly Arg[]).map((a) => resolve(a, scope));
  if ("ref" in arg && typeof arg.ref === "number") return lookUp(arg.ref, scope);
  return Object.fromEntries(Object.entries(arg).map(([k, a]) => [k, resolve(a, scope)]));
}

function lookUp(id: number, scope: Tensors): t.Tensor {
  const found = scope.get(id);
  if (found === undefined) throw new Error(`v${id} is unknown here`);
  return found;
}

function inside(inner: Inner | undefined, scope: Tensors): (...values: t.Tensor[]) => t.Tensor[] {
  if (inner === undefined) throw new Error("a body is missing");
  return (...values) => {
    const local: Tensors = new Map(scope);
    inner.parameters.forEach((id, i) => local.set(id, values[i] as t.Tensor));
    for (const step of inner.steps) run(step, local);
    return inner.results.map((id) => lookUp(id, local));
  };
}

const library = t as unknown as Readonly<Record<string, (...args: unknown[]) => unknown>>;

function outcome(step: Step, scope: Tensors): unknown {
  const args = step.args.map((a) => resolve(a, scope));
  if (step.fn === "checkpoint") return t.checkpoint(inside(step.inner, scope))(...(args as t.Tensor[]));
  if (step.fn === "customGradient") {
    const f = inside(step.inner, scope);
    const doubled = t.customGradient(f, ({ cotangents, inputs }) =>
      t
        .vjp((xs: readonly t.Tensor[]) => f(...xs), inputs)
        .pullback([...cotangents])
        .map((g) => g.mul(2)),
    );
    return doubled(...(args as t.Tensor[]));
  }
  if (step.fn === "scan") {
    const [init, xs, options] = args as [t.Tensor[], t.Tensor[], { reverse: boolean }];
    const f = inside(step.inner, scope);
    const body = (c: t.Tensor[], x: t.Tensor[]): readonly [t.Tensor[], t.Tensor[]] => {
      const results = f(...c, ...x);
      return [results.slice(0, c.length), results.slice(c.length)];
    };
    return t.scan(body, init, xs, options);
  }
  if (step.fn === "rotate") {
    const [x, positions, frequencies, layout] = args as [t.Tensor, number[], number[], RotaryLayout];
    return rotate(x, t.tensor(positions), Float64Array.from(frequencies), layout);
  }
  const f = library[step.fn];
  if (f === undefined) throw new Error(`the library has no ${step.fn}`);
  return f(...args);
}

function run(step: Step, scope: Tensors): void {
  const value = outcome(step, scope);
  for (const { id, at } of step.outs) {
    let part: unknown = value;
    for (const key of at === "" ? [] : at.split(".")) part = (part as Record<string, unknown>)[key];
    scope.set(id, part as t.Tensor);
  }
}

/** The data of an input. */
export function inputTensor(x: Input): t.Tensor {
  return t.tensor(Float64Array.from(x.values), { shape: x.shape, dtype: x.dtype });
}

/** `program` as a function. */
export function functionOf(program: Program): (xs: readonly t.Tensor[]) => t.Tensor[] {
  return (xs) => {
    const scope: Tensors = new Map(program.inputs.map((x, i) => [x.id, xs[i] as t.Tensor]));
    for (const step of program.steps) run(step, scope);
    return program.results.map((id) => lookUp(id, scope));
  };
}

const isFloat = (x: t.Tensor): boolean => isFloatKind(x.dtype as Kind);

/** `Σ cᵢ (Σ y + ½ Σ y²)` over the float results, in the finest dtype among them. */
export function lossOf(results: readonly t.Tensor[]): t.Tensor | undefined {
  const floats = results.filter(isFloat);
  const dtype = floats.some((y) => y.dtype === "float64") ? "float64" : "float32";
  const terms = floats.map((y, i) => {
    const wide = t.cast(y, dtype);
    return t.sum(wide.add(wide.mul(wide).mul(0.5))).mul(WEIGHTS[i % WEIGHTS.length] ?? 1);
  });
  return terms.length === 0 ? undefined : terms.reduce(t.add);
}

/** Weights of the results in the loss; exact in every dtype. */
export const WEIGHTS: readonly number[] = [1, -0.5, 0.75, 2, -1.25];

/** Everything that is compared. */
export interface Whole {
  readonly results: t.Tensor[];
  readonly gradient: t.Tensor[];
  readonly tangents: t.Tensor[];
  readonly curvature: t.Tensor[];
}

/** The loss of all results with respect to the float inputs, its Hessian times the directions, and `jvp`. */
export function withDerivatives(
  program: Program,
  around: (f: Shape) => Shape = (f) => f,
): (xs: readonly t.Tensor[]) => Whole {
  const f = around(functionOf(program));
  const floats = program.inputs.map((x, i) => ({ x, i })).filter(({ x }) => isFloatKind(x.dtype));
  const finest = floats.some(({ x }) => x.dtype === "float64") ? "float64" : "float32";
  return (xs) => {
    const results = f(xs);
    const at = floats.map(({ i }) => xs[i] as t.Tensor);
    const directions = floats.map(({ x }) =>
      t.tensor(Float64Array.from(x.direction), { shape: x.shape, dtype: x.dtype }),
    );
    const call = (vary: readonly t.Tensor[]): t.Tensor[] => {
      const all = [...xs];
      floats.forEach(({ i }, k) => {
        all[i] = vary[k] as t.Tensor;
      });
      return f(all);
    };
    if (lossOf(results) === undefined || floats.length === 0) {
      return { results, gradient: [], tangents: [], curvature: [] };
    }
    const loss = (vary: readonly t.Tensor[]): t.Tensor => lossOf(call(vary)) as t.Tensor;
    const slope = (vary: readonly t.Tensor[]): t.Tensor =>
      t
        .grad(loss)(vary)
        .map((g, k) => t.sum(t.cast(g.mul(directions[k] as t.Tensor), finest)))
        .reduce(t.add);
    const { tangent } = t.jvp((vary: readonly t.Tensor[]) => call(vary).filter(isFloat), at, directions);
    return {
      results,
      gradient: [...t.grad(loss)(at)],
      tangents: [...tangent],
      curvature: [...t.grad(slope)(at)],
    };
  };
}

type Shape = (xs: readonly t.Tensor[]) => t.Tensor[];
