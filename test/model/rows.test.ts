// Wanted rows of texts of any length against the whole pass, wherever blocks of a prompt end.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { assert, asyncProperty, integer } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contextLoss } from "../../src/model/context-loss.ts";
import {
  causalLM,
  causalLMConfig,
  createDecoder,
  type Decoder,
  initCausalLM,
} from "../../src/model/index.ts";
import { loadModel } from "../../src/model/load.ts";
import { evaluate, random, tensor } from "../../src/tensor/index.ts";

const LONGEST = 400;
const SIZES = { vocabulary: 11, context: LONGEST, width: 8, layers: 2, heads: 2, hidden: 12 };
const MODELS = {
  dense: causalLMConfig({ ...SIZES, headWidth: 8, keyValueHeads: 1 }),
  "learned positions": causalLMConfig({ ...SIZES, position: { type: "learned" } }),
  "dynamic base": causalLMConfig({
    ...SIZES,
    position: { type: "ntk-dynamic", trainingLength: 40, scale: 2 },
  }),
  "sliding window": causalLMConfig({ ...SIZES, position: { type: "rope", slidingWindow: 50 } }),
  "transformer-vq": causalLMConfig({ ...SIZES, attention: { type: "transformer-vq", codes: 4, block: 7 } }),
  linear: causalLMConfig({ ...SIZES, attention: { type: "linear" } }),
};
const textOf = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => (i * i * 7 + i * seed + seed) % 11);

const models = join(
  process.env["ATHANOR_DATA"] ?? join(import.meta.dirname, "../../../shared/data"),
  "models",
);

async function wholePass(
  config: (typeof MODELS)["dense"],
  params: ReturnType<typeof initCausalLM>,
  texts: readonly (readonly number[])[],
): Promise<Float32Array> {
  const ids = tensor(Int32Array.from(texts.flat()), { shape: [texts.length, texts[0]?.length ?? 0] });
  return (await causalLM(config, params, ids).logits.data()) as Float32Array;
}

describe.each(Object.entries(MODELS))("%s", (_, config) => {
  const V = config.vocabulary;
  const params = evaluate(initCausalLM(config, random.key(5)));
  const texts = [textOf(LONGEST), textOf(LONGEST, 4)];
  let decoder: Decoder;
  beforeAll(async () => {
    decoder = createDecoder(config, await params);
  });
  afterAll(() => decoder.release());
  const wholes = new Map<number, Promise<Float32Array>>();
  /** Logits of the first `T` tokens of both texts; a causal model gives those of the longest text. */
  const whole = (T: number): Promise<Float32Array> => {
    const length = config.position.type === "ntk-dynamic" ? T : LONGEST;
    const known =
      wholes.get(length) ??
      params.then((p) =>
        wholePass(
          config,
          p,
          texts.map((text) => text.slice(0, length)),
        ),
      );
    wholes.set(length, known);
    return known;
  };
  const compare = async (T: number, rows: number, batch: number): Promise<void> => {
    const all = await whole(T);
    const length = all.length / 2 / V;
    const some = texts.slice(0, batch).map((text) => text.slice(0, T));
    const { logits, state } = await decoder.advance(await decoder.start(batch), some, rows);
    expect(state.length).toBe(T);
    expect(logits).toHaveLength(batch * rows * V);
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < rows * V; i++) {
        const expected = all[(b * length + T - rows) * V + i] ?? Number.NaN;
        const got = logits[b * rows * V + i] ?? Number.NaN;
        if (!(Math.abs(got - expected) < 1e-4)) {
          expect.fail(`text ${b} of ${T}, ${rows} rows, number ${i}: ${got} for ${expected}`);
        }
      }
    }
  };

  test("any length and any rows of it", async () => {
    await assert(
      asyncProperty(
        integer({ min: 1, max: LONGEST }),
        integer({ min: 1, max: 150 }),
        integer({ min: 1, max: 2 }),
        (T, rows, batch) => compare(T, Math.min(rows, T), batch),
      ),
      { seed: 9, numRuns: config.position.type === "ntk-dynamic" ? 8 : 25 },
    );
  });

  test.each([
    [1, 1],
    [128, 128],
    [129, 9],
    [136, 9],
    [222, 128],
    [256, 150],
    [349, 128],
    [350, 350],
    [400, 129],
  ])("%i tokens, %i rows", (T, rows) => compare(T, rows, 1));
});

test("rows and texts that cannot be are refused", async () => {
  const config = MODELS["learned positions"];
  const decoder = createDecoder(config, initCausalLM(config, random.key(5)));
  const start = await decoder.start();
  const advance = (ids: number[][], rows?: number) => decoder.advance(start, ids, rows);
  await expect(advance([[1, 2]], 3)).rejects.toThrow(
    "decode: rows must be 1 to the 2 tokens that are read, got 3.",
  );
  await expect(advance([[]])).rejects.toThrow(
    "decode: ids must be 1 texts of one length ≥ 1, got lengths 0.",
  );
  await expect(advance([[1], [2]])).rejects.toThrow(
    "decode: ids must be 1 texts of one length ≥ 1, got lengths 1, 1.",
  );
  await expect(advance([textOf(401)])).rejects.toThrow(
    "decode: text must fit the 400 learned positions of this model, got 401 tokens. Ask for fewer.",
  );
  await decoder.release();
});

test("every context scores the same tokens, also without a token to begin with", async () => {
  const config = MODELS.dense;
  const params = await evaluate(initCausalLM(config, random.key(5)));
  const decoder = createDecoder(config, params);
  const ids = textOf(300);
  const [short, long] = await contextLoss(decoder, ids, { contexts: [20, 150], stretches: 1 });
  await decoder.release();
  expect(short?.tokens).toBe(19);
  const lossOf = async (context: number): Promise<number> => {
    const stretch = ids.slice(300 - context);
    const logits = await wholePass(config, params, [stretch.slice(0, -1)]);
    let sum = 0;
    for (let at = context - 20; at < context - 1; at++) {
      const row = Array.from(logits.subarray(at * 11, (at + 1) * 11), Number);
      sum += Math.log(row.reduce((a, x) => a + Math.exp(x), 0)) - (row[stretch[at + 1] ?? 0] ?? 0);
    }
    return sum / 19;
  };
  expect(short?.loss).toBeCloseTo(await lossOf(20), 5);
  expect(long?.loss).toBeCloseTo(await lossOf(150), 5);
});

describe.skipIf(!existsSync(models))("stories15M (skipped: no ../shared/data/models)", () => {
  test("the loss of 128 tokens after 350 is that of the whole pass", async () => {
    const { config, params } = await loadModel(join(models, "stories15M/stories15M.bin"));
    // A text of its own making, so that losses are low where rows are the right ones.
    const decoder = createDecoder(config, params);
    const text = [1];
    let { logits, state } = await decoder.advance(await decoder.start(), [text]);
    while (text.length < 351) {
      text.push(logits.reduce((best, x, i) => (x > (logits[best] ?? 0) ? i : best), 0));
      ({ logits, state } = await decoder.advance(state, [text.slice(-1)]));
    }
    const whole = await wholePass(config, params, [text.slice(0, 350)]);
    for (const [T, rows] of [
      [350, 128],
      [136, 9],
    ] as const) {
      const got = await decoder.advance(await decoder.start(), [text.slice(0, T)], rows);
      const expected = whole.subarray((T - rows) * config.vocabulary, T * config.vocabulary);
      let worst = 0;
      got.logits.forEach((x, i) => (worst = Math.max(worst, Math.abs(x - (expected[i] ?? Number.NaN)))));
      expect(worst).toBeLessThan(2e-3);
    }
    await decoder.release();
  });
});
