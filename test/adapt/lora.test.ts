// LoRA by its definition: what it computes, its gradients, its start, merging and undoing, targets, and what it refuses.
import { describe, expect, test } from "vitest";
import {
  adapterOf,
  type Adapter,
  freshAdapter,
  isFactor,
  lora,
  loraScale,
  merge,
  tableRows,
  unmerge,
  verifyMerge,
  withAdapter,
  withoutAdapter,
} from "../../src/adapt/index.ts";
import { causalLM, causalLMConfig, type CausalLMParams, initCausalLM } from "../../src/model/index.ts";
import {
  evaluate,
  flattenTree,
  grad,
  mapTree,
  matmul,
  random,
  sum,
  tensor,
  transpose,
} from "../../src/tensor/index.ts";
import { adapted, factorGradients } from "../reference/lora.ts";
import { expectClose, list, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";

const [O, I, R] = [5, 7, 3];
const rows = (x: readonly number[], width: number): number[][] =>
  Array.from({ length: x.length / width }, (_, i) => x.slice(i * width, (i + 1) * width));
const leaf = (seed: string, ...shape: number[]) => sample(shape, { seed }).x;
const params = {
  weight: leaf("w", O, I),
  lora_A: leaf("a", R, I),
  lora_B: leaf("b", O, R),
  lora_scale: tensor(0.75, { dtype: "float64" }),
};
const moved = { ...params, lora_A0: leaf("a0", R, I), lora_B0: leaf("b0", O, R) };
const dense = async (p: typeof params | typeof moved): Promise<number[][]> => {
  const of = async (x: typeof p.weight, width: number) => rows(await list(x), width);
  const [w, a, b] = [await of(p.weight, I), await of(p.lora_A, I), await of(p.lora_B, R)];
  return "lora_A0" in p
    ? adapted(w, a, b, 0.75, await of(p.lora_A0, I), await of(p.lora_B0, R))
    : adapted(w, a, b, 0.75);
};

describe("the map", () => {
  test.each([
    ["zero at the start", params],
    ["with a start that is taken off", moved],
  ])("is W0 + s(BA − B0A0), %s", async (_, p) => {
    const expected = (await dense(p)).flat();
    expectClose(await list(lora.toDense(p)), expected, 1e-13);
    const x = leaf("x", 4, I);
    const y = await list(matmul(x, tensor(rows(expected, I), { dtype: "float64" }), { transposeB: true }));
    expectClose(await list(lora.apply(p, x)), y, 1e-13);
  });

  test("gradients of its factors are those of the dense matrix times the other factor", async () => {
    const x = leaf("x", 4, I);
    const target = leaf("t", 4, O);
    const loss = (y: typeof x) => sum(y.sub(target).mul(y.sub(target)));
    const g = await evaluate(
      grad((w: typeof x) => loss(matmul(x, w, { transposeB: true })))(lora.toDense(params)),
    );
    const found = await evaluate(
      grad((p: Pick<typeof params, "lora_A" | "lora_B">) => loss(lora.apply({ ...params, ...p }, x)))({
        lora_A: params.lora_A,
        lora_B: params.lora_B,
      }),
    );
    const expected = factorGradients(
      rows(await list(g), I),
      rows(await list(params.lora_A), I),
      rows(await list(params.lora_B), R),
      0.75,
    );
    expectClose(await list(found.lora_A), expected.a.flat(), 1e-12);
    expectClose(await list(found.lora_B), expected.b.flat(), 1e-12);
  });

  test("finite differences, its start included", async () => {
    await expectGradients(
      [
        {
          name: "lora",
          at: [leaf("x", 2, I), params.lora_A, params.lora_B],
          f: (x, a, b) => lora.apply({ ...moved, lora_A: a ?? moved.lora_A, lora_B: b ?? moved.lora_B }, x),
        },
      ],
      1e-7,
    );
  });

  test("of one plain step of descent the change is −η s²(AAᵀG + G BᵀB) + η² s³ (GBᵀ)(AᵀG)", async () => {
    const g = leaf("g", O, I);
    const [eta, s] = [0.1, 0.75];
    const { lora_A: a, lora_B: b } = params;
    const [ga, gb] = [matmul(b, g, { transposeA: true }).mul(s), matmul(g, a, { transposeB: true }).mul(s)];
    const after = lora.toDense({ ...params, lora_A: a.sub(ga.mul(eta)), lora_B: b.sub(gb.mul(eta)) });
    const first = matmul(g, matmul(a, a, { transposeA: true })).add(
      matmul(matmul(b, b, { transposeB: true }), g),
    );
    const second = matmul(matmul(g, a, { transposeB: true }), matmul(b, g, { transposeA: true }));
    const expected = first.mul(-eta * s * s).add(second.mul(eta * eta * s ** 3));
    expectClose(await list(after.sub(lora.toDense(params))), await list(expected), 1e-12);
  });

  test("scales: alpha over the rank, or over its root", () => {
    expect([
      loraScale({ rank: 8 }),
      loraScale({ rank: 8, alpha: 16 }),
      loraScale({ rank: 4, alpha: 16, root: true }),
    ]).toEqual([1, 2, 8]);
  });

  test("a table's change reaches the rows that are read", async () => {
    const table = {
      weight: leaf("w", 6, 4),
      lora_embedding_A: leaf("ea", 2, 6),
      lora_embedding_B: leaf("eb", 4, 2),
      lora_scale: tensor(1.5, { dtype: "float64" }),
    };
    const ids = tensor(
      [
        [5, 0],
        [3, 3],
      ],
      { dtype: "int32" },
    );
    const whole = table.weight.add(
      transpose(matmul(table.lora_embedding_B, table.lora_embedding_A)).mul(1.5),
    );
    expectClose(await list(tableRows(table, ids)), await list(tableRows({ weight: whole }, ids)), 1e-13);
  });
});

const config = causalLMConfig({
  vocabulary: 23,
  context: 16,
  width: 16,
  layers: 2,
  heads: 4,
  hidden: 32,
  tieEmbeddings: false,
});
const base = (await evaluate(
  mapTree(initCausalLM(config, random.key(3)), (p, name) => (/norm/.test(name) ? p : p.mul(6))),
)) as CausalLMParams;
const ids = tensor([[3, 1, 4, 1, 5, 9, 2, 6]], { dtype: "int32" });
const run = (p: CausalLMParams) => causalLM(config, p, ids).logits;
const EVERYWHERE = ["self_attn.*", "mlp.*", "lm_head", "embed_tokens"];
const fresh = (targets: readonly string[] = EVERYWHERE) =>
  freshAdapter(base, { rank: 2, alpha: 3, targets }, random.key(5));
const noisy = (adapter: Adapter): Adapter =>
  Object.fromEntries(
    Object.entries(adapter).map(([name, t]) => [
      name,
      isFactor(name) ? random.normal(random.fold(random.key(8), name), t.shape as number[], { std: 0.3 }) : t,
    ]),
  );
/** `adapter` at its start, with what both factors began with taken off. */
const started = (adapter: Adapter): Adapter => ({
  ...adapter,
  ...Object.fromEntries(
    Object.entries(adapter)
      .filter(([name]) => /lora_[AB]$/.test(name))
      .map(([name, t]) => [`${name}0`, t]),
  ),
});

describe("a model", () => {
  test("starts as its base, bit by bit, where B is zero and where the start is taken off", async () => {
    const plain = await list(run(base));
    expect(await list(run(withAdapter(base, fresh())))).toEqual(plain);
    const matrices = noisy(fresh(["self_attn.*", "mlp.*", "lm_head"]));
    expect(await list(run(withAdapter(base, matrices)))).not.toEqual(plain);
    expect(await list(run(withAdapter(base, started(matrices))))).toEqual(plain);
  });

  test("is left as it was; adapters are taken off, exchanged, found again", async () => {
    const [one, two] = [noisy(fresh()), noisy(fresh(["*.q_proj"]))];
    const worn = withAdapter(base, one);
    expect(adapterOf(worn)).toEqual(one);
    expect(adapterOf(withAdapter(worn, two))).toEqual(two);
    const bare = flattenTree(withoutAdapter(worn));
    expect(bare.map(([name]) => name)).toEqual(flattenTree(base).map(([name]) => name));
    for (const [i, [, t]] of flattenTree(base).entries()) expect(bare[i]?.[1]).toBe(t);
  });

  test("merges within rounding, and undoes that exactly", async () => {
    const worn = withAdapter(base, noisy(fresh()));
    const merged = await merge(worn);
    expect(flattenTree(merged.params).map(([name]) => name)).toEqual(flattenTree(base).map(([name]) => name));
    const report = await verifyMerge(run, { base, adapted: worn, merged: merged.params });
    expect(report.change).toBeGreaterThan(0.1);
    expect(report.difference).toBeLessThan(1e-4);
    const back = new Map(flattenTree(unmerge(merged)));
    expect(back.size).toBe(flattenTree(worn).length);
    for (const [name, t] of flattenTree(worn)) expect(back.get(name), name).toBe(t);
  });

  test("a merge that changes nothing, or something else, is told", async () => {
    const worn = withAdapter(base, noisy(fresh()));
    const still = withAdapter(base, fresh());
    await expect(
      verifyMerge(run, { base, adapted: still, merged: (await merge(still)).params }),
    ).rejects.toThrow("verifyMerge: the adapter must change the model, got a change of 0.");
    const other = withAdapter(base, noisy(fresh(["mlp.*"])));
    await expect(
      verifyMerge(run, { base, adapted: worn, merged: (await merge(other)).params }),
    ).rejects.toThrow("verifyMerge: the merged model must give what the adapted one does within");
    await expect(merge(base)).rejects.toThrow("merge: the model must wear an adapter, got none.");
  });
});

describe("targets", () => {
  test("by default every matrix of the layers, and nothing else", () => {
    const nodes = Object.keys(freshAdapter(base, { rank: 2 }, random.key(1))).filter((n) =>
      n.endsWith(".lora_A"),
    );
    expect(nodes).toHaveLength(14);
    expect(nodes.every((n) => n.startsWith("model.layers."))).toBe(true);
  });

  test.each([
    [
      ["q_porj"],
      2,
      'adapt: targets must fit some matrix or table, got "q_porj". There are model.embed_tokens, model.layers.N.self_attn.q_proj,',
    ],
    [["input_layernorm"], 2, 'got "input_layernorm". There are'],
    [
      ["*.q_proj", "self_attn.*"],
      2,
      'adapt: targets must fit each matrix once, got "*.q_proj" and "self_attn.*" for model.layers.0.self_attn.q_proj.',
    ],
    [
      ["mlp.*"],
      17,
      "adapt: model.layers.0.mlp.gate_proj: lora: rank must be a whole number from 1 to 16, the smaller side of [32, 16], got 17.",
    ],
    [["mlp.*"], 1.5, "got 1.5."],
  ])("%j with rank %d is refused", (targets, rank, message) => {
    expect(() => freshAdapter(base, { rank, targets }, random.key(1))).toThrow(message);
  });

  test("an adapter of another base is refused with both shapes", () => {
    const narrow = initCausalLM(
      causalLMConfig({ vocabulary: 23, context: 16, width: 8, layers: 3, heads: 2, hidden: 32 }),
      random.key(1),
    );
    expect(() => withAdapter(narrow, fresh(["mlp.*"]))).toThrow(
      'adapt: "model.layers.0.mlp.gate_proj.lora_A" must fit model.layers.0.mlp.gate_proj of [32, 8], got [2, 16].',
    );
    expect(() =>
      withAdapter(base, freshAdapter(narrow, { rank: 2, targets: ["layers.2.mlp.*"] }, random.key(1))),
    ).toThrow("must stand beside a matrix of the base, got none called model.layers.2.mlp.gate_proj.");
  });
});
