// A function of one example as a function of many: its program again, with an axis more on every value that depends on the
// examples. One rule per op says how, in the same ops, so that what comes out is differentiated as ever.
import { GraphError, OptionError, ShapeError } from "../errors.ts";
import { type Dim, mulDims } from "../graph/dim.ts";
import {
  attributesOf,
  type Body,
  type OpAttributes,
  type OpName,
  reach,
  typeOf,
  type Value,
} from "../graph/value.ts";
import { requireWhole } from "./arguments.ts";
import { argument, captures } from "./body.ts";
import { addAlongAxis, takeAlongAxis } from "./indexing.ts";
import { broadcastTo, permute, reshape } from "./movement.ts";
import { apply, asTensor, items, ones, type Tensor, zeros } from "./tensor.ts";
import { flattenTree, leaves, mapTree, unflattenTree } from "./tree.ts";

/** Outputs of values that depend on the examples, each `[N, …]`. */
type Batched = Map<Value, readonly Tensor[]>;

/** What a rule sees: the op on one example, its inputs, and which of them are there for all examples, `[N, …]`. */
interface Context {
  readonly v: Value;
  readonly N: Dim;
  readonly batched: Batched;
  /** Input `i` for all examples, or the one value that all share. */
  input(i: number): Tensor;
  /** Whether input `i` differs between examples. */
  differs(i: number): boolean;
  /** Input `i` for all examples. */
  front(i: number): Tensor;
  /** Input `i` with as many axes as the result, so that it broadcasts. */
  aligned(i: number): Tensor;
}

type Rule = (c: Context) => readonly Tensor[];

const all = (c: Context, f: (i: number) => Tensor): Tensor[] => c.v.inputs.map((_, i) => f(i));
/** The same op with other attributes, on inputs that `pick` chooses. */
const again =
  (pick: "front" | "aligned" | "input", change: (attributes: never, c: Context) => object = (a) => a): Rule =>
  (c) => {
    const attributes = change(c.v.attributes as never, c) as OpAttributes[OpName];
    const node = apply(
      c.v.op,
      all(c, (i) => c[pick](i)),
      attributes as never,
    );
    return node.outputs.length > 1 ? items(node) : [node];
  };

const elementwise = again("aligned");
const alongAxis = again("front", (a: { axis: number }) => ({ ...a, axis: a.axis + 1 }));
const overAxes = again("front", (a: { axes: readonly number[] }) => ({
  ...a,
  axes: a.axes.map((i) => i + 1),
}));

/** `x` as `[N, first axis, all others]`, once `axis` of its example is brought to the front of it. */
function rowsOf(x: Tensor, axis: number): Tensor {
  const order = [0, axis + 1, ...x.shape.map((_, i) => i).filter((i) => i !== 0 && i !== axis + 1)];
  const moved = permute(x, order);
  return reshape(moved, [moved.shape[0] ?? 1, moved.shape[1] ?? 1, mulDims(...moved.shape.slice(2))]);
}

/** Indices `[N, …]` as `[N, K, R]`, the same for each of `R` elements of a row. */
function forRows(indices: Tensor, R: Dim): Tensor {
  const K = mulDims(...indices.shape.slice(1));
  return broadcastTo(reshape(indices, [indices.shape[0] ?? 1, K, 1]), [indices.shape[0] ?? 1, K, R]);
}

const gather: Rule = (c) => {
  const { axis } = attributesOf(c.v, "gather");
  const rank = typeOf(c.v.inputs[1] ?? c.v).shape.length;
  if (!c.differs(1))
    return [apply("gather", [c.input(0), c.input(1)], { ...attributesOf(c.v, "gather"), axis: axis + 1 })];
  const x = c.front(0);
  const rows = rowsOf(x, axis);
  const picked = takeAlongAxis(rows, forRows(c.input(1), rows.shape[2] ?? 1), 1);
  const before = x.shape.slice(1, axis + 1);
  const after = x.shape.slice(axis + 2);
  const apart = reshape(picked, [c.N, ...c.input(1).shape.slice(1), ...before, ...after]);
  // [N, indices, before, after] to [N, before, indices, after].
  const order = apart.shape.map((_, i) => i);
  const [from, to] = [1 + rank, 1 + rank + before.length];
  return [permute(apart, [0, ...order.slice(from, to), ...order.slice(1, from), ...order.slice(to)])];
};

const scatterAdd: Rule = (c) => {
  const target = c.front(0);
  const rows = rowsOf(target, 0);
  const indices = forRows(c.front(1), rows.shape[2] ?? 1);
  const sums = addAlongAxis(rows, indices, reshape(c.front(2), indices.shape), 1);
  return [reshape(sums, target.shape)];
};

/** With one gain and offset for all as the op; else by arithmetic after it, since the op takes one vector. */
const layerNorm: Rule = (c) => {
  const { epsilon } = attributesOf(c.v, "layerNorm");
  const x = c.front(0);
  if (!c.differs(1) && !c.differs(2))
    return items(apply("layerNorm", [x, c.input(1), c.input(2)], { epsilon }));
  const width = x.shape.slice(-1);
  const { dtype } = x;
  const [y, ...statistics] = items(
    apply("layerNorm", [x, ones(width, { dtype }), zeros(width, { dtype })], { epsilon }),
  );
  return [(y ?? x).mul(c.aligned(1)).add(c.aligned(2)), ...statistics];
};

const rmsNorm: Rule = (c) => {
  const { epsilon } = attributesOf(c.v, "rmsNorm");
  const x = c.front(0);
  if (!c.differs(1)) return items(apply("rmsNorm", [x, c.input(1)], { epsilon }));
  const [y, ...statistics] = items(
    apply("rmsNorm", [x, ones(x.shape.slice(-1), { dtype: x.dtype })], { epsilon }),
  );
  return [(y ?? x).mul(c.aligned(1)), ...statistics];
};

/** The results of a body in place, on inputs for all examples. */
const inline: Rule = (c) => {
  const { body } = c.v.attributes as { readonly body: Body };
  const inner: Batched = new Map(c.batched);
  body.parameters.forEach((p, i) => inner.set(p, [c.front(i)]));
  return substitute(body.results, inner, c.N);
};

const custom: Rule = (c) => {
  const { outputs, rule } = attributesOf(c.v, "custom");
  const node = apply(
    "custom",
    all(c, (i) => c.front(i)),
    {
      outputs,
      rule: (...given) => {
        const groups = given.map((group) => group.length);
        const answer = mapped(given.flat().map(asTensor), c.N, (one) => {
          let at = 0;
          const [g = [], x = [], y = []] = groups.map((n) => one.slice(at, (at += n)));
          return rule(g, x, y).map((r) => r && asTensor(r));
        });
        return answer;
      },
    },
  );
  return items(node);
};

const scan: Rule = (c) => {
  const { body, carries, scanned, ...how } = attributesOf(c.v, "scan");
  const own = carries + scanned;
  /** Axis 0 behind axis 1, and back. */
  const swap = (x: Tensor): Tensor => permute(x, [1, 0, ...x.shape.map((_, i) => i).slice(2)]);
  const inputs = c.v.inputs.slice(0, own).map((_, i) => (i < carries ? c.front(i) : swap(c.front(i))));
  const parameters = inputs.map((x, i) =>
    argument({ dtype: x.dtype, shape: i < carries ? x.shape : x.shape.slice(1) }),
  );
  const inner: Batched = new Map(c.batched);
  body.parameters.forEach((p, i) => inner.set(p, [parameters[i] ?? asTensor(p)]));
  const results = substitute(body.results, inner, c.N);
  const outer = captures(results, parameters);
  const node = apply("scan", [...inputs, ...outer], {
    ...how,
    body: { parameters, results },
    carries,
    scanned,
  });
  return items(node).map((y, i) => (i < carries ? y : swap(y)));
};

/** Ops of one operand or of several that broadcast. */
const ELEMENTWISE: readonly OpName[] = [
  ...(["neg", "abs", "sign", "floor", "ceil", "round", "exp", "log", "sqrt", "sin", "cos", "tan"] as const),
  ...(["asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "sigmoid"] as const),
  ...(["softplus", "relu", "silu", "gelu", "not", "cast", "add", "sub", "mul", "div", "pow", "min"] as const),
  ...(["max", "equal", "less", "lessEqual", "greater", "greaterEqual", "and", "or", "xor", "where"] as const),
  ...(["alias", "stopGradient"] as const),
];

/** One rule per op that can depend on an example; `random` has none, as each example would need a draw of its own. */
const RULES: { readonly [K in OpName]?: Rule } = {
  ...Object.fromEntries(ELEMENTWISE.map((op) => [op, elementwise])),
  sum: overAxes,
  mean: overAxes,
  reduceMax: overAxes,
  reduceMin: overAxes,
  prod: overAxes,
  logSumExp: overAxes,
  argMax: alongAxis,
  argMin: alongAxis,
  cumSum: alongAxis,
  softmax: alongAxis,
  logSoftmax: alongAxis,
  topK: alongAxis,
  concat: alongAxis,
  takeAlongAxis: alongAxis,
  addAlongAxis: alongAxis,
  matmul: elementwise,
  reshape: again("front", (a: OpAttributes["reshape"], { N }) => ({ shape: [N, ...a.shape] })),
  transpose: again("front", (a: OpAttributes["transpose"]) => ({ order: [0, ...a.order.map((i) => i + 1)] })),
  broadcast: again("aligned", (a: OpAttributes["broadcast"], { N }) => ({ shape: [N, ...a.shape] })),
  slice: again("front", (a: OpAttributes["slice"], { N }) => ({
    starts: [0, ...a.starts],
    ends: [N, ...a.ends],
    steps: [1, ...a.steps],
  })),
  pad: again("front", (a: OpAttributes["pad"]) => ({
    ...a,
    before: [0, ...a.before],
    after: [0, ...a.after],
  })),
  triangle: again("front"),
  gather,
  scatterAdd,
  layerNorm,
  rmsNorm,
  fused: inline,
  recompute: inline,
  barrier: again("front"),
  custom,
  scan,
};

/** `roots` for all `N` examples, where `batched` holds the values that examples begin with; it grows. */
function substitute(roots: readonly Value[], batched: Batched, N: Dim): Tensor[] {
  const oldest = Math.min(...[...batched.keys()].map((v) => v.id));
  for (const v of reach(roots, (x) => x.id < oldest || batched.has(x))) {
    if (batched.has(v) || !v.inputs.some((i) => batched.has(i))) continue;
    batched.set(v, v.op === "item" ? [itemOf(v, batched)] : ruleOf(v)(contextOf(v, batched, N)));
  }
  return roots.map((v) => forAll(v, batched, N));
}

function itemOf(v: Value, batched: Batched): Tensor {
  const [owner] = v.inputs;
  const part = owner && batched.get(owner)?.[attributesOf(v, "item").index];
  if (part === undefined) throw new Error("item of a value without outputs");
  return part;
}

function ruleOf(v: Value): Rule {
  const rule = RULES[v.op];
  if (rule) return rule;
  throw new GraphError(
    `vmap: ${v.op} has no rule for many examples. Call fn for each, and stack the results.`,
  );
}

/** `v` for all examples; what they share is repeated. */
function forAll(v: Value, batched: Batched, N: Dim): Tensor {
  return batched.get(v)?.[0] ?? broadcastTo(asTensor(v), [N, ...typeOf(v).shape]);
}

function contextOf(v: Value, batched: Batched, N: Dim): Context {
  const value = (i: number): Value => v.inputs[i] ?? v;
  const input = (i: number): Tensor => batched.get(value(i))?.[0] ?? asTensor(value(i));
  return {
    v,
    N,
    batched,
    input,
    differs: (i) => batched.has(value(i)),
    front: (i) => forAll(value(i), batched, N),
    aligned(i) {
      const x = input(i);
      if (!batched.has(value(i))) return x;
      const missing = typeOf(v).shape.length - (x.rank - 1);
      return reshape(x, [N, ...Array.from({ length: missing }, () => 1), ...x.shape.slice(1)]);
    },
  };
}

/** `fn` on each of the examples that `xs`, `[N, …]`, hold side by side. */
function mapped(
  xs: readonly Tensor[],
  N: Dim,
  fn: (xs: Tensor[]) => readonly (Tensor | null)[],
): (Tensor | null)[] {
  const parameters = xs.map((x) => argument({ dtype: x.dtype, shape: x.shape.slice(1) }));
  const results = fn(parameters);
  const batched: Batched = new Map(parameters.map((p, i) => [p, [xs[i] ?? p]]));
  const made = substitute(
    results.filter((r) => r !== null),
    batched,
    N,
  );
  let next = 0;
  return results.map((r) => (r === null ? null : (made[next++] ?? r)));
}

/**
 * `fn`, written for one example, on many at once: every tensor of the arguments has one axis more in front, `N` examples
 * in each, and so has every tensor of the result. What `fn` uses besides is the same for all.
 * @param options `over`: the arguments that hold examples (default all); the others are the same for all.
 * @throws ShapeError where tensors hold different numbers of examples, GraphError naming an op without a rule (`random`).
 * @example
 * const perExample = vmap(grad(loss), { over: [1] }); // a gradient for each example
 */
export function vmap<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  { over }: { readonly over?: readonly number[] } = {},
): (...args: A) => R {
  for (const i of over ?? []) requireWhole("vmap", "over", i, 0);
  return (...args) => {
    const chosen = over ?? args.map((_, i) => i);
    const late = chosen.find((i) => i >= args.length);
    if (late !== undefined) {
      throw new OptionError(`vmap: over must name arguments of 0 to ${args.length - 1}, got ${late}.`);
    }
    const examples = args.map((arg, i) => (chosen.includes(i) ? arg : undefined));
    const named = flattenTree(examples);
    const [first] = named;
    const N = first?.[1].shape[0];
    if (first === undefined)
      throw new OptionError("vmap: arguments must hold a tensor of examples, got none.");
    for (const [name, x] of named) {
      if (N !== undefined && x.shape[0] === N) continue;
      throw new ShapeError(
        `vmap: argument ${name} must be [N${N === undefined ? "" : `=${N}`}, …], got [${x.shape.join(", ")}].`,
      );
    }
    let tree: R | undefined;
    const results = mapped(leaves(examples), N ?? 1, (one) => {
      const own = unflattenTree(examples, one) as unknown[];
      tree = fn(...(args.map((arg, i) => (chosen.includes(i) ? own[i] : arg)) as unknown as A));
      return leaves(tree);
    });
    let next = 0;
    return mapTree(tree as R, (x) => results[next++] ?? x) as R;
  };
}
