// Loops and recomputation: programs that hold programs.
import { OptionError, ShapeError } from "../errors.ts";
import type { Dim } from "../graph/dim.ts";
import { argument, captures } from "./body.ts";
import { concat, expandDims, narrow, pad, slice } from "./movement.ts";
import { apply, iota, items, type Tensor } from "./tensor.ts";
import { leaves, type Mapped, mapTree, unflattenTree } from "./tree.ts";

/**
 * A loop over axis 0 of `xs`: `[carry, yₜ] = step(carry, xₜ)` for `t = 0 … T − 1`. Runs as one ONNX `Scan`;
 * differentiable, also with respect to what `step` uses from outside (which is computed once, before the loop).
 * @param step Must return a carry of unchanged types. @param init First carry (a tree).
 * @param xs Tree of `[T, …]` tensors; may be empty when `length` is given.
 * @param options `reverse` walks from the end (default false).
 * @returns The last carry and the stacked `y` (`[T, …]`).
 * @example
 * scan((sum: Tensor, x: Tensor) => [sum.add(x), sum], zeros([]), tensor([1, 2, 3]));
 */
export function scan<C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  init: C,
  xs: X,
  { reverse = false, length }: { reverse?: boolean; length?: Dim } = {},
): { carry: C; ys: Y } {
  const starts = leaves(init);
  const series = leaves(xs);
  const T = series[0]?.shape[0] ?? length;
  if (T === undefined)
    throw new OptionError("scan: xs must hold a tensor of rank ≥ 1, or length must be given.");
  for (const x of series) {
    if (x.rank === 0 || x.shape[0] !== T) {
      throw new ShapeError(`scan: every tensor of xs must be [T=${T}, …], got [${x.shape.join(", ")}].`);
    }
  }
  // ONNX wants something to scan over.
  const scanned = series.length > 0 ? series : [iota(T)];
  const carryIn = starts.map((t) => argument({ dtype: t.dtype, shape: t.shape }));
  const xIn = scanned.map((t) => argument({ dtype: t.dtype, shape: t.shape.slice(1) }));
  const [carryTree, yTree] = step(
    unflattenTree(init, carryIn) as C,
    (series.length > 0 ? unflattenTree(xs, xIn) : xs) as X,
  );
  const carryOut = leaves(carryTree);
  const yOut = leaves(yTree);
  if (carryOut.length !== starts.length) {
    throw new ShapeError(`scan: step must return ${starts.length} carried tensors, got ${carryOut.length}.`);
  }
  const parameters = [...carryIn, ...xIn];
  const results = [...carryOut, ...yOut];
  const outer = captures(results, parameters);
  const node = apply("scan", [...starts, ...scanned, ...outer], {
    body: { parameters, results },
    carries: starts.length,
    scanned: scanned.length,
    reverse,
    length: T,
  });
  const outputs = items(node);
  return {
    carry: unflattenTree(init, outputs.slice(0, starts.length)) as C,
    ys: unflattenTree(yTree, outputs.slice(starts.length, starts.length + yOut.length)) as Y,
  };
}

/**
 * All prefixes of an associative operation in `⌈log₂ T⌉` rounds: `yₜ = x₀ ∘ x₁ ∘ … ∘ xₜ` over `axis` 0.
 * @param combine Applied to trees of `[n, …]` tensors, the earlier operand first.
 * @param xs Tree of `[T, …]` tensors of a known length. @param options `reverse` gives suffixes.
 */
export function associativeScan<X>(
  combine: (earlier: X, later: X) => X,
  xs: X,
  { reverse = false }: { reverse?: boolean } = {},
): X {
  const [first] = leaves(xs);
  const T = first?.shape[0];
  if (typeof T !== "number") {
    throw new ShapeError(`associativeScan: xs must be [T, …] with a known T, got ${String(T)}.`);
  }
  const part = (tree: X, start: number, end: number, step = 1): X =>
    mapTree(tree, (x) => slice(x, { start, end, step })) as X;
  const join = (a: X, b: X): X => {
    const tail = leaves(b);
    let i = 0;
    return mapTree(a, (x) => concat([x, tail[i++] ?? x])) as X;
  };
  const order = (a: X, b: X): X => (reverse ? combine(b, a) : combine(a, b));
  // Work-efficient recursion: combine neighbours, solve half the length, fill in between.
  const run = (tree: X, n: number): X => {
    if (n < 2) return tree;
    const half = Math.floor(n / 2);
    const pairs = order(part(tree, 0, 2 * half, 2), part(tree, 1, 2 * half, 2));
    const odd = run(pairs, half); // prefixes ending at 1, 3, 5, …
    const later = Math.ceil(n / 2) - 1; // prefixes ending at 2, 4, …
    const evens = part(tree, 0, 1);
    const even = later > 0 ? join(evens, order(part(odd, 0, later), part(tree, 2, n, 2))) : evens;
    return interleave(even, odd, n);
  };
  if (!reverse) return run(xs, T);
  const backwards = mapTree(xs, (x) => flipFirst(x)) as X;
  return mapTree(run(backwards, T), (x) => flipFirst(x)) as X;
}

function flipFirst(x: Tensor): Tensor {
  const size = x.shape[0];
  if (typeof size !== "number") throw new ShapeError("associativeScan: the length must be known.");
  return apply("slice", [x], {
    starts: x.shape.map((_, i) => (i === 0 ? size - 1 : 0)),
    ends: x.shape.map((d, i) => (i === 0 ? -1 : d)),
    steps: x.shape.map((_, i) => (i === 0 ? -1 : 1)),
  });
}

/** `[e₀, o₀, e₁, o₁, …]`, `n` rows in all; `even` may have one row more. */
function interleave<X>(even: X, odd: X, n: number): X {
  const odds = leaves(odd);
  let i = 0;
  return mapTree(even, (e) => {
    const o = odds[i++] ?? e;
    const rows = Math.ceil(n / 2);
    const filled =
      n % 2 === 0
        ? o
        : pad(
            o,
            o.shape.map((_, a): [number, number] => [0, a === 0 ? 1 : 0]),
          );
    const both = concat([expandDims(e, 1), expandDims(filled, 1)], 1);
    const merged = apply("reshape", [both], { shape: [2 * rows, ...e.shape.slice(1)] });
    return narrow(merged, 0, 0, n);
  }) as X;
}

/**
 * `fn`, whose inner values are computed again during differentiation instead of being kept: memory for time.
 * Chen et al. 2016, https://arxiv.org/abs/1604.06174. What `fn` uses from outside is differentiated too.
 * @param fn From trees of tensors to a tree of tensors.
 */
export function checkpoint<A extends readonly unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    const inputs = leaves(args);
    const parameters = inputs.map((t) => argument({ dtype: t.dtype, shape: t.shape }));
    const tree = fn(...(unflattenTree(args, parameters) as unknown as A));
    const results = leaves(tree);
    const node = apply("recompute", [...inputs, ...captures(results, parameters)], {
      body: { parameters, results },
    });
    return unflattenTree(tree, items(node)) as Mapped<R, Tensor> as R;
  };
}
