// Parameters taken apart by name and put together again, inside a compiled step whose frozen part is constant.
import { expect, test } from "vitest";
import { causalLM, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { crossEntropy, joinParams, splitParams } from "../../src/nn/index.ts";
import { compile, flattenTree, grad, random, type Tensor, tensor } from "../../src/tensor/index.ts";

const config = causalLMConfig({ vocabulary: 17, context: 8, width: 8, layers: 2, heads: 2 });
const params = initCausalLM(config, random.key(1));
const isTrained = (name: string): boolean => name.includes("layers.1.mlp");

test("joined they are what they were, in its order, and a missing leaf is named", () => {
  const { trained, frozen } = splitParams(params, isTrained);
  expect(Object.keys(trained)).toEqual(
    ["gate_proj", "up_proj", "down_proj"].map((name) => `model.layers.1.mlp.${name}.weight`),
  );
  expect(flattenTree(joinParams(params, trained, frozen))).toEqual(flattenTree(params));
  expect(() => joinParams(params, trained)).toThrow(
    'joinParams: "model.embed_tokens.weight" must be in one of the parts, got none.',
  );
});

test("gradients by the trained part alone are those by everything", async () => {
  const { trained, frozen } = splitParams(params, isTrained);
  const ids = tensor([[3, 1, 4, 1, 5]], { dtype: "int32" });
  const loss = (p: typeof params): Tensor =>
    crossEntropy(causalLM(config, p, ids).logits, tensor([[1, 4, 1, 5, 9]], { dtype: "int32" }));
  const part = compile((t: typeof trained) =>
    grad((own: typeof trained) => loss(joinParams(params, own, frozen)))(t),
  );
  const got = await part(trained);
  const all = new Map(flattenTree(grad(loss)(params)));
  for (const [name, g] of Object.entries(got)) {
    const expected = Array.from((await all.get(name)?.data()) ?? [], Number);
    Array.from(await g.data(), Number).forEach((x, i) => expect(x).toBeCloseTo(expected[i] ?? Number.NaN, 6));
  }
  await part.release();
});
