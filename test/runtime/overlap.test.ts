// Calls that overlap, and cases that GPUs got wrong, on Node's devices.
import { describe, expect, test } from "vitest";
import { missingDevice } from "../support/devices.ts";
import { GPU_CASES } from "../support/gpu-cases.ts";
import { QUEUE_CASES } from "../support/queue-cases.ts";

const missing = await missingDevice("webgpu");

test.each(Object.entries(QUEUE_CASES))("cpu: %s", (_, run) => run("cpu"));

describe.skipIf(missing)("webgpu", () => {
  test.each(Object.entries(QUEUE_CASES))("%s", (_, run) => run("webgpu"));
  test.each(Object.entries(GPU_CASES))("%s", (_, run) => run("webgpu"));
});

test("cases were found", () => {
  expect(Object.keys(GPU_CASES).length).toBeGreaterThan(4);
});
