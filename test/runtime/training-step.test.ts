// One compiled training step (forward, backward, AdamW) on Node's devices. Software Vulkan stands in for a GPU.
import { expect, test } from "vitest";
import type { Storage } from "../../src/graph/value.ts";
import { compile, flattenTree } from "../../src/tensor/index.ts";
import golden from "../golden/training-step.json" with { type: "json" };
import {
  batchOf,
  initialState,
  locations,
  lossGap,
  SMALL,
  STEPS,
  trainOn,
  trainStep,
} from "../support/gpt-step.ts";
import { missingDevice, unless } from "../support/devices.ts";

const missing = await missingDevice("webgpu");

test("the yardstick is what float64 gives today", async () => {
  const { losses } = await trainOn("cpu", { dtype: "float64" });
  expect(losses).toHaveLength(STEPS);
  expect(lossGap(golden.losses, losses)).toBeLessThan(1e-9);
});

test("cpu follows float64 to float32 rounding", async () => {
  const { losses, state } = await trainOn("cpu");
  expect(lossGap(golden.losses, losses)).toBeLessThan(2e-6);
  expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0));
  expect(locations(state)).toEqual(new Set(["cpu"]));
});

test.skipIf(missing)(
  `webgpu follows float64 to float32 rounding, with its state on the device${unless(missing)}`,
  async () => {
    const { losses, state } = await trainOn("webgpu");
    expect(lossGap(golden.losses, losses)).toBeLessThan(1e-5);
    expect(locations(state)).toEqual(new Set(["gpu-buffer"]));
    // What is on the device outlives the session that made it and can be read, and used elsewhere.
    const cpu = await trainOn("cpu");
    const expected = new Map(flattenTree(cpu.state.params));
    for (const [name, x] of flattenTree(state.params)) {
      const [a, b] = [
        Array.from(await x.data(), Number),
        Array.from((await expected.get(name)?.data()) ?? [], Number),
      ];
      const gap = Math.max(...a.map((v, i) => Math.abs(v - (b[i] ?? NaN))));
      expect(gap, name).toBeLessThan(1e-3);
    }
    const twice = await state.params.positions.mul(2).data();
    expect(twice[3]).toBe(2 * Number((await state.params.positions.data())[3]));
  },
);

test.skipIf(missing)(
  `a donated tensor on the device is refused, and its memory is given back${unless(missing)}`,
  async () => {
    const step = compile(trainStep(SMALL), { device: "webgpu", donate: [0] });
    const { state: first } = await step(initialState(SMALL), batchOf(SMALL, 0));
    const before = first.params.tokens;
    const native = (before.storage as Storage).native as { readonly gpuBuffer: unknown };
    expect(native.gpuBuffer).toBeDefined();
    const { loss } = await step(first, batchOf(SMALL, 1));
    expect((loss.storage as Storage).host).toBeInstanceOf(Float32Array);
    expect(() => native.gpuBuffer).toThrow("disposed");
    const message = "compile: a tensor [29, 20] was donated to an earlier call. Use that call's result.";
    await expect(before.data()).rejects.toThrow(message);
    await expect(step(first, batchOf(SMALL, 2))).rejects.toThrow(message);
    await step.release();
  },
);
