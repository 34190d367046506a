import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { halfBits, halfNumber, StandIn } from "../../src/graph/half.ts";

const view = new DataView(new ArrayBuffer(2));

/** The bits that JavaScript's own float16 gives. */
function native(x: number): number {
  view.setFloat16(0, x);
  return view.getUint16(0);
}

test("every float16 is read and written back", () => {
  for (let bits = 0; bits < 65536; bits++) {
    view.setUint16(0, bits);
    const x = view.getFloat16(0);
    if (!Object.is(halfNumber(bits), x)) expect.fail(`${bits} must be ${x}, got ${halfNumber(bits)}.`);
    if (!Number.isNaN(x) && halfBits(x) !== bits) expect.fail(`${x} must be ${bits}, got ${halfBits(x)}.`);
  }
});

test("numbers go to the nearest float16, ties to even", () => {
  const edges = [
    0,
    -0,
    65504,
    65519.99,
    65520,
    -65520,
    2 ** -25,
    2 ** -25 * 1.0001,
    2 ** -24 * 1.5,
    2 ** -14 - 2 ** -26,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    NaN,
  ];
  for (const x of edges) expect(halfBits(x), String(x)).toBe(native(x));
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ min: -70000, max: 70000, noNaN: true }), (a, b) => {
      return halfBits(a) === native(a) && halfBits(b) === native(b);
    }),
    { numRuns: 5000 },
  );
});

test("the stand-in does what Float16Array does", () => {
  const values = [0.1, -2, 1e5, NaN];
  for (const Kind of [StandIn, Float16Array]) {
    const x = new Kind(values);
    expect([x.length, x.byteLength, x[1], x[9]]).toEqual([4, 8, -2, undefined]);
    expect([...x]).toEqual([0.0999755859375, -2, Infinity, NaN]);
    x[1] = 0.2;
    expect(x.subarray(1, 3)[0]).toBe(0.199951171875);
    const copy = x.slice(1);
    copy.set([3, 4], 1);
    copy.fill(7, 0, 1);
    expect([Array.from(copy), x[1]]).toEqual([[7, 3, 4], 0.199951171875]);
    expect(x.subarray(1).byteOffset - x.byteOffset).toBe(2);
    expect(new Kind(x.buffer as ArrayBuffer, 2, 1)[0]).toBe(0.199951171875);
    expect(Array.from(Kind.from([1, 2]))).toEqual([1, 2]);
    expect(x instanceof Kind && 2 in x).toBe(true);
  }
});

test("float16 works where JavaScript has no Float16Array", () => {
  const program = `
    delete globalThis.Float16Array; delete Math.f16round;
    delete DataView.prototype.getFloat16; delete DataView.prototype.setFloat16;
    const t = await import("./src/tensor/index.ts");
    const x = t.tensor([0.1, 2, 65504], { dtype: "float16" });
    const own = await x.data();
    const twice = t.compile((a) => a.mul(2));
    const y = await twice(x);
    const z = await twice(t.tensor(own.slice(0, 2)));
    console.log(JSON.stringify([x.dtype, [...own], Array.from(await y.data(), String), Array.from(await z.data()),
      await t.sum(t.cast(z, "float32")).item(), Array.from(await t.zeros([2], { dtype: "float16" }).add(0.1).data())]));`;
  const out = execFileSync(
    process.execPath,
    ["--conditions=source", "--input-type=module", "--eval", program],
    { encoding: "utf8" },
  );
  expect(JSON.parse(out)).toEqual([
    "float16",
    [0.0999755859375, 2, 65504],
    ["0.199951171875", "4", "Infinity"],
    [0.199951171875, 4],
    4.199951171875,
    [0.0999755859375, 0.0999755859375],
  ]);
});
