// A browser that has WebGPU and no adapter for it, as on many machines without a graphics card.
import { expect, test, vi } from "vitest";
import { compile, evaluate, sum, tensor } from "../../src/tensor/index.ts";

test("WebAssembly computes, and says once that it is not WebGPU", async () => {
  const requestAdapter = vi.fn(() => Promise.resolve(null));
  Object.defineProperty(navigator, "gpu", { value: { requestAdapter }, configurable: true });
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const [a, b] = await Promise.all([
    sum(tensor([1, 2, 3])).item(),
    evaluate(tensor([2]).mul(2)).then((t) => t.item()),
  ]);
  expect([a, b]).toEqual([6, 4]);
  const twice = compile((x: ReturnType<typeof tensor>) => x.mul(2));
  expect(await (await twice(tensor([4]))).item()).toBe(8);
  expect(requestAdapter).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls).toEqual([
    ["athanor: this browser has WebGPU but finds no adapter for it; WebAssembly computes instead."],
  ]);
});
