// DoRA: as peft computes it, forward and backward; by its definition; its start; its merge.
import { describe, expect, test } from "vitest";
import {
  adapterOf,
  dora,
  doraAdapter,
  merge,
  rowNorms,
  unmerge,
  withAdapter,
} from "../../src/adapt/index.ts";
import { maps } from "../../src/model/linear.ts";
import {
  evaluate,
  flattenTree,
  grad,
  matmul,
  random,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { stretched } from "../reference/dora.ts";
import { methodsGolden, rowsOf, wave } from "../support/adapt-cases.ts";
import { expectClose, list } from "../support/check.ts";

const { O, I, R } = methodsGolden.sizes;
const { alpha, start, y, x, a, b, m } = methodsGolden.dora;
const params = {
  weight: wave(1, [O, I]),
  lora_A: wave(2, [R, I]),
  lora_B: wave(3, [O, R]),
  lora_scale: tensor(alpha / R, { dtype: "float64" }),
  lora_magnitude: wave(4, [O]).add(1.5),
};

describe("the map", () => {
  test("is peft's, and so are its gradients, with the norm a constant", async () => {
    const input = wave(5, [4, I]);
    expectClose(await list(dora.apply(params, input)), y.flat(), 3e-6);
    const own = { a: params.lora_A, b: params.lora_B, m: params.lora_magnitude, x: input };
    const found = await evaluate(
      grad((p: typeof own) =>
        sum(
          dora.apply({ ...params, lora_A: p.a, lora_B: p.b, lora_magnitude: p.m }, p.x).mul(wave(6, [4, O])),
        ),
      )(own),
    );
    for (const [name, golden] of Object.entries({ x, a, b, m }))
      expectClose(await list(found[name as keyof typeof own]), golden.flat(), 5e-6, name);
  });

  test("is every row stretched to its magnitude", async () => {
    const of = (t: Tensor) => rowsOf(t);
    const expected = stretched(
      await of(params.weight),
      await of(params.lora_A),
      await of(params.lora_B),
      alpha / R,
      await list(params.lora_magnitude),
    );
    expectClose(await list(dora.toDense(params)), expected.flat(), 1e-12);
    const input = wave(8, [3, I]);
    const dense = tensor(expected, { dtype: "float64" });
    expectClose(
      await list(dora.apply(params, input)),
      await list(matmul(input, dense, { transposeB: true })),
      1e-12,
    );
    expect(maps.apply(params, input).shape).toEqual([3, O]);
    expectClose(await list(maps.apply(params, input)), await list(dora.apply(params, input)), 0);
  });
});

describe("an adapter", () => {
  const base = { mlp: { up: { weight: wave(1, [O, I], "float32") } } };
  test("starts with peft's magnitudes, and as the base bit by bit", async () => {
    const adapter = await evaluate(doraAdapter(base, { rank: R, targets: ["up"] }, random.key(1)));
    expectClose(await list(adapter["mlp.up.lora_magnitude"] ?? tensor(0)), start.flat(), 2e-6);
    const worn = withAdapter(base, adapter);
    const input = wave(5, [4, I], "float32");
    const plain = matmul(input, base.mlp.up.weight, { transposeB: true });
    expect(await list(maps.apply({ ...worn.mlp.up }, input))).toEqual(await list(plain));
  });

  test("merges and is undone exactly", async () => {
    const { lora_A, lora_B, lora_scale, lora_magnitude } = params;
    const worn = withAdapter(
      { up: { weight: params.weight } },
      {
        "up.lora_A": lora_A,
        "up.lora_B": lora_B,
        "up.lora_scale": lora_scale,
        "up.lora_magnitude": lora_magnitude,
      },
    );
    const merged = await merge(worn);
    expectClose(await list(merged.params.up.weight), await list(dora.toDense(params)), 1e-12);
    expect(adapterOf(unmerge(merged))).toEqual(adapterOf(worn));
    for (const [name, t] of flattenTree(unmerge(merged)))
      expect(new Map(flattenTree(worn)).get(name), name).toBe(t);
  });

  test("of a table, or with a magnitude of another base, is refused", () => {
    const table = { embed_tokens: { weight: wave(1, [5, 4]) } };
    expect(() => doraAdapter(table, { rank: 2, targets: ["embed_tokens"] }, random.key(1))).toThrow(
      "dora: targets must be matrices, got the table embed_tokens. Leave it out or use lora.",
    );
    expect(() => withAdapter(base, { "mlp.up.lora_magnitude": wave(1, [O + 1]) })).toThrow(
      `adapt: "mlp.up.lora_magnitude" must fit mlp.up of [${O}, ${I}], got [${O + 1}].`,
    );
  });

  test("norms without the sum are those of the sum", async () => {
    const whole = params.weight.add(matmul(params.lora_B, params.lora_A).mul(params.lora_scale));
    const squares = await list(sum(whole.mul(whole), { axis: -1 }));
    expectClose(await list(rowNorms(params.weight, params)), squares.map(Math.sqrt), 1e-12);
  });
});
