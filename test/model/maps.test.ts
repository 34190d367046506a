// What every kind of linear map must do, and how a configuration chooses among them. A new kind is one more row.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, describe, expect, test } from "vitest";
import { MAP_TYPES, type MapConfig, mapOf, maps } from "../../src/model/linear.ts";
import {
  causalLM,
  causalLMConfig,
  createDecoder,
  initCausalLM,
  parameterCount,
  parametersOf,
} from "../../src/model/index.ts";
import { mapConfigOf, matches } from "../../src/model/map-rules.ts";
import { loadModel } from "../../src/model/load.ts";
import { saveModel } from "../../src/model/save.ts";
import { initial, type MapParams } from "../../src/nn/index.ts";
import {
  cast,
  evaluate,
  flattenTree,
  leaves,
  mapTree,
  matmul,
  random,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { expectClose, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";
import { exportFamily } from "../support/families.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-maps-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TABLE: readonly (readonly [MapConfig, out: number, from: number])[] = [
  [{ type: "dense" }, 6, 4],
  [{ type: "lora", rank: 2, alpha: 3 }, 6, 4],
  [{ type: "dora", rank: 2, alpha: 3 }, 6, 4],
  [{ type: "frozen", bits: 8 }, 3, 64],
  [{ type: "frozen", bits: 4 }, 5, 32],
  [{ type: "monarch", blocks: 2 }, 8, 8],
  [{ type: "monarch", blocks: 2 }, 12, 4],
  [{ type: "monarch", blocks: 3, leftBlocks: 2 }, 6, 18],
  [{ type: "nbit", bits: 8 }, 3, 64],
  [{ type: "nbit", bits: 4 }, 5, 32],
];

/** Numbers in double precision; codes stay codes. */
const wide = (x: Tensor): Tensor => (x.dtype === "float32" ? cast(x, "float64") : x);

test("every kind has a row", () => {
  expect(new Set(TABLE.map(([{ type }]) => type))).toEqual(new Set(MAP_TYPES));
});

describe.each(
  TABLE.map(([c, out, from]) => [`${JSON.stringify(c)}, ${from} to ${out}`, c, out, from] as const),
)("%s", (_, config, out, from) => {
  const kind = mapOf(config);
  const fresh = (seed: number, std = 0.5): MapParams =>
    Object.fromEntries(
      Object.entries(kind.parameters(config, out, from, std)).map(([leaf, p]) => [
        leaf,
        wide(initial(p, random.fold(random.key(seed), leaf))),
      ]),
    );
  const bias = sample([out], { seed: "bias" }).x;

  test("applied to any axes before the last it is the product with its dense form, plus its bias", async () => {
    const params = fresh(4);
    const w = maps.toDense(params);
    expect(w.shape).toEqual([out, from]);
    for (const shape of [
      [3, 2, from],
      [1, 1, from],
      [5, from],
    ]) {
      const { x } = sample(shape);
      const got = await evaluate({
        plain: maps.apply(params, x),
        biased: maps.apply({ ...params, bias }, x),
        dense: matmul(x, w, { transposeB: true }),
        sum: matmul(x, w, { transposeB: true }).add(bias),
      });
      expect(got.plain.shape).toEqual([...shape.slice(0, -1), out]);
      expectClose(await got.plain.data(), Array.from(await got.dense.data(), Number), 1e-13);
      expectClose(await got.biased.data(), Array.from(await got.sum.data(), Number), 1e-13);
    }
  });

  test("derivatives by its leaves and by what it is applied to", async ({ skip }) => {
    skip(
      config.type === "dora",
      "it holds its norm on purpose, which differences cannot: test/adapt/dora.test.ts",
    );
    const params = { ...fresh(4), bias };
    const moved = flattenTree(params).filter(([, leaf]) => leaf.dtype === "float64"); // codes have no derivative
    const row = {
      name: kind.type,
      at: [sample([2, from]).x, ...moved.map(([, leaf]) => leaf)],
      f: (x: Tensor, ...rest: Tensor[]) => {
        const given = Object.fromEntries(moved.map(([name, own], i) => [name, rest[i] ?? own]));
        return maps.apply({ ...params, ...given }, x);
      },
    };
    await expectGradients([row], 1e-7);
  });

  test("its dense form begins with the deviation that was asked for", async () => {
    const many = await evaluate(Array.from({ length: 40 }, (_, seed) => maps.toDense(fresh(seed, 0.02))));
    let square = 0;
    for (const w of many) for (const x of await w.data()) square += Number(x) ** 2 / (40 * out * from);
    expect(Math.sqrt(square)).toBeGreaterThan(0.017);
    expect(Math.sqrt(square)).toBeLessThan(0.023);
  });

  test("a vector of another width and a bias of another are refused", () => {
    expect(() => maps.apply(fresh(4), sample([2, from + 1]).x)).toThrow(String(from + 1));
    const wrong = sample([out + 1]).x;
    expect(() => maps.apply({ ...fresh(4), bias: wrong }, sample([2, from]).x)).toThrow(
      `linear: bias must be [${out}], got [${out + 1}].`,
    );
  });

  test("one seed makes one map", async () => {
    const of = async (seed: number): Promise<unknown> => {
      const all = leaves(fresh(seed));
      return Promise.all(all.map((t) => t.data()));
    };
    expect(await of(7)).toEqual(await of(7));
    expect(await of(7)).not.toEqual(await of(8));
  });
});

test("leaves of no kind are named", () => {
  expect(() => maps.apply({ wieght: tensor([1]) }, tensor([1]))).toThrow(
    "linear: params must have one of lora_magnitude, frozen, lora_A, left, codes, weight, got wieght.",
  );
});

describe("rules of a configuration", () => {
  const SIZES = { vocabulary: 61, context: 16, width: 16, layers: 2, heads: 4, hidden: 32 };
  const config = causalLMConfig({
    ...SIZES,
    bias: "all",
    tieEmbeddings: false,
    maps: [
      { match: "layers.0.mlp.down_proj", type: "dense" },
      { match: "mlp.*", type: "monarch", blocks: 4 },
      { match: "*.q_proj", type: "monarch", blocks: 2 },
    ],
  });
  const params = initCausalLM(config, random.key(5));

  test("patterns match the last parts of names", () => {
    const name = "model.layers.12.mlp.up_proj";
    for (const yes of [
      "mlp.*",
      "up_proj",
      "*",
      "layers.12.*.up_proj",
      "layers.1*.mlp.up_proj",
      name,
      "*_proj",
    ]) {
      expect(matches(yes, name), yes).toBe(true);
    }
    for (const no of ["mlp", "layers.1.mlp.up_proj", "lp.up_proj", "*.*.*.*.*.*", "up.proj", "up_proj."]) {
      expect(matches(no, name), no).toBe(false);
    }
  });

  test("the first that matches counts, for the very matrices it matches", () => {
    const names = [...parametersOf(config).keys()].filter((name) => /\.(left|right)$/.test(name));
    const of = (name: string): string[] => [`model.layers.${name}.left`, `model.layers.${name}.right`];
    expect(names).toEqual(
      [
        "0.self_attn.q_proj",
        "0.mlp.gate_proj",
        "0.mlp.up_proj",
        "1.self_attn.q_proj",
        "1.mlp.gate_proj",
        "1.mlp.up_proj",
        "1.mlp.down_proj",
      ].flatMap(of),
    );
    expect(mapConfigOf(config.maps, "lm_head")).toEqual({ type: "dense" });
    // 16 to 32 in 4 blocks: 4·4·4 and 4·8·4; 16 to 16 in 2: twice 2·8·8.
    const dense = parameterCount(causalLMConfig({ ...SIZES, bias: "all", tieEmbeddings: false }));
    expect(dense - parameterCount(config)).toBe(5 * (512 - 64 - 128) + 2 * (256 - 256));
  });

  test("decodes token by token what the whole text gives, and exports", async () => {
    const large = await evaluate(mapTree(params, (p, name) => (/norm/.test(name) ? p : p.mul(3))));
    const ids = [3, 1, 4, 1, 5, 9, 2, 6];
    const whole = (await causalLM(
      config,
      large,
      tensor([ids], { dtype: "int32" }),
    ).logits.data()) as Float32Array;
    const decoder = createDecoder(config, large);
    let { logits, state } = await decoder.advance(await decoder.start(), [ids.slice(0, 3)]);
    for (let at = 3; ; at++) {
      expectClose(logits, Array.from(whole.subarray((at - 1) * 61, at * 61)), 1e-4);
      if (at === ids.length) break;
      ({ logits, state } = await decoder.advance(state, [ids.slice(at, at + 1)]));
    }
    await decoder.release();
    const { bytes } = await exportFamily(config, large, true);
    const session = await InferenceSession.create(bytes);
    const out = await session.run({ input_ids: new OrtTensor("int32", Int32Array.from(ids), [1, 8]) });
    await session.release();
    expectClose(out["logits"]?.data as Float32Array, Array.from(whole), 1e-4);
  });

  test("saves and loads with the same numbers", async () => {
    await saveModel(folder, config, params);
    const loaded = await loadModel(folder);
    expect(loaded.config).toEqual(config);
    const again = new Map(flattenTree(loaded.params));
    for (const [name, p] of flattenTree(params)) {
      expect(await again.get(name)?.data(), name).toEqual(await p.data());
    }
  });

  test.each([
    [
      [{ match: "mpl.*", type: "monarch", blocks: 4 }],
      'maps: match must fit some matrix, got "mpl.*". There are model.layers.N.self_attn.q_proj, model.layers.N.self_attn.k_proj, model.layers.N.self_attn.v_proj, model.layers.N.self_attn.o_proj, model.layers.N.mlp.gate_proj, model.layers.N.mlp.up_proj, model.layers.N.mlp.down_proj.',
    ],
    [
      [{ match: "embed_tokens", type: "monarch", blocks: 4 }],
      'maps: match must fit some matrix, got "embed_tokens".',
    ],
    [[{ match: "mlp.*", type: "monarc", blocks: 4 }], "Did you mean monarch?"],
    [
      [{ match: "mlp.*", type: "monarch", blocks: 3 }],
      "causalLM: model.layers.0.mlp.gate_proj: monarch: blocks=3 must divide the 16 numbers of the input, leftBlocks=3 the 32 of the output, and their product the smaller of both, got remainders 1, 2 and 7.",
    ],
    [[{ match: "mlp.*", type: "monarch" }], "monarch: blocks and leftBlocks must be whole numbers ≥ 1"],
    [{ match: "mlp.*" }, 'maps: rules must be a list, got {"match":"mlp.*"}.'],
    [[{ match: "mlp.*" }], 'maps: a rule must have a type, got {"match":"mlp.*"}.'],
    [[null], "maps: a rule must have a type, got null."],
    [[{ type: "monarch", blocks: 4 }], "maps: match must be the end of a matrix's name, got undefined."],
  ])("%j is refused", (rules, message) => {
    expect(() => causalLMConfig({ ...SIZES, maps: rules as never })).toThrow(message);
  });
});
