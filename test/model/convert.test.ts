// Matrices of a model in another form and back.
import { expect, test } from "vitest";
import { convertLinear, parseLinear } from "../../src/model/convert.ts";
import { causalLM, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { flattenTree, random, type Tensor, tensor } from "../../src/tensor/index.ts";
import { expectClose, list } from "../support/check.ts";

const config = causalLMConfig({ vocabulary: 31, context: 8, width: 16, layers: 2, heads: 4, bias: "all" });
const params = initCausalLM(config, random.key(3));
const ids = tensor(Int32Array.from([3, 1, 4, 1, 5]), { shape: [1, 5] });

test("to Monarch: each matrix smaller, what is lost told, the same model as its dense form", async () => {
  const rule = parseLinear("monarch:blocks=4");
  const { config: next, params: own, matrices } = await convertLinear(config, params, rule);
  expect(next.maps).toEqual([{ type: "monarch", blocks: 4, match: "layers.*.*.*" }]);
  expect(matrices.length).toBeGreaterThan(10);
  for (const { name, before, after, lost } of matrices) {
    expect(after, name).toBeLessThan(before);
    expect(lost, name).toBeGreaterThan(0.1);
    expect(lost, name).toBeLessThan(0.9);
  }
  const back = await convertLinear(next, own, parseLinear("dense"));
  expect(back.config.maps).toBe(undefined);
  expect(
    flattenTree(back.params)
      .map(([name]) => name)
      .sort(),
  ).toEqual(
    flattenTree(params)
      .map(([name]) => name)
      .sort(),
  );
  const logits = (c: typeof config, p: typeof params): Tensor => causalLM(c, p, ids).logits;
  expectClose(await list(logits(next, own)), await list(logits(back.config, back.params)), 1e-5);
  // What is of the form already loses nothing.
  const again = await convertLinear(back.config, back.params, rule);
  for (const { lost } of again.matrices) expect(lost).toBeLessThan(1e-3);
});

test("only those that match, and one block is the matrix itself", async () => {
  const mlp = await convertLinear(config, params, parseLinear("monarch:blocks=2,match=mlp.*"));
  expect(mlp.matrices.every(({ name }) => name.includes(".mlp."))).toBe(true);
  const one = await convertLinear(config, params, parseLinear("monarch:blocks=1"));
  for (const { lost } of one.matrices) expect(lost).toBeLessThan(1e-6);
  expectClose(
    await list(causalLM(one.config, one.params, ids).logits),
    await list(causalLM(config, params, ids).logits),
    1e-5,
  );
});

test.each([
  ["monarch:block=2", 'linear: monarch: option "block" is unknown.'],
  ["monarc:blocks=2", 'got "monarc". Did you mean monarch?'],
  ["monarch:blocks", 'linear: "blocks" of "monarch:blocks" must be field=number.'],
  ["monarch:blocks=2:3", 'linear: text must be kind:field=number,…, got "monarch:blocks=2:3".'],
])("%s is refused", (text, message) => {
  expect(() => parseLinear(text)).toThrow(message);
});

test.each([
  ["monarch:blocks=3", "blocks=3 must divide the 16 numbers of the input"],
  ["nbit:bits=8", "convert: linear must be monarch or dense, got nbit. Use generate --bits."],
  ["dense:match=nothing", 'maps: match must fit some matrix, got "nothing".'],
])("%s cannot be of this model", async (text, message) => {
  await expect(convertLinear(config, params, parseLinear(text))).rejects.toThrow(message);
});
