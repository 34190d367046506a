// What GPUs got wrong: each case runs on a device and is held against plain arithmetic.
import { expect } from "vitest";
import { OptionError } from "../../src/errors.ts";
import * as t from "../../src/tensor/index.ts";
import { expectClose } from "./check.ts";
import { numbers, seedOf } from "./numbers.ts";

type Case = (device: t.Device) => Promise<void>;

const run = async (x: t.Tensor, device: t.Device): Promise<number[]> =>
  Array.from((await (await t.evaluate(x, { device })).data()) as Float32Array, Number);

/** Rows with mean `centre` and deviation about 0.7. */
function rows(centre: number): number[] {
  const next = numbers(seedOf(`rows ${centre}`));
  return Array.from({ length: 4 * 48 }, () => Math.fround(centre + 1.2 * next()));
}

/** `(x − mean) / √(variance + ε)` of rows of 48, in float64. */
function normalised(x: readonly number[]): number[] {
  return [0, 1, 2, 3].flatMap((i) => {
    const row = x.slice(48 * i, 48 * (i + 1));
    const mean = row.reduce((a, b) => a + b, 0) / 48;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / 48;
    return row.map((v) => (v - mean) / Math.sqrt(variance + 1e-5));
  });
}

/** Derivative of `Σ w · layerNorm(x)`. */
function slope(x: readonly number[], w: readonly number[]): number[] {
  const y = normalised(x);
  return x.map((_, k) => {
    const from = 48 * Math.floor(k / 48);
    const [ys, ws] = [y.slice(from, from + 48), w.slice(from, from + 48)];
    const row = x.slice(from, from + 48);
    const mean = row.reduce((a, b) => a + b, 0) / 48;
    const r = 1 / Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / 48 + 1e-5);
    const wMean = ws.reduce((a, b) => a + b, 0) / 48;
    const wy = ws.reduce((a, b, j) => a + b * (ys[j] ?? 0), 0) / 48;
    return r * ((w[k] ?? 0) - wMean - (y[k] ?? 0) * wy);
  });
}

export const GPU_CASES: Readonly<Record<string, Case>> = {
  async "layerNorm far from zero, and its gradient"(device) {
    const far = t.tensor([[10000, 10001, 10002, 10003]]);
    const side = 1.5 / Math.sqrt(1.25 + 1e-5);
    expectClose(await run(t.layerNorm(far), device), [-side, -side / 3, side / 3, side], 1e-4);
    for (const centre of [0, 30, 300, 1000]) {
      const data = rows(centre);
      const x = t.tensor(Float32Array.from(data), { shape: [4, 48] });
      // Numbers near 1,000 are held in steps of 6e-5.
      const tolerance = 4e-6 + centre * 4e-7;
      expectClose(await run(t.layerNorm(x), device), normalised(data), tolerance, `mean ${centre}`);
      const w = numbers(3);
      const weights = Array.from(data, () => Math.fround(w()));
      const loss = (a: t.Tensor): t.Tensor =>
        t.sum(t.layerNorm(a).mul(t.tensor(Float32Array.from(weights), { shape: [4, 48] })));
      expectClose(
        await run(t.grad(loss)(x), device),
        slope(data, weights),
        2 * tolerance,
        `gradient ${centre}`,
      );
    }
  },

  async "powers that broadcast, and whole powers"(device) {
    const a = t.tensor([[0.5], [2], [3]]);
    const b = t.tensor([
      [1, 2, 3, -1],
      [0, 0.5, 1, 2],
      [2, 1, 0, 3],
    ]);
    const want = [0.5, 0.25, 0.125, 2, 1, Math.SQRT2, 2, 4, 9, 3, 1, 27];
    expectClose(await run(t.pow(a, b), device), want, 1e-5);
    expectClose(await run(t.pow(a, t.tensor([2, 3])), device), [0.25, 0.125, 4, 8, 9, 27], 1e-5);
    expectClose(await run(t.pow(a, 2), device), [0.25, 4, 9], 1e-6);
    const ten = t.tensor(Int32Array.of(10, -3, 2));
    expect(await run(t.pow(ten, 9), device)).toEqual([1_000_000_000, -19_683, 512]);
    expect(await run(t.pow(ten, t.tensor(Int32Array.of(9, 3, 30))), device)).toEqual([
      1_000_000_000,
      -27,
      2 ** 30,
    ]);
  },

  async "running sums of many"(device) {
    const n = 65_536;
    const ones = t.tensor(new Float32Array(n).fill(1));
    const sums = await run(t.cumSum(ones), device);
    expect([sums[0], sums[127], sums[128], sums[40_000], sums[n - 1]]).toEqual([1, 128, 129, 40_001, n]);
    const down = await run(t.cumSum(ones, { exclusive: true, reverse: true }), device);
    expect([down[0], down[n - 129], down[n - 2], down[n - 1]]).toEqual([n - 1, 128, 1, 0]);
    // Along an axis in the middle, with a length that is no multiple of a block.
    const x = t.tensor(
      Float32Array.from({ length: 2 * 300 * 3 }, (_, i) => i % 7),
      { shape: [2, 300, 3] },
    );
    const got = await run(t.cumSum(x, { axis: 1 }), device);
    const want = Array.from({ length: 1800 }, (_, i) => {
      const [b, j, c] = [Math.floor(i / 900), Math.floor(i / 3) % 300, i % 3];
      let sum = 0;
      for (let k = 0; k <= j; k++) sum += (b * 900 + k * 3 + c) % 7;
      return sum;
    });
    expect(got).toEqual(want);
  },

  async "indices that the host knows are refused"(device) {
    const table = t.tensor([1, 2, 3]);
    const id = (value: number): t.Tensor => t.tensor(Int32Array.of(0, value));
    const beyond = (what: string, got: number): OptionError =>
      new OptionError(`${what}: indices must be in [0, 3), got ${got}.`);
    await expect(run(t.gather(table, id(3)), device)).rejects.toThrow(beyond("gather", 3));
    await expect(run(t.gather(table, t.reshape(id(-1), [2, 1])), device)).rejects.toThrow(
      beyond("gather", -1),
    );
    const train = t.compile(
      (w: t.Tensor, ids: t.Tensor) => t.grad((x: t.Tensor) => t.sum(t.gather(x, ids)))(w),
      {
        device,
      },
    );
    expect(Array.from((await (await train(table, id(2))).data()) as Float32Array)).toEqual([1, 0, 1]);
    await expect(train(table, id(7))).rejects.toThrow(beyond("scatterAdd", 7));
    await expect(run(t.takeAlongAxis(table, id(5)), device)).rejects.toThrow(beyond("takeAlongAxis", 5));
    const add = t.scatterAdd(t.zeros([3]), id(4), t.ones([2]));
    await expect(run(add, device)).rejects.toThrow(beyond("scatterAdd", 4));
    await train.release();
  },

  async "indices that are computed and out of range count for nothing"(device) {
    const ids = t.tensor(Int32Array.of(1, 2, -3)).add(1); // 2, 3, -2
    const table = t.tensor([10, 20, 30]);
    expect(await run(t.gather(table, ids), device)).toEqual([30, 0, 0]);
    expect(await run(t.takeAlongAxis(table, ids), device)).toEqual([30, 0, 0]);
    expect(await run(t.scatterAdd(t.zeros([3]), ids, t.ones([3])), device)).toEqual([0, 0, 1]);
    expect(await run(t.addAlongAxis(t.zeros([3]), ids, t.ones([3])), device)).toEqual([0, 0, 1]);
    const rows = t.gather(t.ones([3, 2]), ids);
    expect(await run(rows, device)).toEqual([1, 1, 0, 0, 0, 0]);
    const wide = t.cast(ids, "int64").add(t.tensor(BigInt64Array.of(0n, 2n ** 32n, 0n)));
    expect(await run(t.gather(table, wide), device)).toEqual([30, 0, 0]);
  },

  // Training looks for numbers that are not finite in the sums of parameters and the norms of gradients.
  async "sums and norms never hide what is not finite"(device) {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const found = await t.evaluate(
        [1, 7, 1000, 70_001].flatMap((n) => {
          const data = new Float32Array(n).fill(0.5);
          data[Math.floor(n / 3)] = bad;
          const x = t.tensor(data);
          return [t.sum(x), t.mean(x), t.norm(x), t.sum(t.matmul(t.reshape(x, [1, n]), t.ones([n, 1])))];
        }),
        { device },
      );
      const numbers = await Promise.all(found.map((x) => x.item()));
      expect(numbers.filter(Number.isFinite), String(bad)).toEqual([]);
    }
  },
};
