import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DtypeError, ShapeError } from "../../src/errors.ts";
import { widenBfloat16 } from "../../src/graph/dtype.ts";
import { cast, fromBfloat16, ones, type Tensor, tensor, toBfloat16 } from "../../src/tensor/index.ts";

test("every one of the 65,536 numbers goes in and comes out as it was, and NaN as NaN", async () => {
  const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  const x = fromBfloat16(bits, { shape: [256, 256] });
  expect([x.dtype, x.shape]).toEqual(["float32", [256, 256]]);
  const back = await toBfloat16(x);
  const values = widenBfloat16(bits);
  for (let i = 0; i < bits.length; i++) {
    if (!Number.isNaN(values[i])) expect(back[i]).toBe(i);
    else expect(Number.isNaN(widenBfloat16(Uint16Array.of(back[i] ?? 0))[0])).toBe(true);
  }
});

/** The nearest of all numbers of a sign and finite size, by trying its two neighbours in the ordered list. */
function nearest(x: number): number {
  const list = widenBfloat16(Uint16Array.from({ length: 0x7f80 }, (_, i) => i));
  const size = Math.abs(x);
  let [low, high] = [0, list.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((list[middle] ?? 0) <= size) low = middle;
    else high = middle - 1;
  }
  const [below, above] = [list[low] ?? 0, list[low + 1] ?? Infinity];
  const up = above - size < size - below || (above - size === size - below && low % 2 === 1);
  return Math.sign(x) * (up ? above : below);
}

test("others are rounded to the nearest, ties to the even", async () => {
  const odd = 1 + 3 / 256; // between 1 + 2/256 and 1 + 4/256
  const values = [1 + 1 / 256, odd, 1 + 1 / 256 + 2 ** -20, -odd, 3.0e38, 1e-40];
  fc.assert(
    fc.property(
      fc.float({ noNaN: true, noDefaultInfinity: true, max: Math.fround(3e38), min: Math.fround(-3e38) }),
      (x) => {
        values.push(x);
      },
    ),
    { numRuns: 300, seed: 4 },
  );
  const got = widenBfloat16(await toBfloat16(tensor(Float32Array.from(values))));
  values.map(Math.fround).forEach((x, i) => expect(got[i] === nearest(x) || x === 0, String(x)).toBe(true));
  expect([got[0], got[1]]).toEqual([1, 1 + 4 / 256]);
});

test("other floats come out by way of float32; other types and shapes are refused", async () => {
  const x = tensor([1, -2.5, 300]);
  for (const dtype of ["float64", "float16"] as const) {
    expect(await toBfloat16(cast(x, dtype))).toEqual(await toBfloat16(x));
  }
  await expect(toBfloat16(ones([2], { dtype: "int32" }))).rejects.toThrow(
    new DtypeError("toBfloat16: x must be a float type, got int32. Use cast first."),
  );
  await expect(toBfloat16(3 as unknown as Tensor)).rejects.toThrow("toBfloat16: x must be a tensor, got 3.");
  expect(() => fromBfloat16([1] as unknown as Uint16Array)).toThrow(
    new DtypeError("fromBfloat16: bits must be a Uint16Array, got [1]."),
  );
  expect(() => fromBfloat16(Uint16Array.of(1, 2), { shape: [3] })).toThrow(ShapeError);
});
