// Adapters exchanged beside one base: each gives what it gives when worn alone, no session is opened for one of a set, and
// texts of one batch wear different ones.
import { afterAll, describe, expect, test } from "vitest";
import {
  type Adapter,
  doraAdapter,
  freshAdapter,
  isFactor,
  pissaAdapter,
  withAdapter,
} from "../../src/adapt/index.ts";
import { adapterSwitch, causalLMConfig, createDecoder, initCausalLM } from "../../src/model/index.ts";
import { evaluate, mapTree, random } from "../../src/tensor/index.ts";
import { expectClose } from "../support/check.ts";

const config = causalLMConfig({ vocabulary: 23, context: 16, width: 16, layers: 2, heads: 4, hidden: 32 });
const base = await evaluate(
  mapTree(initCausalLM(config, random.key(3)), (p, name) => (/norm/.test(name) ? p : p.mul(6))),
);
const noisy = (adapter: Adapter, seed: number): Adapter =>
  Object.fromEntries(
    Object.entries(adapter).map(([name, t]) => [
      name,
      isFactor(name)
        ? t.add(random.normal(random.fold(random.key(seed), name), t.shape as number[], { std: 0.2 }))
        : t,
    ]),
  );
const lora = (rank: number, seed: number, targets = ["self_attn.*", "mlp.*"]): Adapter =>
  noisy(freshAdapter(base, { rank, alpha: 2, targets }, random.key(seed)), seed);
const ids = [3, 1, 4, 1, 5, 9, 2, 6];

/** Logits after the text, then after one more token, of the model that wears `adapter`. */
async function alone(adapter: Adapter, text = ids): Promise<number[]> {
  const decoder = createDecoder(config, withAdapter(base, adapter));
  const first = await decoder.advance(await decoder.start(), [text]);
  const next = await decoder.advance(first.state, [[7]]);
  await decoder.release();
  return [...first.logits, ...next.logits];
}

describe("one base", () => {
  const adapters = adapterSwitch(config, base);
  afterAll(() => adapters.release());
  const worn = async (adapter: Adapter) => {
    const { decoder, session } = await adapters.wear(adapter);
    const first = await decoder.advance(await decoder.start(), [ids]);
    const next = await decoder.advance(first.state, [[7]]);
    return { logits: [...first.logits, ...next.logits], session };
  };

  test("wears adapters of one set in turn by loading them, of any rank up to the largest, and none", async () => {
    const [large, small, other] = [lora(4, 1), lora(2, 2), lora(4, 3)];
    const seen: string[] = [];
    for (const adapter of [large, small, other, large, {}]) {
      const { logits, session } = await worn(adapter);
      expectClose(logits, await alone(adapter), 2e-5);
      seen.push(session);
    }
    expect(seen).toEqual(["new", "open", "open", "open", "open"]);
  });

  test("says where a session is needed: a larger rank, other targets, another method", async () => {
    const cases: [Adapter, string][] = [
      [lora(6, 4), "new"],
      [lora(6, 5), "open"],
      [lora(2, 6, ["*.q_proj"]), "new"],
      [noisy(doraAdapter(base, { rank: 2 }, random.key(1)), 7), "new"],
      [lora(5, 8), "open"],
    ];
    for (const [adapter, session] of cases) {
      const result = await worn(adapter);
      expect(result.session).toBe(session);
      expectClose(result.logits, await alone(adapter), 2e-5);
    }
  });

  test("takes a start off that is part of the adapter", async () => {
    const start = await pissaAdapter(base, { rank: 2, targets: ["self_attn.*", "mlp.*"] }, random.key(9));
    const moved = {
      ...start,
      ...noisy(Object.fromEntries(Object.entries(start).filter(([n]) => isFactor(n))), 9),
    };
    const result = await worn(moved);
    expect(result.session).toBe("open"); // rank 2 + 2 fits in the 6 of before
    expectClose(result.logits, await alone(moved), 5e-5);
  });

  test("texts of one batch wear different adapters", async () => {
    const three = [lora(4, 1), lora(2, 2), lora(3, 3)];
    const { decoder, session } = await adapters.wearEach(three);
    expect(session).toBe("new");
    const texts = three.map((_, i) => ids.map((id) => (id + i) % 23));
    const { logits } = await decoder.advance(await decoder.start(3), texts);
    for (const [i, adapter] of three.entries()) {
      const expected = (await alone(adapter, texts[i])).slice(0, 23);
      expectClose(logits.subarray(i * 23, (i + 1) * 23), expected, 2e-5);
    }
    expect((await adapters.wearEach([lora(1, 4), lora(2, 5), lora(4, 6)])).session).toBe("open");
  });
});

describe("refused", () => {
  const adapters = adapterSwitch(config, base);
  afterAll(() => adapters.release());
  test.each<[string, () => Promise<unknown>, string]>([
    [
      "a module trained whole",
      () => adapters.wear({ ...lora(2, 1), "model.norm.weight": base.model.norm.weight }),
      "got model.norm.weight trained whole.",
    ],
    [
      "other targets in one batch",
      () => adapters.wearEach([lora(2, 1), lora(2, 1, ["*.q_proj"])]),
      "got others in place 1.",
    ],
    ["no adapters", () => adapters.wearEach([]), "must be of one method and one set of targets, got none."],
    [
      "DoRA for each text",
      () => adapters.wearEach([doraAdapter(base, { rank: 2 }, random.key(1))]),
      "may wear different LoRA factors of matrices, got model.layers.0.mlp.down_proj.lora_magnitude.",
    ],
  ])("%s", async (_, act, message) => {
    await expect(act()).rejects.toThrow(message);
  });
});
