import { InferenceSession } from "onnxruntime-node";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { buildGraph } from "../../src/graph/build.ts";
import { encodeModel } from "../../src/graph/onnx.ts";
import { targetOf } from "../../src/graph/target.ts";
import * as t from "../../src/tensor/index.ts";
import { countOps, readModel } from "../reference/onnx.ts";
import { expectClose, sample } from "../support/check.ts";

type T = t.Tensor;

/** A stack of layers, each with four `tanh` inside. */
function stack(layers: number, wrap: (f: (x: T, w: T) => T) => (x: T, w: T) => T) {
  const layer = wrap((x, w) => {
    let y = t.matmul(x, w);
    for (let i = 0; i < 4; i++) y = t.tanh(y.mul(1 + i / 8));
    return y.add(x);
  });
  return (ws: T[], x: T): T => {
    let y = x;
    for (let i = 0; i < layers; i++) y = layer(y, ws[i] as T);
    return t.mean(t.square(y));
  };
}

const weights = (layers: number): T[] =>
  Array.from(
    { length: layers },
    (_, i) => sample([6, 6], { seed: `w${i}`, low: -0.5, high: 0.5, dtype: "float32" }).x,
  );

/** The gradient program as written, and as ONNX Runtime runs it after all its optimisations. */
async function opsOf(
  loss: (ws: T[], x: T) => T,
): Promise<{ written: Record<string, number>; run: Record<string, number> }> {
  const grads = t.grad(loss)(weights(3), sample([5, 6], { dtype: "float32" }).x);
  const outputs = grads.map((g, i) => [`g${i}`, g] as const);
  const { graph } = buildGraph(outputs, [], { target: targetOf("cpu"), leaves: "feed" });
  const bytes = encodeModel(graph);
  const folder = mkdtempSync(join(tmpdir(), "checkpoint-"));
  try {
    const path = join(folder, "optimised.onnx");
    const session = await InferenceSession.create(bytes, {
      graphOptimizationLevel: "all",
      optimizedModelFilePath: path,
      logSeverityLevel: 3,
    });
    await session.release();
    return {
      written: countOps(readModel(bytes).graph),
      run: countOps(readModel(readFileSync(path)).graph),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the gradient is the same", async () => {
  const x = sample([5, 6], { dtype: "float32" }).x;
  const kept = t.grad(stack(3, (f) => f))(weights(3), x);
  const again = t.grad(stack(3, t.checkpoint))(weights(3), x);
  const nested = t.grad(stack(3, (f) => t.checkpoint((a: T, w: T) => t.checkpoint(f)(a, w))))(weights(3), x);
  await t.evaluate({ kept, again, nested });
  for (let i = 0; i < 3; i++) {
    const expected = Array.from((await kept[i]?.data()) ?? [], Number);
    expectClose((await again[i]?.data()) ?? [], expected, 1e-6);
    expectClose((await nested[i]?.data()) ?? [], expected, 1e-6);
  }
});

test("the recomputation survives common subexpressions, ours and the runtime's", async () => {
  const kept = await opsOf(stack(3, (f) => f));
  const again = await opsOf(stack(3, t.checkpoint));
  expect(kept.written["Tanh"]).toBe(12);
  expect(kept.run["Tanh"]).toBe(12);
  // Every layer is run twice.
  expect(again.written["Tanh"]).toBe(24);
  expect(again.run["Tanh"]).toBe(24);
});

test("a checkpoint that is not differentiated costs nothing", () => {
  const x = sample([5, 6], { dtype: "float32" }).x;
  const y = stack(3, t.checkpoint)(weights(3), x);
  const { graph } = buildGraph([["y", y]], [], { target: targetOf("cpu"), leaves: "feed" });
  const ops = countOps(readModel(encodeModel(graph)).graph);
  expect(ops["Tanh"]).toBe(12);
  expect(ops["Where"]).toBeUndefined();
});

test("trees, captured values and integers go through", async () => {
  const w = sample([3]).x;
  const f = (wrap: <A extends readonly unknown[], R>(g: (...a: A) => R) => (...a: A) => R) => (p: T) =>
    t.sum(
      wrap((o: { a: T; scale: number }, ids: T) => ({
        y: t.gather(t.sin(o.a.mul(p).mul(w)), ids).mul(o.scale),
      }))({ a: p, scale: 2 }, t.tensor([0, 2], { dtype: "int32" })).y,
    );
  const x = sample([3], { seed: "p" }).x;
  const expected = await t
    .grad(f((g) => g))(x)
    .data();
  expectClose(await t.grad(f(t.checkpoint))(x).data(), Array.from(expected, Number), 1e-14);
});

test("peak memory of a deep stack falls to less than half", async () => {
  const run = async (mode: string): Promise<number> => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--conditions=source",
      join(import.meta.dirname, "../support/checkpoint-memory.ts"),
      mode,
    ]);
    return Number(stdout);
  };
  const [kept, again] = [await run("kept"), await run("checkpoint")];
  expect(kept).toBeGreaterThan(200e6);
  expect(again).toBeLessThan(kept / 2);
});
