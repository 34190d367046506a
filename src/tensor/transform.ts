// Transformations of functions over trees of tensors.
import { DtypeError, OptionError, ShapeError } from "../errors.ts";
import { isFloat } from "../graph/dtype.ts";
import { staticSize } from "../graph/dim.ts";
import type { CustomRule } from "../graph/value.ts";
import { backward } from "./differentiate.ts";
import { reshape, stack } from "./movement.ts";
import { apply, asTensor, full, items, ones, requireTensor, Tensor, tensor, zeros } from "./tensor.ts";
import { leaves, type Mapped, mapTree, unflattenTree } from "./tree.ts";

/** A new identity for every float leaf, so that derivatives are taken at this use and no other. */
function fresh<T>(tree: T): T {
  return mapTree(tree, (x) => (isFloat(x.dtype) ? apply("alias", [x], {}) : x)) as T;
}

function floats(tree: unknown): Tensor[] {
  return leaves(tree).filter((x) => isFloat(x.dtype));
}

/** Gradients in the structure of `tree`; leaves that are not float get zeros of their own shape. */
function gradientTree<T>(tree: T, grads: readonly Tensor[]): T {
  let next = 0;
  return mapTree(tree, (x) => {
    if (!isFloat(x.dtype)) return zeros(x.shape);
    const g = grads[next++];
    if (g === undefined) throw new Error("gradient missing");
    return g;
  }) as T;
}

/** What a loss may return: a scalar, or a scalar with other results beside it. */
export type Loss = Tensor | { readonly loss: Tensor };

function lossOf(result: Loss): Tensor {
  const loss = result instanceof Tensor ? result : result.loss;
  if (!(loss instanceof Tensor) || loss.rank !== 0) {
    const got = loss instanceof Tensor ? `shape [${loss.shape.join(", ")}]` : typeof loss;
    throw new ShapeError(
      `grad: function must return a scalar tensor, got ${got}. Reduce it with sum or mean.`,
    );
  }
  if (!isFloat(loss.dtype)) throw new DtypeError(`grad: loss must be a float type, got ${loss.dtype}.`);
  return loss;
}

/**
 * The function that returns `fn`'s result and its gradient with respect to the first argument (a tree).
 * @param fn Returns a scalar, or `{ loss, … }` with other results.
 */
export function valueAndGrad<P, A extends unknown[], R extends Loss>(
  fn: (params: P, ...rest: A) => R,
): (params: P, ...rest: A) => { value: R; grad: P } {
  return (params, ...rest) => {
    const at = fresh(params);
    const value = fn(at, ...rest);
    const loss = lossOf(value);
    const grads = backward([loss], [full([], 1, { dtype: loss.dtype })], floats(at));
    return { value, grad: gradientTree(params, grads) };
  };
}

/**
 * The gradient of a scalar function with respect to its first argument (a tree).
 * @example
 * const slope = grad((x: Tensor) => x.mul(x).sum());
 */
export function grad<P, A extends unknown[]>(
  fn: (params: P, ...rest: A) => Loss,
): (params: P, ...rest: A) => P {
  const both = valueAndGrad(fn);
  return (...args) => both(...args).grad;
}

/**
 * Reverse mode: the result of `fn(x)`, and the function from a cotangent (a tree like the result) to that of
 * `x`, `v ↦ vᵀ ∂fn/∂x`.
 */
export function vjp<P, R>(fn: (x: P) => R, x: P): { value: R; pullback: (cotangent: R) => P } {
  const at = fresh(x);
  const value = fn(at);
  return {
    value,
    pullback: (cotangent) => gradientTree(x, backward(leaves(value), leaves(cotangent), floats(at))),
  };
}

/**
 * Forward mode by transposing twice: the result of `fn(x)` and its derivative along `tangent`, `∂fn/∂x · v`.
 */
export function jvp<P, R>(fn: (x: P) => R, x: P, tangent: P): { value: R; tangent: R } {
  const at = fresh(x);
  const value = fn(at);
  // g(u) = uᵀ ∂fn/∂x is linear in u, whatever u is; transposing it gives the tangent map.
  const results = leaves(value).filter((y) => isFloat(y.dtype));
  const u = results.map((y) => apply("alias", [zeros(y.shape, { dtype: y.dtype })], {}));
  const pulled = backward(results, u, floats(at));
  const out = backward(pulled, floats(tangent), u);
  let next = 0;
  const derivative = mapTree(value, (y) => (isFloat(y.dtype) ? (out[next++] ?? y) : zeros(y.shape)));
  return { value, tangent: derivative as R };
}

/**
 * The matrix of derivatives `J[…, i, j] = ∂fn(x)[…, i] / ∂x[…, j]` over the last axis, for a function that
 * treats the `batch` leading axes independently (default 0: one vector in, one vector out).
 * @param fn From `[…, N]` to `[…, M]`. @returns The function from `x` to `[…, M, N]`.
 */
export function jacobian(
  fn: (x: Tensor) => Tensor,
  { batch = 0 }: { batch?: number } = {},
): (x: Tensor) => Tensor {
  return (x) => {
    if (x.rank !== batch + 1) {
      throw new ShapeError(
        `jacobian: x must have ${batch} batch axes and one more, got [${x.shape.join(", ")}].`,
      );
    }
    const at = fresh(x);
    const y = fn(at);
    const M = staticSize(y.shape.slice(-1));
    if (y.rank !== x.rank) {
      throw new ShapeError(`jacobian: result must have rank ${x.rank} as x, got [${y.shape.join(", ")}].`);
    }
    const lead = y.shape.slice(0, -1);
    const rows = Array.from({ length: M }, (_, i) => {
      const unit = tensor(
        Array.from({ length: M }, (__, j) => Number(i === j)),
        { dtype: y.dtype },
      );
      const cotangent = apply("broadcast", [reshape(unit, [...lead.map(() => 1), M])], { shape: y.shape });
      const [row] = backward([y], [cotangent], [at]);
      if (row === undefined) throw new Error("row missing");
      return row;
    });
    return stack(rows, batch);
  };
}

/** `x` itself; derivatives stop here. */
export function stopGradient<T>(tree: T): T {
  return mapTree(tree, (x) => apply("stopGradient", [x], {})) as T;
}

/** The value of `hard` with the derivative of `soft`: `soft + stopGradient(hard − soft)`. Bengio et al. 2013. */
export function straightThrough(hard: Tensor, soft: Tensor): Tensor {
  return apply("custom", [apply("stopGradient", [hard], {}), soft], {
    outputs: 1,
    rule: ([g]) => [g ?? null],
  });
}

/**
 * `fn` with a derivative of your own. What `fn` uses besides its arguments gets no derivative, and `rule` may use
 * no tensors besides its parameters.
 * @param fn From tensors to one tensor or an array of tensors.
 * @param rule From `{ cotangents, inputs, results }` to one cotangent (or `null`) per argument.
 */
export function customGradient<A extends readonly Tensor[], R extends Tensor | readonly Tensor[]>(
  fn: (...inputs: A) => R,
  rule: (c: {
    cotangents: readonly Tensor[];
    inputs: A;
    results: readonly Tensor[];
  }) => readonly (Tensor | null)[],
): (...inputs: A) => R {
  return (...inputs) => {
    const inner = inputs.map((x) => apply("stopGradient", [x], {})) as unknown as A;
    const value = fn(...inner);
    const results = leaves(value);
    const custom: CustomRule = (cotangents, originals, outputs) => {
      const grads = rule({
        cotangents: cotangents.map(asTensor),
        inputs: originals.map(asTensor) as unknown as A,
        results: outputs.map(asTensor),
      });
      if (grads.length !== inputs.length) {
        throw new OptionError(
          `customGradient: rule must return ${inputs.length} cotangents, got ${grads.length}.`,
        );
      }
      return grads;
    };
    const node = apply("custom", [...results, ...inputs], { outputs: results.length, rule: custom });
    return unflattenTree(value, items(node)) as Mapped<R, Tensor> as R;
  };
}

/** A tensor of ones like `x`, the usual cotangent. */
export function onesLike(x: Tensor): Tensor {
  requireTensor("onesLike", "x", x);
  return ones(x.shape, { dtype: x.dtype });
}
