import { InferenceSession } from "onnxruntime-node";
import { describe, expect, test, vi } from "vitest";
import { BackendError, GraphError, OptionError, ShapeError } from "../../src/errors.ts";
import * as t from "../../src/tensor/index.ts";
import { expectClose, pair, sample } from "../support/check.ts";
import { modelsOpened } from "../support/sessions.ts";
import { TOLERANCE } from "../support/tolerance.ts";

type T = t.Tensor;
const list = async (x: T): Promise<number[]> => Array.from(await x.data(), Number);

describe("evaluation", () => {
  test("computes a value once and programs of one structure share a session", async () => {
    const opened = await modelsOpened(async () => {
      for (const start of [1, 5, 9]) {
        const x = pair([3], [start, 2, 3]).x;
        const y = t.tanh(x.mul(0.123)).add(t.cosh(x));
        expect(await list(y)).toEqual(await list(y));
      }
    });
    expect(opened).toHaveLength(1);
  });

  test("goes on from what is computed already", async () => {
    const x = pair([3], [1, 2, 3]).x;
    const y = t.exp(x.mul(0.321));
    await t.evaluate({ y });
    const [model] = await modelsOpened(() => t.log(y).sub(0.77).data());
    expect(model?.graph.nodes.map((n) => n.opType)).toEqual(["Log", "Sub"]);
  });

  test("returns trees with everything else in place, and several results in one program", async () => {
    const x = pair([2], [1, 2]).x;
    let tree: unknown;
    const opened = await modelsOpened(async () => {
      tree = await t.evaluate({ a: [x.add(10), x.sub(5.5)], name: "kept", none: null });
    });
    expect(opened).toHaveLength(1);
    const { a, name, none } = tree as { a: [T, T]; name: string; none: null };
    expect([name, none]).toEqual(["kept", null]);
    expect(await Promise.all(a.map(list))).toEqual([
      [11, 12],
      [-4.5, -3.5],
    ]);
  });

  test("a value is not computed again where it appears twice, nor is an equal one", async () => {
    const x = sample([5]).x;
    const y = t
      .exp(x)
      .mul(t.exp(x))
      .add(t.exp(x.add(0)));
    const [model] = await modelsOpened(() => y.data());
    expect(model?.graph.nodes.filter((n) => n.opType === "Exp")).toHaveLength(1);
  });
});

describe("evaluations at once", () => {
  test("values that other evaluations compute meanwhile do no harm", async () => {
    const x = pair([3], [1, 2, 3]).x;
    const y = x.mul(1.75);
    const z = y.add(0.125);
    const [a, b, c] = await Promise.all([list(y), list(z), list(z.mul(y))]);
    expect(a).toEqual([1.75, 3.5, 5.25]);
    expect(b).toEqual([1.875, 3.625, 5.375]);
    expect(c).toEqual([1.875 * 1.75, 3.625 * 3.5, 5.375 * 5.25]);
  });

  test("more programs at once than sessions are kept", async () => {
    const all = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        t
          .tensor([i])
          .mul(i + 0.5)
          .item(),
      ),
    );
    expect(all).toEqual(Array.from({ length: 300 }, (_, i) => i * (i + 0.5)));
  });
});

describe("compile", () => {
  test("traces once per signature: types, shapes and plain values", async () => {
    const fn = vi.fn((x: T, o: { factor: number; name?: string }) => x.mul(o.factor));
    const compiled = t.compile(fn);
    const x = pair([2], [1, 2]).x;
    expect(await list(await compiled(x, { factor: 2 }))).toEqual([2, 4]);
    expect(await list(await compiled(x.add(1), { factor: 2 }))).toEqual([4, 6]);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(await list(await compiled(x, { factor: 3 }))).toEqual([3, 6]);
    expect(fn).toHaveBeenCalledTimes(2);
    await compiled(t.cast(x, "float32"), { factor: 2 });
    await compiled(pair([3], [1, 2, 3]).x, { factor: 2 });
    await compiled(pair([1, 2], [1, 2]).x, { factor: 2 });
    await compiled(x, { factor: 2, name: "other" });
    expect(fn).toHaveBeenCalledTimes(6);
    await compiled(x, { factor: 2 });
    expect(fn).toHaveBeenCalledTimes(6);
    await compiled.release();
    expect(await list(await compiled(x, { factor: 2 }))).toEqual([2, 4]);
  });

  test("two functions of one source text with other captured values stay apart", async () => {
    const make = (factor: number): ((x: T) => Promise<T>) => t.compile((x: T) => x.mul(factor));
    const [double, triple] = [make(2), make(3)];
    const x = pair([2], [1, 2]).x;
    expect(await list(await double(x))).toEqual([2, 4]);
    expect(await list(await triple(x))).toEqual([3, 6]);
  });

  test("captured tensors become constants of the model, arguments become inputs", async () => {
    const w = sample([4, 2], { seed: "w" });
    const compiled = t.compile((x: T) => t.matmul(x, w.x));
    const x = sample([3, 4]).x;
    const [model] = await modelsOpened(() => compiled(x));
    expect(model?.graph.inputs.map((p) => p.name)).toEqual(["in_0"]);
    expect(model?.graph.initializers.map((i) => i.shape)).toEqual([[4, 2]]);
    expect(await list(await compiled(x))).toEqual(await list(t.matmul(x, w.x)));
  });

  test("captured weights of many megabytes come from a file and compute the same", async () => {
    const rows = 1100;
    const w = t.iota(rows * 2000, { dtype: "float32" }).mul(1e-6);
    const big = await t.evaluate(t.reshape(w, [rows, 2000]));
    const compiled = t.compile((x: T) => t.sum(t.matmul(x, big), { axis: 1 }));
    const got = await (await compiled(t.ones([1, rows]))).item();
    const n = rows * 2000;
    expect(Math.abs(got / ((n * (n - 1)) / 2 / 1e6) - 1)).toBeLessThan(1e-5);
    await compiled.release();
  });

  test("results keep their tree, pass-through and unused arguments included", async () => {
    const compiled = t.compile((a: { x: T; unused: T }, n: number) => ({
      same: a.x,
      twice: [a.x, a.x],
      n,
      c: t.ones([2]),
    }));
    const x = pair([2], [1, 2]).x;
    const out = await compiled({ x, unused: t.zeros([5]) }, 7);
    expect(out.n).toBe(7);
    expect(await list(out.same)).toEqual([1, 2]);
    expect(await list(out.twice[1] as T)).toEqual([1, 2]);
    expect(await list(out.c)).toEqual([1, 1]);
  });

  test("prepare opens the program without running it", async () => {
    const compiled = t.compile((x: T) => x.mul(1.5));
    const x = pair([2], [2, 4]).x;
    expect(await modelsOpened(() => compiled.prepare(x))).toHaveLength(1);
    expect(await modelsOpened(() => compiled(x))).toHaveLength(0);
  });

  test("a function that fails to trace fails every time, and can be mended", async () => {
    let fail = true;
    const compiled = t.compile((x: T) => {
      if (fail) throw new ShapeError("mine");
      return x.mul(2);
    });
    const x = pair([1], [1]).x;
    await expect(compiled(x)).rejects.toThrow("mine");
    await expect(compiled(x)).rejects.toThrow("mine");
    fail = false;
    expect(await list(await compiled(x))).toEqual([2]);
  });

  test("refuses functions and BigInts as arguments, and unknown devices", async () => {
    const any = t.compile((x: unknown) => ({ x, y: t.ones([1]) }));
    await expect(any({ f: () => 1 })).rejects.toThrow(
      new OptionError("compile: argument 0.f must be tensors or plain values, got a function."),
    );
    await expect(any([1n])).rejects.toThrow("compile: argument 0.0 must be a number, got a BigInt.");
    const elsewhere = t.compile((x: T) => x.add(1), { device: "wbgpu" as t.Device });
    await expect(elsewhere(t.ones([1]))).rejects.toThrow(
      new OptionError('device: must be one of cpu, webgpu, cuda here, got "wbgpu". Did you mean webgpu?'),
    );
  });

  test("a model that the runtime refuses keeps the runtime's reason as the cause", async () => {
    const spy = vi.spyOn(InferenceSession, "create").mockRejectedValueOnce(new Error("no such kernel"));
    const failing = t.compile((x: T) => x.add(123))(t.ones([1]));
    await expect(failing).rejects.toThrow(
      new BackendError(
        'device cpu: ONNX Runtime must accept the model, got "no such kernel". Cast to another dtype, or run it on another device.',
      ),
    );
    await expect(failing).rejects.toHaveProperty("cause.message", "no such kernel");
    spy.mockRestore();
  });
});

/** A training step with momentum on a state of several tensors. */
function step(state: { w: T; v: T; count: T }, x: T): { state: { w: T; v: T; count: T }; loss: T } {
  const { value, grad } = t.valueAndGrad((w: T) => t.mean(t.square(t.matmul(x, w).sub(1))))(state.w);
  const v = state.v.mul(0.9).add(grad);
  return { state: { w: state.w.sub(v.mul(0.05)), v, count: state.count.add(1) }, loss: value };
}

const start = (): { w: T; v: T; count: T } => ({
  w: sample([4, 3], { seed: "w", dtype: "float32" }).x,
  v: t.zeros([4, 3]),
  count: t.zeros([], { dtype: "int32" }),
});

describe("donation", () => {
  test("never changes results: twenty steps end in the same bits", async () => {
    const runs = await Promise.all(
      [t.compile(step, { donate: [0] }), t.compile(step)].map(async (compiled) => {
        let state = start();
        const losses: number[] = [];
        for (let i = 0; i < 20; i++) {
          const out = await compiled(state, sample([5, 4], { seed: `x${i % 3}`, dtype: "float32" }).x);
          losses.push(await out.loss.item());
          state = out.state;
        }
        return { losses, w: await list(state.w), v: await list(state.v), count: await state.count.item() };
      }),
    );
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]?.count).toBe(20);
  });

  test("results that were not donated keep their elements", async () => {
    const compiled = t.compile((s: T) => ({ s: s.mul(2), copy: s.mul(1) }), { donate: [0] });
    let s: T = pair([2], [1, 1]).x;
    const copies: T[] = [];
    for (let i = 0; i < 6; i++) {
      const out = await compiled(s);
      s = out.s;
      copies.push(out.copy);
    }
    expect(await Promise.all(copies.map(async (c) => (await list(c))[0]))).toEqual([1, 2, 4, 8, 16, 32]);
  });

  test("a donated tensor refuses every later use", async () => {
    const compiled = t.compile((s: T) => s.mul(2), { donate: [0] });
    const first = await compiled(pair([2], [1, 2]).x);
    const doubled = first.mul(2);
    await compiled(first);
    const message = "compile: a tensor [2] was donated to an earlier call. Use that call's result.";
    await expect(compiled(first)).rejects.toThrow(new GraphError(message));
    await expect(first.data()).rejects.toThrow(message);
    await expect(doubled.data()).rejects.toThrow(message);
    await expect(t.compile((x: T) => x.add(1))(first)).rejects.toThrow(message);
  });

  test("of two calls at once with one donated state, one is refused and the other is right", async () => {
    const compiled = t.compile((s: T) => s.mul(2), { donate: [0] });
    let s = await compiled(pair([3], [1, 2, 3]).x);
    s = await compiled(s);
    const both = await Promise.allSettled([compiled(s), compiled(s)]);
    const done = both.filter((r) => r.status === "fulfilled");
    expect(done).toHaveLength(1);
    expect(await list((done[0] as PromiseFulfilledResult<T>).value)).toEqual([8, 16, 24]);
  });

  test("a call that fails gives the state back", async () => {
    const compiled = t.compile((s: T, i: T) => ({ s: t.gather(s, i) }), { donate: [0] });
    const s = await t.evaluate(pair([3], [1, 2, 3]).x.mul(1));
    await expect(compiled(s, pair([1], [9], "int32").x)).rejects.toThrow();
    expect(await list((await compiled(s, pair([1], [2], "int32").x)).s)).toEqual([3]);
  });

  test("one tensor in two places of the state is donated once", async () => {
    const compiled = t.compile((s: { a: T; b: T }) => ({ a: s.a.add(1), b: s.b.add(2) }), { donate: [0] });
    const x = await t.evaluate(pair([2], [0, 0]).x.add(0));
    let s = await compiled({ a: x, b: x });
    for (let i = 0; i < 3; i++) s = await compiled(s);
    expect([await list(s.a), await list(s.b)]).toEqual([
      [4, 4],
      [8, 8],
    ]);
  });
});

test("what is handed over is freed when the runtime has it, and says so to who asks for it", async () => {
  const n = 3 << 20; // large enough to stand in a file of its own
  const big = t.tensor(new Float32Array(n).fill(0.5));
  const small = t.tensor([2, 3]);
  const f = t.compile((x: T) => t.sum(big).add(t.sum(small.mul(x))), { handOver: true });
  expect(await (await f(t.tensor([1, 1]))).item()).toBe(n / 2 + 5);
  expect(await (await f(t.tensor([2, 1]))).item()).toBe(n / 2 + 7);
  await expect(big.data()).rejects.toThrow(`a tensor [${n}] was donated to an earlier call`);
  await expect(f(t.tensor([[1, 1]]))).rejects.toThrow("was donated");
  expect(await small.data()).toEqual(Float32Array.of(2, 3));
  await f.release();
});

describe("symbolic dimensions", () => {
  test("a reshape with two free sizes keeps one that is 0 in a call", async () => {
    // ONNX reads 0 in a shape as "as it was" unless told otherwise.
    const swap = t.compile((x: T) => t.reshape(x, [x.shape[0] ?? 1, x.shape[2] ?? 1, 3]), {
      symbolic: () => ["B", 1, "S", 3],
    });
    for (const [B, S] of [
      [2, 4],
      [2, 0],
      [0, 4],
    ] as const) {
      const y = await swap(t.ones([B, 1, S, 3]));
      expect(y.shape).toEqual([B, S, 3]);
      expect((await y.data()).length).toBe(B * S * 3);
    }
  });

  const named =
    (...names: string[]) =>
    (_: string, shape: t.Shape): t.Shape =>
      shape.map((d, i) => names[i] ?? d);

  test("one program serves every length", async () => {
    const w = sample([4, 4], { seed: "w" }).x;
    const attend = (x: T): T => {
      const q = t.matmul(x, w);
      const scores = t.matmul(q, x, { transposeB: true, scale: 0.5 });
      const T = x.shape[1] ?? 1;
      const mask = t.lessEqual(t.iota(T), t.expandDims(t.iota(T), 1));
      const y = t.matmul(t.softmax(t.where(mask, scores, -1e9)), x);
      const joined = t.concat([y, t.narrow(x, 1, 0, 1)], 1);
      return t.reshape(t.rearrange(joined, "b t (h d) -> b h t d", { h: 2 }), [-1, 2]);
    };
    const compiled = t.compile(attend, { symbolic: named("B", "T") });
    const opened = await modelsOpened(async () => {
      for (const [B, T] of [
        [1, 1],
        [2, 7],
        [3, 63],
        [1, 2],
      ] as const) {
        const { x } = sample([B, T, 4]);
        const got = await compiled(x);
        const expected = await t.evaluate(attend(x));
        expect(got.shape).toEqual(expected.shape);
        expectClose(await got.data(), await list(expected), TOLERANCE.float64);
      }
    });
    expect(opened.filter((m) => m.graph.inputs[0]?.shape.includes("T"))).toHaveLength(1);
    expect(opened[0]?.graph.inputs[0]?.shape).toEqual(["B", "T", 4]);
  });

  test("gradients of a sum over an unknown length", async () => {
    const f = (x: T, w: T): T => t.grad((p: T) => t.sum(t.tanh(t.matmul(x, p))))(w);
    const compiled = t.compile(f, { symbolic: (name, shape) => (name === "0" ? ["T", 3] : shape) });
    const w = sample([3, 2], { seed: "w" }).x;
    for (const T of [1, 5]) {
      const { x } = sample([T, 3]);
      expectClose(await (await compiled(x, w)).data(), await list(f(x, w)), TOLERANCE.float64);
    }
  });

  test("one name stands for one size, which is checked before anything runs", async () => {
    const compiled = t.compile((a: T, b: T) => a.add(b), { symbolic: named("T") });
    await compiled(t.ones([3]), t.ones([3]));
    await expect(compiled(t.ones([3]), t.ones([4]))).rejects.toThrow(
      new ShapeError("compile: argument 1 must be [T=3], got [4]."),
    );
    const wide = t.compile((a: T, b: T) => t.sum(a).add(t.sum(b)), {
      symbolic: (name) => (name === "0" ? ["S"] : ["S+1"]),
    });
    expect(await (await wide(t.ones([3]), t.ones([4]))).item()).toBe(7);
    await expect(wide(t.ones([3]), t.ones([5]))).rejects.toThrow(
      new ShapeError("compile: argument 1 must be [S+1=4], got [5]."),
    );
  });
});
