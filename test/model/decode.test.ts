// A decoder against the whole text at once: across growing buffers, branches and batches.
import { describe, expect, test } from "vitest";
import { causalLM, causalLMConfig, createDecoder, initCausalLM } from "../../src/model/index.ts";
import { evaluate, random, tensor } from "../../src/tensor/index.ts";

const SHAPE = { vocabulary: 31, context: 256, width: 32, layers: 2, heads: 4, hidden: 48 };
/** Kinds of caches: by head and with a kernel; by head without; a row a token; of constant size. */
const CONFIGS = {
  "grouped heads of 8": causalLMConfig({ ...SHAPE, keyValueHeads: 2 }),
  "heads of 6": causalLMConfig({ ...SHAPE, width: 24 }),
  "unturned keys": causalLMConfig({ ...SHAPE, position: { type: "rerope", window: 8 } }),
  mla: causalLMConfig({ ...SHAPE, attention: { type: "mla", latentWidth: 12, rotaryWidth: 4 } }),
  linear: causalLMConfig({ ...SHAPE, attention: { type: "linear" }, position: { type: "none" } }),
};
const idsOf = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, i) => (i * i * 7 + i * seed + seed) % 31);

describe.each(Object.entries(CONFIGS))("%s", (_, config) => {
  const params = evaluate(initCausalLM(config, random.key(5)));
  const wholeText = async (ids: readonly number[]): Promise<Float32Array> => {
    const x = tensor(Int32Array.from(ids), { shape: [1, ids.length] });
    return (await causalLM(config, await params, x).logits.data()) as Float32Array;
  };
  const expectRow = (got: Float32Array, whole: Float32Array, row: number): void => {
    for (let v = 0; v < 31; v++) expect(got[v]).toBeCloseTo(whole[row * 31 + v] as number, 4);
  };

  test("buffers grow without a trace", async () => {
    const decoder = createDecoder(config, await params);
    const ids = idsOf(140, 3);
    const whole = await wholeText(ids);
    let { logits, state } = await decoder.advance(await decoder.start(), [ids.slice(0, 61)]);
    expectRow(logits, whole, 60);
    for (let at = 61; at < ids.length; at++) {
      ({ logits, state } = await decoder.advance(state, [[ids[at] as number]]));
      expectRow(logits, whole, at);
    }
    await decoder.release();
  });

  test("several texts go on from one state, in any order, also at once", async () => {
    const decoder = createDecoder(config, await params);
    const start = idsOf(9, 2);
    const { state } = await decoder.advance(await decoder.start(), [start]);
    const ends = [
      [1, 2, 3, 4],
      [9, 8, 7, 6],
      [5, 5, 5, 5],
    ];
    const goOn = async (end: number[]): Promise<Float32Array> => {
      let now = state;
      let logits: Float32Array = new Float32Array();
      for (const id of end) ({ logits, state: now } = await decoder.advance(now, [[id]]));
      return logits;
    };
    const results = [...(await Promise.all(ends.slice(0, 2).map(goOn))), await goOn(ends[2] as number[])];
    for (const [i, end] of ends.entries()) {
      expectRow(results[i] as Float32Array, await wholeText([...start, ...end]), start.length + 3);
    }
    await decoder.release();
  });

  test("a batch writes what each text writes alone", async () => {
    const decoder = createDecoder(config, await params);
    const texts = [idsOf(9, 2), idsOf(9, 11), idsOf(9, 17)];
    const wholes = await Promise.all(texts.map(wholeText));
    let { state } = await decoder.advance(
      await decoder.start(3),
      texts.map((t) => t.slice(0, 5)),
    );
    for (let at = 5; at < 9; at++) {
      const out = await decoder.advance(
        state,
        texts.map((t) => t.slice(at, at + 1)),
      );
      state = out.state;
      wholes.forEach((whole, b) => expectRow(out.logits.subarray(b * 31, (b + 1) * 31), whole, at));
    }
    await decoder.release();
  });
});
