// What every family writes greedily in Node: with its cache, and as an exported file. A page must write the same
// (test/browser/families.test.ts).
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { argMaxOf } from "../../src/model/sampling.ts";
import { createDecoder } from "../../src/model/index.ts";
import golden from "../golden/families.json" with { type: "json" };
import { exportFamily, FAMILIES, greedy, paramsOf, PROMPT, WRITTEN } from "../support/families.ts";

const written: Readonly<Record<string, readonly number[]>> = golden;

describe.each(Object.entries(FAMILIES))("%s", (name, config) => {
  test("writes the stored text token by token, with its cache", async () => {
    const decoder = createDecoder(config, await paramsOf(config));
    const tokens: number[] = [];
    let { logits, state } = await decoder.advance(await decoder.start(), [PROMPT]);
    for (;;) {
      tokens.push(argMaxOf(logits));
      if (tokens.length === WRITTEN) break;
      ({ logits, state } = await decoder.advance(state, [tokens.slice(-1)]));
    }
    await decoder.release();
    expect(tokens).toEqual(written[name]);
  });

  test.each([true, false])("writes it as an exported file, portable: %s", async (portable) => {
    const { bytes } = await exportFamily(config, await paramsOf(config), portable);
    const session = await InferenceSession.create(bytes);
    const { tokens, lead } = await greedy(async (ids, dims) => {
      const { logits } = await session.run({ input_ids: new OrtTensor("int32", ids, dims) });
      return logits?.data as Float32Array;
    });
    await session.release();
    expect(tokens).toEqual(written[name]);
    // Far enough ahead that another machine's rounding chooses the same.
    expect(lead).toBeGreaterThan(5e-4);
  });
});
