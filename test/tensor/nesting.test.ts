// Programs inside programs inside programs: values, first and second derivatives and tangents are those of the same
// function written without them.
import { describe, expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { expectClose, sample } from "../support/check.ts";

type T = t.Tensor;
/** A step: what is passed in, and what it uses from outside. */
type F = (x: T, w: T) => T;
type Wrapper = (f: F) => F;
interface Kind {
  readonly wrap: Wrapper;
  /** The same without a program of its own. */
  readonly plain: Wrapper;
}

const series = t.tensor([0.1, -0.2], { dtype: "float64" });

const custom = (f: F): F =>
  function call(x, w) {
    const fixed = t.stopGradient(w);
    return t.customGradient(
      (a: T) => f(a, fixed),
      ({ cotangents: [g], inputs: [a] }) => [
        g === undefined ? null : t.vjp((b: T) => f(b, fixed), a).pullback(g),
      ],
    )(x);
  };

const KINDS: Readonly<Record<string, Kind>> = {
  checkpoint: { wrap: (f) => (x, w) => t.checkpoint((a: T) => f(a, w))(x), plain: (f) => f },
  "checkpoint, captures alone": {
    // What is made inside from outside alone, used with the parameter and returned beside it.
    wrap: (f) => (x, w) => {
      const [y, outside] = t.checkpoint((a: T): [T, T] => [f(a, t.sin(w)), t.exp(t.mul(w, 0.1))])(x);
      return y.mul(outside);
    },
    plain: (f) => (x, w) => f(x, t.sin(w)).mul(t.exp(t.mul(w, 0.1))),
  },
  fused: {
    wrap: (f) => (x, w) => t.fused({ name: "rotary", interleaved: false }, [x], (a) => f(a, t.cos(w))),
    plain: (f) => (x, w) => f(x, t.cos(w)),
  },
  custom: { wrap: custom, plain: (f) => (x, w) => f(x, t.stopGradient(w)) },
  scan: {
    wrap: (f) => (x, w) => {
      const { carry, ys } = t.scan(
        (c: T, s: T): [T, T] => {
          const y = f(c.add(s), t.tanh(w));
          return [y, y.mul(s)];
        },
        x,
        series,
      );
      return carry.add(t.sum(ys, { axis: 0 }));
    },
    plain: (f) => (x, w) => {
      const at = (i: number): T => t.at(series, i);
      const first = f(x.add(at(0)), t.tanh(w));
      const second = f(first.add(at(1)), t.tanh(w));
      return second.add(first.mul(at(0)).add(second.mul(at(1))));
    },
  },
};

const innermost: F = (x, w) => t.sin(x.mul(t.exp(w.mul(0.3)))).add(x.mul(0.5));
/** A layer around `f` that uses `w` once more on its own. */
const around =
  (f: F): F =>
  (x, w) =>
    t.tanh(f(x.mul(0.7), w.mul(w)).add(w));

function nest(names: readonly string[], way: keyof Kind): F {
  return names.reduceRight<F>((f, name) => around(KINDS[name]?.[way](f) ?? f), innermost);
}

interface Point {
  x: T;
  w: T;
}
const point: Point = {
  x: sample([3], { seed: "x", low: -1, high: 1 }).x,
  w: sample([3], { seed: "w", low: -1, high: 1 }).x,
};
const along: Point = { x: sample([3], { seed: "u" }).x, w: sample([3], { seed: "v" }).x };

/** Value, gradient, product of Hessian and vector both ways, tangent, and gradient of that product. */
function everything(f: F): unknown {
  const loss = (p: Point): T => t.sum(t.square(f(p.x, p.w)));
  const inner = (p: Point): T => {
    const g = t.grad(loss)(p);
    return t.sum(g.x.mul(along.x)).add(t.sum(g.w.mul(along.w)));
  };
  return {
    value: loss(point),
    gradient: t.grad(loss)(point),
    reverse: t.grad(inner)(point),
    forward: t.jvp(t.grad(loss), point, along).tangent,
    tangent: t.jvp((p: Point) => f(p.x, p.w), point, along).tangent,
  };
}

async function agree(programs: readonly (readonly string[])[]): Promise<void> {
  const both = programs.map((names) => ({
    name: names.join(" > "),
    got: everything(nest(names, "wrap")),
    expected: everything(nest(names, "plain")),
  }));
  const all = await t.evaluate(both);
  expect(all.length).toBe(programs.length);
  for (const { name, got, expected } of all) {
    const want = new Map(t.flattenTree(expected));
    for (const [part, x] of t.flattenTree(got)) {
      const right = Array.from((await want.get(part)?.data()) ?? [], Number);
      expectClose(await x.data(), right, 1e-9, `${name}: ${part}`);
    }
  }
}

const names = Object.keys(KINDS);

test("one alone", () => agree(names.map((n) => [n])));

describe.each(names)("%s around", (outer) => {
  test("every other", () => agree(names.map((inner) => [outer, inner])));
});

test("three deep", () =>
  agree(names.map((a, i) => [a, names[(i + 1) % names.length] ?? a, names[(i + 3) % names.length] ?? a])));

test("third derivatives through a checkpoint in a loop in a checkpoint", async () => {
  const third = (way: keyof Kind): T => {
    const f = nest(["checkpoint", "scan", "checkpoint, captures alone"], way);
    const once = (x: T): T => t.sum(f(x, point.w));
    const twice = (x: T): T => t.sum(t.square(t.grad(once)(x)));
    return t.grad((x: T) => t.sum(t.square(t.grad(twice)(x))))(point.x);
  };
  const { got, expected } = await t.evaluate({ got: third("wrap"), expected: third("plain") });
  expectClose(await got.data(), Array.from(await expected.data(), Number), 1e-8);
});

test("a value made inside a checkpoint from outside tensors alone has a derivative", async () => {
  const x = t.tensor([1, 2], { dtype: "float64" });
  const w = t.tensor([0.5, -1], { dtype: "float64" });
  const g = t.grad((v: T) => t.sum(t.checkpoint((a: T) => a.mul(t.exp(v)))(x)))(w);
  expectClose(await g.data(), [Math.exp(0.5), 2 * Math.exp(-1)], 1e-14);
});

test("a checkpoint in a loop, with respect to what is looped over", async () => {
  const step = (c: T, x: T): [T, T] => {
    const y = t.checkpoint((a: T) => t.exp(a).mul(a))(x);
    return [t.tanh(c.add(y)), y];
  };
  const xs = t.tensor([0.3, -0.2, 0.7], { dtype: "float64" });
  const loop = (s: T): T => {
    const { carry, ys } = t.scan(step, t.zeros([], { dtype: "float64" }), s);
    return carry.add(t.sum(ys));
  };
  const unrolled = (s: T): T => {
    let c = t.zeros([], { dtype: "float64" });
    let total = c;
    for (let i = 0; i < 3; i++) {
      const x = t.at(s, i);
      const y = t.exp(x).mul(x);
      c = t.tanh(c.add(y));
      total = total.add(y);
    }
    return c.add(total);
  };
  const g = await t.evaluate({ got: t.grad(loop)(xs), expected: t.grad(unrolled)(xs) });
  expectClose(await g.got.data(), Array.from(await g.expected.data(), Number), 1e-12);
});

test.each([
  ["empty", [0], [0, 4]],
  ["NaN", [NaN], [NaN, 4]],
])("a checkpoint whose first cotangent is %s leaves the others right", async (_, first, expected) => {
  const run = (x: T): T[] => {
    const { pullback } = t.vjp(
      (a: T): T[] => t.checkpoint((b: T): T[] => [t.narrow(b, 0, 0, first[0] === 0 ? 0 : 1), b.mul(b)])(a),
      x,
    );
    const g = first[0] === 0 ? t.zeros([0]) : t.tensor(first);
    return [pullback([g, t.tensor([0, 1])])];
  };
  const [g] = await t.evaluate(run(t.tensor([1, 2])));
  expect(Array.from((await g?.data()) ?? [], Number)).toEqual(expected);
});

test("a rule may use a tensor of the body around it", async () => {
  // The derivative of x·s, where s is made inside the checkpoint from its argument.
  const f = (x: T): T => {
    const s = t.exp(x);
    return t.customGradient(
      (a: T) => a.mul(s),
      ({ cotangents: [g] }) => [g?.mul(s) ?? null],
    )(x);
  };
  const x = t.tensor([0.4, -0.3], { dtype: "float64" });
  const g = t.grad((v: T) => t.sum(t.checkpoint(f)(v)))(x);
  expectClose(await g.data(), [Math.exp(0.4), Math.exp(-0.3)], 1e-14);
});

test("arguments of checkpoint that are flags or whole numbers", async () => {
  const x = t.tensor([1, 2, 3], { dtype: "float64" });
  const mask = t.tensor([true, false, true]);
  const ids = t.tensor(Int32Array.of(2, 0, 2));
  const f = (m: T, i: T, v: T): T => t.sum(t.where(m, t.exp(t.gather(v, i)), v.mul(v)));
  const plain = t.grad((v: T) => f(mask, ids, v))(x);
  const again = t.grad((v: T) => t.checkpoint(f)(mask, ids, v))(x);
  expect(await again.data()).toEqual(await plain.data());
  // e^{x₂} counts twice, x₁² once.
  expect(Array.from((await plain.data()) as Float64Array)).toEqual([
    0,
    4,
    expect.closeTo(2 * Math.exp(3), 9),
  ]);
});
