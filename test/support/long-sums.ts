// Sums of many equal numbers, which drift when they are added one after the other.
import { expect } from "vitest";
import { type Device, evaluate, full, mean, norm, sum } from "../../src/tensor/index.ts";

/** Checks `sum`, `mean` and `norm` of `n` times 0.3 in float32, within 1e-5. */
export async function expectLongSums(device: Device, n: number): Promise<void> {
  const x = full([n], 0.3);
  const at = Math.fround(0.3);
  const results = await evaluate([sum(x), mean(x), norm(x)], { device });
  const [total, average, length] = await Promise.all(results.map((y) => y.item()));
  expect(Math.abs(Number(total) / (at * n) - 1), `sum of ${n}`).toBeLessThan(1e-5);
  expect(Math.abs(Number(average) / at - 1), `mean of ${n}`).toBeLessThan(1e-5);
  expect(Math.abs(Number(length) / (at * Math.sqrt(n)) - 1), `norm of ${n}`).toBeLessThan(1e-5);
}
