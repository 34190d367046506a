// Calls that overlap, and cases that GPUs got wrong, in a page.
import { describe, expect, test } from "vitest";
import { evaluate, sum, tensor } from "../../src/tensor/index.ts";
import { missingDevice } from "../support/devices.ts";
import { GPU_CASES } from "../support/gpu-cases.ts";
import { expectLongSums } from "../support/long-sums.ts";
import { QUEUE_CASES } from "../support/queue-cases.ts";

const missing = await missingDevice("webgpu");

describe("wasm", () => {
  test.each(Object.entries(QUEUE_CASES))("%s", (_, run) => run("wasm"));

  test.each([70_000, 4_000_000, 40_000_000])("sums of %i equal numbers do not drift", (n) =>
    expectLongSums("wasm", n),
  );

  test("an isolated page uses all cores", async () => {
    await evaluate(tensor([1]).add(1), { device: "wasm" });
    const { env } = await import("onnxruntime-web/wasm");
    expect(env.wasm.numThreads).toBe(navigator.hardwareConcurrency);
  });
});

describe.skipIf(missing)("webgpu", () => {
  test.each(Object.entries(QUEUE_CASES))("%s", (_, run) => run("webgpu"));
  test.each(Object.entries(GPU_CASES))("%s", (_, run) => run("webgpu"));

  test("both runtimes of a page at once", async () => {
    const total = (device: "wasm" | "webgpu"): Promise<number> =>
      evaluate(sum(tensor([1, 2, 3])), { device }).then((y) => y.item());
    expect(await Promise.all([total("wasm"), total("webgpu"), total("wasm")])).toEqual([6, 6, 6]);
  });
});
