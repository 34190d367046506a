// PiSSA: the principal part and nothing else, as peft has it; the start taken off exactly.
import { expect, test } from "vitest";
import {
  freshAdapter,
  loraScale,
  merge,
  pissaAdapter,
  pissaStart,
  withAdapter,
} from "../../src/adapt/index.ts";
import { matmul, random, tensor, transpose } from "../../src/tensor/index.ts";
import { principal } from "../reference/pissa.ts";
import { methodsGolden, rowsOf, wave } from "../support/adapt-cases.ts";
import { expectClose, list } from "../support/check.ts";

const { O, I, R } = methodsGolden.sizes;
const weight = wave(1, [O, I]);

test("is peft's start, up to the signs of singular vectors", async () => {
  const { alpha, product, a, b } = methodsGolden.pissa;
  const start = await pissaStart(weight, { rank: R, alpha }, random.key(1));
  expectClose(await list(matmul(start.lora_B, start.lora_A)), product.flat(), 2e-6);
  expectClose(await list(matmul(transpose(start.lora_A), start.lora_A)), a.flat(), 2e-6);
  expectClose(await list(matmul(start.lora_B, transpose(start.lora_B))), b.flat(), 2e-6);
});

test("is the sum of the first directions, whatever the scale, and shares each value between the factors", async () => {
  const { product, values } = principal(await rowsOf(weight), 3);
  for (const size of [{ rank: 3 }, { rank: 3, alpha: 7 }, { rank: 3, alpha: 5, root: true }]) {
    const s = loraScale(size);
    const { lora_A, lora_B } = await pissaStart(weight, size, random.key(2), 10);
    expectClose(await list(matmul(lora_B, lora_A).mul(s)), product.flat(), 1e-9);
    const gram = await list(matmul(lora_A, lora_A, { transposeB: true }));
    expectClose(
      gram,
      gram.map((_, i) => (i % 4 === 0 ? (values[i / 4] ?? 0) / s : 0)),
      1e-7,
    );
  }
});

test("an adapter starts as its base bit by bit, tables as LoRA's, and a full rank leaves nothing of the matrix", async () => {
  const base = {
    lm_head: { weight: wave(1, [6, 5], "float32") },
    embed_tokens: { weight: wave(2, [7, 5], "float32") },
  };
  const config = { rank: 5, alpha: 2, targets: ["lm_head", "embed_tokens"] };
  const adapter = await pissaAdapter(base, config, random.key(3));
  const { params } = await merge(withAdapter(base, adapter));
  expect(await list(params.lm_head.weight)).toEqual(await list(base.lm_head.weight));
  expect(await list(params.embed_tokens.weight)).toEqual(await list(base.embed_tokens.weight));
  const plain = freshAdapter(base, config, random.key(3));
  const table = "embed_tokens.lora_embedding_B";
  expect(await list(adapter[table] ?? tensor(0))).toEqual(await list(plain[table] ?? tensor(1)));
  const [a, b] = [adapter["lm_head.lora_A"], adapter["lm_head.lora_B"]];
  if (!a || !b) throw new Error("no factors");
  expectClose(await list(matmul(b, a).mul(2 / 5)), await list(base.lm_head.weight), 1e-5);
});
