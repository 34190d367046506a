import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

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
