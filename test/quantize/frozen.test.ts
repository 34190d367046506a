// A base in bits that adapters are trained beside: what it computes, and that its derivatives are those of the dequantised
// matrix, whatever it wears.
import { describe, expect, test } from "vitest";
import { doraAdapter, freshAdapter, isFactor } from "../../src/adapt/index.ts";
import {
  causalLM,
  causalLMConfig,
  frozenInBits,
  frozenLeaves,
  initCausalLM,
  thawed,
} from "../../src/model/index.ts";
import { maps } from "../../src/model/linear.ts";
import { withAdapter } from "../../src/adapt/index.ts";
import { frozen, nbit, toFrozen } from "../../src/quantize/index.ts";
import {
  evaluate,
  flattenTree,
  grad,
  matmul,
  random,
  square,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { nbitRow } from "../reference/nbit.ts";
import { expectClose, list } from "../support/check.ts";

const [O, I] = [24, 64];
const normal = (name: string, ...shape: number[]): Tensor =>
  random.normal(random.fold(random.key(1), name), shape);
const w = Float32Array.from(await list(normal("w", O, I)));

describe.each([8, 4] as const)("%d bits", (bits) => {
  const params = toFrozen(w, O, I, bits);
  const dense = frozen.toDense(params);
  const x = normal("x", 5, I);

  test("applies the dequantised matrix, whose rows a table gives", async () => {
    expectClose(
      await list(frozen.apply(params, x)),
      await list(matmul(x, dense, { transposeB: true })),
      1e-6,
    );
    const ids = tensor([3, 0, 23], { dtype: "int32" });
    const rows = await list(frozen.rows?.(params, ids) ?? x);
    const all = await list(dense);
    expect(rows).toEqual([3, 0, 23].flatMap((i) => all.slice(i * I, (i + 1) * I)));
    expect(await list(nbit.toDense({ codes: params.frozen, scales: params.scales }))).toEqual(all);
  });

  test("its derivative by the input is that of the dequantised matrix, with an adapter or without", async () => {
    const loss = (y: Tensor): Tensor => sum(square(y.sub(0.3)));
    const at = await evaluate(dense);
    const worn = {
      lora_A: normal("a", 2, I),
      lora_B: normal("b", O, 2),
      lora_scale: tensor(0.5),
      bias: normal("bias", O),
    };
    for (const own of [{}, worn, { ...worn, lora_magnitude: normal("m", O).abs() }]) {
      const learnt = Object.fromEntries(Object.entries({ ...own, x }).filter(([n]) => n !== "lora_scale"));
      const through = (base: Record<string, Tensor>) =>
        evaluate(
          grad(({ x: input, ...p }: Record<string, Tensor>) =>
            loss(maps.apply({ ...base, ...own, ...p }, input ?? x)),
          )(learnt),
        );
      const [a, b] = [await through({ ...params }), await through({ weight: at })];
      for (const name of Object.keys(learnt))
        expectClose(await list(a[name] ?? x), await list(b[name] ?? x), 2e-5, name);
    }
  });

  test("a whole model: logits and gradients of its adapter are those of the thawed one", async () => {
    const config = causalLMConfig({ vocabulary: 19, context: 8, width: 32, layers: 2, heads: 2, hidden: 64 });
    const base = initCausalLM(config, random.key(2));
    const held = await frozenInBits(base, bits);
    const plain = thawed(held);
    expect(flattenTree(plain).map(([n, { shape }]) => [n, shape])).toEqual(
      flattenTree(base).map(([n, { shape }]) => [n, shape]),
    );
    const ids = tensor([[3, 1, 4, 1, 5]], { dtype: "int32" });
    const size = { rank: 2, targets: ["self_attn.*", "mlp.*"] };
    const adapter = doraAdapter(plain, size, random.key(1));
    const tables = freshAdapter(plain, { rank: 2, targets: ["embed_tokens"] }, random.key(1));
    const own = await evaluate({ ...adapter, ...tables });
    const factors = Object.fromEntries(Object.entries(own).filter(([n]) => isFactor(n)));
    const gradients = (params: typeof base) =>
      evaluate(
        grad((p: typeof factors) =>
          sum(square(causalLM(config, withAdapter(params, { ...own, ...p }), ids).logits)),
        )(factors),
      );
    const [a, b] = [await gradients(held), await gradients(plain)];
    for (const name of Object.keys(factors))
      expectClose(await list(a[name] ?? w0), await list(b[name] ?? w0), 2e-4, name);
    const bytes = (tree: unknown): number =>
      flattenTree(tree).reduce(
        (n, [, t]) => n + t.shape.map(Number).reduce((p, q) => p * q, 1) * (t.dtype === "uint8" ? 1 : 4),
        0,
      );
    expect(bytes(held) / bytes(base)).toBeLessThan(bits === 8 ? 0.3 : 0.2);
    expect(Object.keys(frozenLeaves(held)).every((n) => /\.(frozen|scales)$/.test(n))).toBe(true);
  });
});
const w0 = tensor(0);

test.each([8, 4] as const)("rounding to %d bits is that of the reference", async (bits) => {
  const back = Array.from(
    { length: O },
    (_, o) => nbitRow([...w.subarray(o * I, (o + 1) * I)], bits).back,
  ).flat();
  expectClose(await list(frozen.toDense(toFrozen(w, O, I, bits))), back, 1e-6);
});
