// Matrices in few bits: codes against a slow reader of them, the runtime's kernel against its definition, a model.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inBits } from "../../src/model/in-bits.ts";
import { causalLM, causalLMConfig, createDecoder, initCausalLM } from "../../src/model/index.ts";
import { loadModel } from "../../src/model/load.ts";
import { saveModel } from "../../src/model/save.ts";
import { nbit, toNbit } from "../../src/quantize/index.ts";
import {
  compile,
  evaluate,
  flattenTree,
  mapTree,
  random,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { expectClose, sample } from "../support/check.ts";

const [OUT, FROM] = [5, 64];
const w = Float32Array.from({ length: OUT * FROM }, (_, i) => Math.sin(i * i) * (i % 7 === 0 ? 3 : 1));

describe.each([4, 8] as const)("%i bits", (bits) => {
  const { codes, scales } = toNbit(w, OUT, FROM, bits);

  test("the dense form is what the codes say, and each number is within half a step", async () => {
    const bytes = (await codes.data()) as Uint8Array;
    const steps = (await scales.data()) as Float32Array;
    const expected = Array.from({ length: OUT * FROM }, (_, n) => {
      const [row, i] = [Math.floor(n / FROM), n % FROM];
      const scale = steps[row * 2 + Math.floor(i / 32)] ?? Number.NaN;
      if (bits === 8) return scale * ((bytes[n] ?? 0) - 128);
      const byte = bytes[n >> 1] ?? 0;
      return scale * ((n % 2 === 0 ? byte & 15 : byte >> 4) - 8);
    });
    expectClose(await nbit.toDense({ codes, scales }).data(), expected, 1e-6);
    expected.forEach((x, n) => {
      const scale = Math.abs(steps[Math.floor(n / 32)] ?? 0);
      // The middle has one code more on one side: the number farthest on the other may be a whole step off.
      expect(Math.abs(x - (w[n] ?? 0))).toBeLessThanOrEqual(1.001 * scale);
    });
  });

  test("the kernel on constants is the definition, to the 8 bits of its activations", async () => {
    const x = sample([3, FROM], { dtype: "float32" }).x;
    const kernel = compile((y: Tensor) => nbit.apply({ codes, scales }, y));
    const plain = compile((y: Tensor, c: Tensor, s: Tensor) => nbit.apply({ codes: c, scales: s }, y));
    const [a, b] = [await kernel(x), await plain(x, codes, scales)];
    const expected = Array.from((await b.data()) as Float32Array);
    const size = Math.sqrt(expected.reduce((sum, v) => sum + v * v, 0) / expected.length);
    Array.from((await a.data()) as Float32Array).forEach((v, i) =>
      expect(Math.abs(v - (expected[i] ?? 0))).toBeLessThan(0.02 * size),
    );
    await Promise.all([kernel.release(), plain.release()]);
  });

  test("a decoder of few bits writes with the model of its codes", async () => {
    const config = causalLMConfig({
      vocabulary: 40,
      context: 16,
      width: 32,
      layers: 2,
      heads: 4,
      hidden: 48,
    });
    const params = await evaluate(
      mapTree(initCausalLM(config, random.key(3)), (p, name) => (/norm/.test(name) ? p : p.mul(5))),
    );
    const few = await inBits(config, params, bits);
    // down_proj takes 48 numbers, which is no multiple of 32.
    const kinds = flattenTree(few).map(([name]) => name.replace(/layers\.\d/, "layers.N"));
    expect(kinds).toContain("model.layers.N.mlp.down_proj.weight");
    expect(kinds).toContain("model.layers.N.mlp.up_proj.codes");
    expect(kinds).toContain("lm_head.codes");
    expect(kinds).toContain("model.embed_tokens.weight");
    const ids = [3, 1, 4, 1, 5];
    const decoder = createDecoder(config, params, { weightBits: bits });
    const { logits } = await decoder.advance(await decoder.start(), [ids], 5);
    await decoder.release();
    const exact = await causalLM(config, few, tensor([ids], { dtype: "int32" })).logits.data();
    const full = await causalLM(config, params, tensor([ids], { dtype: "int32" })).logits.data();
    const distance = (a: ArrayLike<unknown>, b: ArrayLike<unknown>): number =>
      Math.hypot(...Array.from(a, (x, i) => Number(x) - Number(b[i]))) / Math.hypot(...Array.from(b, Number));
    expect(distance(logits, exact)).toBeLessThan(0.03);
    expect(distance(exact, full)).toBeLessThan(bits === 8 ? 0.03 : 0.3);
    expect(distance(exact, full)).toBeGreaterThan(0);
  });
});

test("a model whose configuration says so saves and loads its codes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "athanor-nbit-"));
  const config = causalLMConfig({
    vocabulary: 20,
    context: 8,
    width: 32,
    layers: 1,
    heads: 2,
    maps: [{ match: "mlp.*", type: "nbit", bits: 4 }],
  });
  const params = initCausalLM(config, random.key(3));
  await saveModel(folder, config, params);
  const loaded = await loadModel(folder);
  rmSync(folder, { recursive: true });
  expect(loaded.config).toEqual(config);
  const again = new Map(flattenTree(loaded.params));
  for (const [name, p] of flattenTree(params)) {
    expect(again.get(name)?.dtype, name).toBe(p.dtype);
    expect(await again.get(name)?.data(), name).toEqual(await p.data());
  }
  expect(again.get("model.layers.0.mlp.up_proj.codes")?.dtype).toBe("uint8");
});

test("sizes and bits that it cannot have are refused", () => {
  expect(() => nbit.parameters({ type: "nbit", bits: 8 }, 4, 33, 1)).toThrow(
    "nbit: the input must be a multiple of 32 numbers, got 33.",
  );
  expect(() => nbit.parameters({ type: "nbit", bits: 3 as never }, 4, 32, 1)).toThrow(
    "nbit: bits must be 4 or 8, got 3.",
  );
});

describe.each([4, 8] as const)("%i bits with blocks that are shifted", (bits) => {
  const { codes, scales } = toNbit(w, OUT, FROM, bits);
  const shifts = Float32Array.from({ length: OUT * 2 }, (_, i) => Math.cos(3 * i));
  const offsets = tensor(shifts, { shape: [OUT, 2] });
  const map = { codes, scales, offsets };
  const expected = async (): Promise<number[]> =>
    Array.from(
      (await nbit.toDense({ codes, scales }).data()) as Float32Array,
      (x, n) => x + (shifts[Math.floor(n / 32)] ?? Number.NaN),
    );

  test("the dense form, its rows and the product are those of shifted blocks", async () => {
    const dense = await expected();
    expectClose(await nbit.toDense(map).data(), dense, 1e-6);
    const ids = [3, 0, 4, 4];
    const rows = await evaluate(nbit.rows?.(map, tensor(Int32Array.from(ids), { shape: [2, 2] })) ?? codes);
    expect(rows.shape).toEqual([2, 2, FROM]);
    expectClose(
      await rows.data(),
      ids.flatMap((id) => dense.slice(id * FROM, (id + 1) * FROM)),
      1e-6,
    );
    const x = sample([2, 3, FROM], { dtype: "float32" }).x;
    const values = Array.from((await x.data()) as Float32Array);
    const products = Array.from({ length: 6 * OUT }, (_, n) => {
      const [row, out] = [Math.floor(n / OUT), n % OUT];
      return dense
        .slice(out * FROM, (out + 1) * FROM)
        .reduce((sum, v, i) => sum + v * (values[row * FROM + i] ?? 0), 0);
    });
    const plain = compile((y: Tensor, m: typeof map) => nbit.apply(m, y));
    expectClose(await (await plain(x, map)).data(), products, 1e-5);
    const kernel = compile((y: Tensor) => nbit.apply(map, y));
    const size = Math.hypot(...products) / Math.sqrt(products.length);
    Array.from((await (await kernel(x)).data()) as Float32Array).forEach((v, i) =>
      expect(Math.abs(v - (products[i] ?? 0))).toBeLessThan(0.02 * size),
    );
    await Promise.all([plain.release(), kernel.release()]);
  });
});
