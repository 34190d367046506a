// Texts that are cut into tokens anew each time they are seen.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { causalLMConfig } from "../../src/model/index.ts";
import { byteTokenizer, createTokenizer, trainBytePiece } from "../../src/tokenizer/index.ts";
import { windowDrawer } from "../../src/train/segmentation.ts";
import { trainSettings } from "../../src/train/settings.ts";
import { textTask } from "../../src/train/text-task.ts";

const text = readFileSync(new URL("../../docs/training.md", import.meta.url), "utf8");
const [model] = (await trainBytePiece([text], { vocabularySize: 350, minCount: 2 })).models;
if (!model) throw new Error("no tokenizer");
const tokenizer = createTokenizer(model);
const words = tokenizer.encode(text);
const special = tokenizer.specials[0]?.id ?? -1;
const ids = Int32Array.of(...words, special, ...words.subarray(0, 200));
const LENGTH = 33;
const bytes = (of: Int32Array): string => Buffer.from(tokenizer.decodeBytes(of)).toString("latin1");

describe("windows drawn anew", () => {
  const draw = windowDrawer(tokenizer, { alpha: 0.2 }, { seed: 3, length: LENGTH });

  test("hold the text from their start, in other tokens for each sequence, and the same for the same", () => {
    for (const start of [0, 17, 150]) {
      const windows = [1, 2, 1].map((sequence) => draw(ids, start, sequence));
      const plain = bytes(ids.subarray(start, start + 3 * LENGTH));
      for (const window of windows) {
        expect(window).toHaveLength(LENGTH);
        expect(plain.startsWith(bytes(window)), `from ${start}`).toBe(true);
      }
      expect(windows[0]).toEqual(windows[2]);
      expect(windows[0]).not.toEqual(windows[1]);
    }
  });

  test("come near the plain tokens as alpha grows, and end where the text ends", () => {
    const sharp = windowDrawer(tokenizer, { alpha: 1000 }, { seed: 3, length: LENGTH });
    // A window that begins inside the text is cut as if it began there.
    expect(sharp(ids, 40, 0)).toEqual(
      tokenizer.encode(tokenizer.decodeBytes(ids.subarray(40, 40 + LENGTH))).slice(0, LENGTH),
    );
    const last = sharp(ids, ids.length - 5, 0);
    expect(bytes(last.subarray(0, 5))).toBe(bytes(ids.subarray(ids.length - 5)));
    expect(Array.from(last.subarray(6)).every((id) => id === 0)).toBe(true);
  });

  test("keep special tokens where they stand", () => {
    const at = words.length - 4;
    const window = draw(ids, at, 9);
    const place = window.indexOf(special);
    expect(bytes(window.subarray(0, place))).toBe(bytes(words.subarray(at)));
  });
});

test("a batch is a function of seed and step alone, so that a resumed run sees the same tokens", async () => {
  const config = causalLMConfig({
    vocabulary: tokenizer.vocabularySize,
    context: 16,
    width: 8,
    layers: 1,
    heads: 1,
  });
  const settings = trainSettings({ batch: 4, steps: 20, segmentation: { alpha: 0.2 } });
  const make = (changes: Partial<typeof settings> = {}) =>
    textTask({
      config,
      settings: { ...settings, ...changes },
      ids: { train: ids, validation: words },
      bytesOf: new Int32Array(tokenizer.vocabularySize).fill(1),
      samples: { tokenizer, prompts: [] },
    });
  const numbers = async (task: ReturnType<typeof make>, step: number): Promise<number[]> =>
    Array.from(await (await task.batch(step, 0, 1)).ids.data(), Number);
  const [one, other] = [make(), make()];
  await numbers(one, 0);
  expect(await numbers(one, 7)).toEqual(await numbers(other, 7));
  expect(await numbers(one, 7)).not.toEqual(await numbers(make({ segmentation: { alpha: 3 } }), 7));
});

test("a tokenizer with one way to cut, and a bad alpha, are refused", () => {
  expect(() => windowDrawer(byteTokenizer(), { alpha: 1 }, { seed: 0, length: 4 })).toThrow(
    "train: segmentation needs a tokenizer that can cut a text in many ways (bytepiece, unigram), got bytes.",
  );
  for (const alpha of [-0.1, Number.NaN, Infinity]) {
    expect(() => trainSettings({ segmentation: { alpha } })).toThrow(
      `train: segmentation.alpha must be a number ≥ 0, got ${alpha}.`,
    );
  }
});
