// Layers of different kinds in one model: filters beside attention.
import { expect, test } from "vitest";
import { createDecoder } from "../../src/model/decode.ts";
import { causalLM, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { mapTree, random, tensor } from "../../src/tensor/index.ts";

test("rtf beside dense: token by token as in one piece, and only attention's cache grows", async () => {
  const config = causalLMConfig({
    vocabulary: 31,
    context: 8,
    width: 16,
    layers: 3,
    heads: 4,
    attention: { type: "rtf", state: 5 },
    position: { type: "none" },
    perLayer: [{}, { attention: { type: "dense" }, position: { type: "rope", base: 10_000 } }, {}],
  });
  const params = mapTree(initCausalLM(config, random.key(2)), (p) => p.mul(4)) as ReturnType<
    typeof initCausalLM
  >;
  const ids = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]; // longer than the context that numerators were made for
  const whole = Array.from(
    await causalLM(config, params, tensor(Int32Array.from(ids), { shape: [1, ids.length] })).logits.data(),
    Number,
  );
  const decoder = createDecoder(config, params);
  let state = await decoder.start();
  for (const [t, id] of ids.entries()) {
    const out = await decoder.advance(state, [[id]]);
    state = out.state;
    out.logits.forEach((x, v) => expect(x).toBeCloseTo(whole[31 * t + v] ?? Number.NaN, 4));
  }
  expect(state.fixed.map((layer) => Object.values(layer).map((x) => x.shape))).toEqual([
    [[1, 16, 5]],
    [],
    [[1, 16, 5]],
  ]);
  await decoder.release();
});
