// A page with `navigator.gpu` and no adapter behind it.
import { expect, test, vi } from "vitest";
import { BackendError } from "../../src/errors.ts";
import { evaluate, sum, tensor } from "../../src/tensor/index.ts";

test("programs fall back to WebAssembly with one warning; webgpu by name says what is missing", async () => {
  const gpu = vi.spyOn(navigator as unknown as { gpu: unknown }, "gpu", "get").mockReturnValue({
    requestAdapter: () => Promise.resolve(null),
  });
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  expect(await sum(tensor([1, 2, 3])).item()).toBe(6);
  expect(await sum(tensor([1, 2, 4])).item()).toBe(7);
  const ours = warn.mock.calls.filter(([text]) => String(text).startsWith("athanor:"));
  expect(ours).toEqual([
    ["athanor: this browser has WebGPU but finds no adapter for it; WebAssembly computes instead."],
  ]);
  const asked = evaluate(tensor([1]).add(1), { device: "webgpu" });
  await expect(asked).rejects.toThrow(BackendError);
  await expect(asked).rejects.toThrow(/This page finds no WebGPU adapter; use device wasm\.$/);
  warn.mockRestore();
  gpu.mockRestore();
});
