import { expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { build, get } from "../reference/array.ts";
import { Checks, expectClose, expectTensor, pair, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";
import { DIFFERENCE, TOLERANCE } from "../support/tolerance.ts";

const list = async (x: t.Tensor): Promise<number[]> => Array.from(await x.data(), Number);

test("grad works on trees, returns other results beside the loss, and takes plain arguments", async () => {
  const params = { w: pair([2], [1, 2]).x, blocks: [{ b: pair([], [3]).x }] };
  const both = t.valueAndGrad((p: typeof params, factor: number) => {
    const y = p.w.mul(p.blocks[0]?.b ?? 0).mul(factor);
    return { loss: t.sum(y), y };
  });
  const { value, grad } = both(params, 2);
  expect(await list(value.y)).toEqual([6, 12]);
  expect(await value.loss.item()).toBe(18);
  expect(await list(grad.w)).toEqual([6, 6]);
  expect(await grad.blocks[0]?.b.item()).toBe(6);
  expect(t.flattenTree(grad).map(([name]) => name)).toEqual(["w", "blocks.0.b"]);
});

test("vjp of a map between trees is its transposed derivative", async () => {
  const x = sample([3]);
  const f = (p: { a: t.Tensor }): [t.Tensor, t.Tensor] => [p.a.mul(p.a), t.sum(t.sin(p.a))];
  const { value, pullback } = t.vjp(f, { a: x.x });
  const u = sample([3], { seed: "u" });
  const back = pullback([u.x, pair([], [2]).x]);
  const [squares] = value;
  await expectTensor(
    squares,
    build([3], (i) => get(x.ref, i) ** 2),
  );
  await expectTensor(
    back.a,
    build([3], (i) => 2 * get(x.ref, i) * get(u.ref, i) + 2 * Math.cos(get(x.ref, i))),
  );
});

test("⟨u, Jv⟩ from jvp equals ⟨Jᵀu, v⟩ from vjp", async () => {
  const w = sample([4, 3], { seed: "w" }).x;
  const f = (x: t.Tensor): t.Tensor => t.softmax(t.tanh(t.matmul(x, w)));
  const x = sample([2, 4]).x;
  const v = sample([2, 4], { seed: "v" }).x;
  const u = sample([2, 3], { seed: "u" }).x;
  const forward = t.sum(u.mul(t.jvp(f, x, v).tangent));
  const reverse = t.sum(v.mul(t.vjp(f, x).pullback(u)));
  const [a, b] = await t.evaluate([forward, reverse]);
  expectClose([(await a?.item()) ?? 0], [(await b?.item()) ?? 1], TOLERANCE.float64);
});

test("jvp of grad is a Hessian-vector product, exact on a quadratic form", async () => {
  const a = pair([2, 2], [2, 1, 1, 3]).x;
  const f = (x: t.Tensor): t.Tensor =>
    t.sum(x.mul(t.reshape(t.matmul(a, t.reshape(x, [2, 1])), [2]))).mul(0.5);
  const { value, tangent } = t.jvp(t.grad(f), pair([2], [5, 7]).x, pair([2], [1, -1]).x);
  expect(await list(value)).toEqual([17, 26]);
  expect(await list(tangent)).toEqual([1, -2]);
});

test("jvp gives integers zero tangents", async () => {
  const f = (x: t.Tensor): { y: t.Tensor; best: t.Tensor } => ({ y: x.mul(2), best: t.argMax(x) });
  const { value, tangent } = t.jvp(f, pair([2], [1, 5]).x, pair([2], [1, 1]).x);
  expect(await value.best.item()).toBe(1);
  expect(await list(tangent.y)).toEqual([2, 2]);
  expect(await tangent.best.item()).toBe(0);
});

test("jacobian of a vector and of a batch of vectors", async () => {
  const checks = new Checks();
  const w = sample([3, 4], { seed: "w" });
  const x = sample([5, 4]);
  const slope = (b: number, m: number): number => {
    let sum = 0;
    for (let n = 0; n < 4; n++) sum += get(w.ref, [m, n]) * get(x.ref, [b, n]);
    return 1 - Math.tanh(sum) ** 2;
  };
  const batched = t.jacobian((p) => t.tanh(t.matmul(p, w.x, { transposeB: true })), { batch: 1 })(x.x);
  checks.add(
    "batched",
    batched,
    build([5, 3, 4], ([b = 0, m = 0, n = 0]) => slope(b, m) * get(w.ref, [m, n])),
  );
  const single = t.jacobian((p) => t.reshape(t.matmul(w.x, t.reshape(p, [4, 1])), [3]))(t.at(x.x, 0));
  checks.add("single", single, w.ref);
  await checks.run();
});

test("stopGradient cuts one path, straightThrough reroutes it", async () => {
  const { x } = pair([3], [0.2, 0.6, 1.4]);
  const stopped = t.grad((p: t.Tensor) => t.sum(p.mul(t.stopGradient(p))))(x);
  expectClose(await stopped.data(), [0.2, 0.6, 1.4], TOLERANCE.float64);
  const rounded = t.valueAndGrad((p: t.Tensor) => t.sum(t.straightThrough(t.round(p), p.mul(3)).mul(2)))(x);
  expect(await rounded.value.item()).toBe(2 * (0 + 1 + 1));
  expect(await list(rounded.grad)).toEqual([6, 6, 6]);
  // The derivative of a function of a straight-through value is taken at the hard value.
  const squared = t.grad((p: t.Tensor) => t.sum(t.square(t.straightThrough(t.round(p), p))))(x);
  expect(await list(squared)).toEqual([0, 2, 2]);
});

test("customGradient replaces the derivative, sees inputs and results, and can be differentiated again", async () => {
  const rough = t.customGradient(
    (a: t.Tensor, b: t.Tensor) => a.mul(b),
    ({ cotangents: [g], inputs: [a, b], results: [y] }) => [
      (g as t.Tensor).mul(b).mul(10),
      (g as t.Tensor).mul(a).add((y as t.Tensor).mul(0)),
    ],
  );
  const a = pair([2], [1, 2]).x;
  const b = pair([2], [3, 4]).x;
  const { value, grad } = t.valueAndGrad(([p, q]: [t.Tensor, t.Tensor]) => t.sum(rough(p, q)))([a, b]);
  expect(await value.item()).toBe(11);
  expect(await list(grad[0])).toEqual([30, 40]);
  expect(await list(grad[1])).toEqual([1, 2]);
  // ∂(10 b)/∂b = 10, although the function itself is bilinear.
  const second = t.grad((q: t.Tensor) => t.sum(t.grad((p: t.Tensor) => t.sum(rough(p, q)))(a)))(b);
  expect(await list(second)).toEqual([10, 10]);
  const none = t.grad((p: t.Tensor) =>
    t.sum(
      t.customGradient(
        (z: t.Tensor) => t.exp(z),
        () => [null],
      )(p),
    ),
  )(a);
  expect(await list(none)).toEqual([0, 0]);
});

test("customGradient with several results passes each its cotangent", async () => {
  const parts = t.customGradient(
    (x: t.Tensor): t.Tensor[] => [x.mul(2), x.mul(3)],
    ({ cotangents: [g, h] }) => [(g as t.Tensor).add((h as t.Tensor).mul(100))],
  );
  const x = pair([2], [1, 2]).x;
  const g = t.grad((p: t.Tensor) => {
    const [a, b] = parts(p);
    return t.sum((a as t.Tensor).add((b as t.Tensor).mul(2)));
  })(x);
  expect(await list(g)).toEqual([201, 201]);
});

test("gradients pass through deep programs without overflowing the stack", async () => {
  const x = pair([1], [0.5]).x;
  const g = t.grad((p: t.Tensor) => {
    let y = p;
    for (let i = 0; i < 3000; i++) y = y.mul(1.0001).add(0);
    return t.sum(y);
  })(x);
  expectClose(await g.data(), [1.0001 ** 3000], 1e-10);
});

test("einsum, conv1d and associativeScan differentiate because they are derived", async () => {
  await expectGradients(
    [
      {
        name: "linear recurrence",
        at: [sample([5], { seed: "a" }).x, sample([5], { seed: "b" }).x],
        f: (...xs) => {
          const [a, b] = xs as [t.Tensor, t.Tensor];
          type Affine = { a: t.Tensor; b: t.Tensor };
          const join = (p: Affine, q: Affine): Affine => ({ a: q.a.mul(p.a), b: q.a.mul(p.b).add(q.b) });
          return t.associativeScan(join, { a, b }).b;
        },
      },
      {
        name: "attention",
        at: [sample([2, 3], { seed: "q" }).x, sample([4, 3], { seed: "k" }).x],
        f: (...xs) => {
          const [q, k] = xs as [t.Tensor, t.Tensor];
          return t.einsum("ts,sd->td", t.softmax(t.einsum("td,sd->ts", q, k)), k);
        },
      },
    ],
    DIFFERENCE.tolerance,
  );
});
