// What every kind of mixer must do. A new kind is one more row.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, describe, expect, test } from "vitest";
import { ATTENTION_TYPES, type AttentionConfig, mixerOf } from "../../src/model/attention-config.ts";
import { cacheShapes, layerAttention, layerOf } from "../../src/model/config.ts";
import { causalLM, causalLMConfig, type CausalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { learn, trainedBy } from "../../src/model/learn.ts";
import type { Mixed, Places, State } from "../../src/model/mixer.ts";
import { loadModel } from "../../src/model/load.ts";
import { saveModel } from "../../src/model/save.ts";
import {
  evaluate,
  flattenTree,
  iota,
  mapTree,
  mean,
  narrow,
  random,
  square,
  type Tensor,
  tensor,
  valueAndGrad,
} from "../../src/tensor/index.ts";
import { exportFamily } from "../support/families.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-mixers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIZES = { vocabulary: 61, context: 16, width: 16, layers: 2, heads: 4 };
const TABLE: readonly (readonly [AttentionConfig, Partial<CausalLMConfig>?])[] = [
  [{ type: "dense" }, { keyValueHeads: 2, position: { type: "rope", base: 10_000 } }],
  [{ type: "dense" }, { position: { type: "rerope", window: 3 }, headNorm: true }],
  [{ type: "dense" }, { position: { type: "rope", slidingWindow: 3 }, bias: "attention" }],
  [{ type: "mla", latentWidth: 8, rotaryWidth: 4 }],
  [{ type: "mla", latentWidth: 6, rotaryWidth: 2, queryLatentWidth: 5, contentWidth: 3, valueWidth: 5 }],
  [{ type: "window", window: 3 }, { keyValueHeads: 2 }],
  [{ type: "linear" }, { keyValueHeads: 2, bias: "qkv" }],
  [{ type: "performer", features: 9, seed: 3 }],
  [{ type: "rnn", cell: "gru" }, { bias: "attention" }],
  [{ type: "rnn", cell: "lstm", solver: "deer", iterations: 7 }],
  [{ type: "rtf", state: 5 }, { bias: "attention" }],
  [{ type: "rtf", state: 1, length: 5, poles: "free" }],
  [{ type: "transformer-vq", codes: 5, block: 3 }, { keyValueHeads: 2 }],
  [{ type: "transformer-vq", codes: 5, block: 2, distance: "bias", gradient: "near" }],
  [
    { type: "transformer-vq", codes: 5, block: 3, heads: "plain" },
    { position: { type: "rerope", window: 2 } },
  ],
];

test("every kind has a row", () => {
  expect(new Set(TABLE.map(([{ type }]) => type))).toEqual(new Set(ATTENTION_TYPES));
});

describe.each(TABLE.map(([attention, more]) => [JSON.stringify({ ...attention, ...more }), attention, more]))(
  "%s",
  (_, attention, more = {}) => {
    const config = causalLMConfig({ ...SIZES, attention, ...more });
    const layer = layerOf(config, 1);
    const mixer = mixerOf(attention);
    const params = initCausalLM(config, random.key(5));
    // Fresh matrices are so small that little depends on anything.
    const own = mapTree(params, (p, name) => (name.includes("codebook.count") ? p : p.mul(10))).model
      .layers[1]?.self_attn as (typeof params.model.layers)[0]["self_attn"];
    const [B, T] = [2, 7];
    const x = random.normal(random.key(2), [B, T, 16]);
    const whole = (of: Tensor): Mixed<State, unknown> => {
      const places = iota(of.shape[1] ?? 1);
      return mixer.mix(attention, layer, own, of, undefined, { queries: places, keys: places });
    };
    const step = (token: Tensor, before: State | undefined, t: number): Mixed<State, unknown> => {
      const keys = iota(t + 1);
      const at: Places = { queries: narrow(keys, 0, t, t + 1), keys };
      return mixer.mix(attention, layer, own, token, before, at);
    };
    const numbers = async (t: Tensor | undefined): Promise<number[]> =>
      Array.from((await t?.data()) ?? [], Number);

    test("the whole text and step by step give the same at every place, and caches of the shapes it lists", async () => {
      const all = await numbers(whole(x).y);
      const shapes = cacheShapes(config)[1] ?? {};
      let state: State | undefined;
      for (let t = 0; t < T; t++) {
        const { y, cache } = await evaluate(step(narrow(x, 1, t, t + 1), state, t));
        state = cache;
        expect(y.shape).toEqual([B, 1, 16]);
        const got = await numbers(y);
        for (let b = 0; b < B; b++) {
          for (let c = 0; c < 16; c++) {
            expect(got[b * 16 + c]).toBeCloseTo(all[(b * T + t) * 16 + c] ?? Number.NaN, 4);
          }
        }
        const sized = Object.entries(shapes).map(([name, shape]) => [
          name,
          shape.map((d) => (d === "B" ? B : d === "S" ? t + 1 : d)),
        ]);
        expect(Object.fromEntries(Object.entries(cache).map(([name, c]) => [name, c.shape]))).toEqual(
          Object.fromEntries(sized),
        );
      }
    });

    test("a text of one token is its own whole", async () => {
      const one = narrow(x, 1, 0, 1);
      const [a, b] = [await numbers(whole(one).y), await numbers(step(one, undefined, 0).y)];
      expect(a).toHaveLength(B * 16);
      a.forEach((v, i) => expect(v).toBeCloseTo(b[i] ?? Number.NaN, 6));
    });

    test("gradients are finite, and reach every parameter that gradients train", async () => {
      const ids = tensor([[3, 1, 4, 1, 5, 9, 2]], { dtype: "int32" });
      const { grad } = valueAndGrad((p: typeof params) => ({
        loss: mean(square(causalLM(config, p, ids).logits)),
      }))(params);
      const trained = trainedBy(config);
      for (const [name, g] of flattenTree(await evaluate(grad))) {
        const values = await numbers(g);
        expect(values.every(Number.isFinite), name).toBe(true);
        if (trained(name))
          expect(
            values.some((v) => v !== 0),
            name,
          ).toBe(true);
      }
    });

    test("what gradients do not train learns from what was seen, and nothing else does", async () => {
      const { seen } = causalLM(config, params, tensor([[3, 1, 4, 1, 5]], { dtype: "int32" }));
      const trained = trainedBy(config);
      const after = new Map(flattenTree(await evaluate(learn(config, params, seen))));
      for (const [name, p] of flattenTree(params)) {
        const same = (await numbers(p)).join() === (await numbers(after.get(name))).join();
        expect(same, name).toBe(trained(name));
      }
      expect(Object.keys(seen).length > 0).toBe("learn" in mixer);
    });

    test("one seed makes one model, and another another", async () => {
      const [same, other] = [initCausalLM(config, random.key(5)), initCausalLM(config, random.key(6))];
      const name = "model.layers.1.self_attn.o_proj.weight";
      const of = (p: typeof params): Promise<number[]> => numbers(new Map(flattenTree(p)).get(name));
      expect(await of(same)).toEqual(await of(params));
      expect(await of(other)).not.toEqual(await of(params));
    });

    test("a stream of another width is refused with both sizes", () => {
      expect(() => whole(random.normal(random.key(2), [B, T, 15]))).toThrow(/16.*15|15.*16/);
    });

    test("scores are hidden from later tokens, and those only", async () => {
      if (mixer.scores === undefined)
        return expect(["mla", "linear", "performer", "rnn", "rtf"]).toContain(attention.type);
      const scores = mixer.scores(attention, layer, own, x);
      expect(scores.shape).toEqual([B, 4, T, T]);
      const values = await numbers(scores);
      const near = attention.type === "window" || "slidingWindow" in config.position ? 3 : T;
      values.forEach((v, i) => {
        const [from, to] = [Math.floor(i / T) % T, i % T];
        expect(v > -1e8, `${from} to ${to}`).toBe(to <= from && from - to < near);
      });
    });

    test("a mask of its own is honoured or refused", async () => {
      // Two texts of 7 and 4 tokens, read in both directions; what stands behind the shorter one is nobody's concern.
      const lengths = [7, 4];
      const mask = tensor(
        Uint8Array.from({ length: B * T }, (_, i) => Number(i % T < (lengths[Math.floor(i / T)] ?? 0))),
        { shape: [B, 1, 1, T], dtype: "bool" },
      );
      const ids = (last: number): Tensor =>
        tensor(Int32Array.from([3, 1, 4, 1, 5, 9, 2, 2, 7, 1, 8, last, last, last]), { shape: [B, T] });
      const read = async (last: number): Promise<number[]> =>
        numbers(causalLM(config, params, ids(last), { mask }).logits);
      const window = "slidingWindow" in config.position;
      if (!mixer.takesMask) {
        await expect(read(2)).rejects.toThrow(
          `causalLM: layer 0: ${attention.type} attention sees what stands before a token and takes no other mask.`,
        );
        return;
      }
      const [a, b] = [await read(2), await read(33)];
      const upTo = (T + 4) * 61;
      expect(a.slice(0, upTo)).toEqual(b.slice(0, upTo));
      const causal = await numbers(causalLM(config, params, ids(2)).logits);
      // The first token sees the later ones now, unless a window of its own hides them.
      expect(Math.abs((a[0] ?? 0) - (causal[0] ?? 0)) > 1e-9).toBe(!window);
    });

    test("saves and loads with the same numbers", async () => {
      const at = join(folder, JSON.stringify({ ...attention, ...more }).replace(/\W+/g, "-"));
      await saveModel(at, config, params);
      const loaded = await loadModel(at);
      expect(loaded.config).toEqual(config);
      expect(layerAttention(loaded.config, 1)).toEqual(attention);
      const again = new Map(flattenTree(loaded.params));
      for (const [name, p] of flattenTree(params)) {
        expect(await numbers(again.get(name)), name).toEqual(await numbers(p));
      }
    });

    test("exports to a standard ONNX file of the same logits", async () => {
      const { bytes } = await exportFamily(config, params, true);
      const session = await InferenceSession.create(bytes);
      const ids = Int32Array.from([3, 1, 4, 1, 5, 9, 2, 6]);
      const out = await session.run({ input_ids: new OrtTensor("int32", ids, [2, 4]) });
      await session.release();
      const expected = await numbers(causalLM(config, params, tensor(ids, { shape: [2, 4] })).logits);
      Array.from(out["logits"]?.data as Float32Array).forEach((v, i) =>
        expect(v).toBeCloseTo(expected[i] ?? Number.NaN, 5),
      );
    });
  },
);
