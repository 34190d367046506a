// The same compiled training step in a page.
import { expect, test } from "vitest";
import golden from "../golden/training-step.json" with { type: "json" };
import { missingDevice, unless } from "../support/devices.ts";
import { locations, lossGap, trainOn } from "../support/gpt-step.ts";

const missing = await missingDevice("webgpu");

test("the page may use threads", () => {
  expect(crossOriginIsolated).toBe(true);
});

test("wasm follows float64 to float32 rounding", async () => {
  const { losses, state } = await trainOn("wasm");
  expect(lossGap(golden.losses, losses)).toBeLessThan(2e-6);
  expect(locations(state)).toEqual(new Set(["cpu"]));
});

test.skipIf(missing)(
  `webgpu follows float64 to float32 rounding, with its state on the device${unless(missing)}`,
  async () => {
    const { losses, state } = await trainOn("webgpu");
    expect(lossGap(golden.losses, losses)).toBeLessThan(1e-5);
    expect(locations(state)).toEqual(new Set(["gpu-buffer"]));
    const weights = await state.params.tokens.data();
    expect(weights.every((w) => Number.isFinite(Number(w)))).toBe(true);
    const twice = await state.params.positions.mul(2).data();
    expect(twice[3]).toBe(2 * Number((await state.params.positions.data())[3]));
  },
);
