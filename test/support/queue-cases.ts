// Calls that overlap: each has to give what it gives alone, and the runtime has to live on.
import { expect } from "vitest";
import {
  compile,
  type Device,
  evaluate,
  matmul,
  ones,
  setDevice,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";

type Case = (device: Device) => Promise<void>;

const x = (): Tensor => tensor([1, 2, 3]);
const list = async (y: Tensor): Promise<number[]> => Array.from((await y.data()) as Float32Array, Number);

export const QUEUE_CASES: Readonly<Record<string, Case>> = {
  async "two evaluations at once"(device) {
    const [a, b] = await Promise.all([evaluate(x().add(1), { device }), evaluate(x().add(2), { device })]);
    expect([await list(a), await list(b)]).toEqual([
      [2, 3, 4],
      [3, 4, 5],
    ]);
  },

  async "two compiled functions, one of them twice, beside an evaluation"(device) {
    const f = compile((a: Tensor) => sum(matmul(a, a)), { device });
    const g = compile((a: Tensor) => sum(a.mul(3)), { device });
    const square = ones([16, 16]);
    const numbers = await Promise.all([
      f(square).then((y) => y.item()),
      g(square).then((y) => y.item()),
      f(square.mul(2)).then((y) => y.item()),
      evaluate(sum(x()), { device }).then((y) => y.item()),
    ]);
    expect(numbers).toEqual([4096, 768, 16384, 6]);
    await Promise.all([f.release(), g.release()]);
  },

  async "release waits for calls under way, and the next call opens anew"(device) {
    const f = compile((a: Tensor) => a.mul(2), { device });
    const pending = [f(x()), f(x().add(1))];
    await f.release();
    expect(await Promise.all((await Promise.all(pending)).map(list))).toEqual([
      [2, 4, 6],
      [4, 6, 8],
    ]);
    expect(await list(await f(x()))).toEqual([2, 4, 6]);
    const [y] = await Promise.all([f(x()), f.release()]);
    expect(await list(y)).toEqual([2, 4, 6]);
    await f.release();
  },

  async "a program that fails leaves the line open"(device) {
    const wrong = evaluate(x().add(1), { device: "nowhere" as Device });
    const right = evaluate(x().add(1), { device });
    await expect(wrong).rejects.toThrow("device: must be one of");
    expect(await list(await right)).toEqual([2, 3, 4]);
  },

  async "setDevice holds for calls that name no device"(device) {
    try {
      setDevice(device);
      const f = compile((a: Tensor) => a.add(1));
      expect(await list(await f(x()))).toEqual([2, 3, 4]);
      expect(await list(x().mul(2))).toEqual([2, 4, 6]);
      await f.release();
    } finally {
      setDevice(undefined);
    }
  },
};
