// Specials of one's own in every way of training: roles, ids, and that no text forges them or teaches them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { Tokenizer as Rust } from "tokenizers";
import { afterAll, describe, expect, test } from "vitest";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import { writeHuggingFace } from "../../src/tokenizer/formats/hugging-face-write.ts";
import { parseTokenizer } from "../../src/tokenizer/formats/index.ts";
import { type TokenizerModel, latin1 } from "../../src/tokenizer/model.ts";
import { trainBpeFiles } from "../../src/tokenizer/node/train-bpe.ts";
import { trainUnigramFiles } from "../../src/tokenizer/node/train-unigram.ts";
import { trainBpe } from "../../src/tokenizer/train/bpe.ts";
import { trainBytePiece } from "../../src/tokenizer/train/bytepiece.ts";
import type { TextBlock } from "../../src/tokenizer/train/chunk.ts";
import type { Corpus } from "../../src/tokenizer/train/corpus.ts";
import { type NewSpecial, cutAtSpecials, newSpecials } from "../../src/tokenizer/train/specials.ts";
import { trainUnigram } from "../../src/tokenizer/train/unigram.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-specials-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SPECIALS: readonly NewSpecial[] = [
  { text: "<pad>", role: "pad" },
  { text: "<|im_start|>", role: "bos" },
  { text: "<|im_end|>", role: "eos" },
  { text: "<|im_start|>user" },
];
const TEXT =
  "<|im_start|>user\nthe hat of the cat<|im_end|>\n<|im_start|>the bat and the cat<|im_end|>\n".repeat(30);
const options = { vocabularySize: 290, specials: SPECIALS };

const MODES: readonly [string, (texts: string[]) => Promise<TokenizerModel>][] = [
  ["unigram", async (texts) => only((await trainUnigram(texts, options)).models)],
  ["bytepiece", async (texts) => only((await trainBytePiece(texts, options)).models)],
  ["bpe", async (texts) => only((await trainBpe(texts, options)).models)],
  ["bpe of lines", async (texts) => only((await trainBpe(texts, { ...options, split: false })).models)],
];

function only<T>([model]: readonly T[]): T {
  if (model === undefined) throw new Error("no model");
  return model;
}

describe.each(MODES)("%s", (_, train) => {
  test("ids, roles, and no text becomes one unless it may", async () => {
    const model = await train([TEXT]);
    const tokenizer = createTokenizer(model);
    expect(tokenizer.specials.map((s) => [s.id, s.text, s.role])).toEqual([
      [0, "<pad>", "pad"],
      [1, "<|im_start|>", "bos"],
      [2, "<|im_end|>", "eos"],
      [3, "<|im_start|>user", "other"],
    ]);
    expect([tokenizer.bos, tokenizer.eos]).toEqual([1, 2]);
    expect(tokenizer.encode(TEXT).some((id) => id < 4)).toBe(false);
    const ids = [...tokenizer.encode("<|im_start|>user the<|im_end|>", { allowSpecials: true })];
    expect([ids[0], ids.at(-1)]).toEqual([3, 2]);
    expect(tokenizer.decode(ids, { specials: "show" })).toBe("<|im_start|>user the<|im_end|>");
  });

  test("what spells them is not learnt: as if each stood between two texts", async () => {
    const parts = TEXT.split(/<\|im_start\|>user|<\|im_start\|>|<\|im_end\|>/);
    expect(await train([TEXT])).toEqual(await train(parts));
    const { pieces } = await train([TEXT]);
    expect(pieces.map(latin1).filter((p) => p.includes("<|") || p.includes("im_"))).toEqual([]);
  });

  test("they are saved with their roles and read by the Rust library", async () => {
    const model = await train([TEXT]);
    const json = writeHuggingFace(model);
    expect(parseTokenizer(new TextEncoder().encode(json)).model).toEqual(model);
    const text = "<|im_start|>user the cat<|im_end|>\nthe";
    const there = (await Rust.fromString(json).encode(text, null, { addSpecialTokens: false })).getIds();
    expect([...createTokenizer(model).encode(text, { allowSpecials: true })]).toEqual(there);
  });
});

test("blocks of any size are cut at the same places", async () => {
  const unit = fc.constantFrom("a", "<", "|", "<|", "<|x|>", "<|x|>y", "é", "\n");
  const specials = newSpecials("t", [{ text: "<|x|>" }, { text: "<|x|>y" }, { text: "||" }]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(unit, { maxLength: 20 }),
      fc.integer({ min: 1, max: 9 }),
      async (units, size) => {
        const bytes = new TextEncoder().encode(units.join(""));
        const blocks: TextBlock[] = Array.from({ length: Math.ceil(bytes.length / size) || 1 }, (_, i) => ({
          bytes: bytes.subarray(i * size, (i + 1) * size),
          last: (i + 1) * size >= bytes.length,
        }));
        const parts = [""];
        const corpus: Corpus = { blocks: () => blocks };
        for await (const block of cutAtSpecials(corpus, specials).blocks()) {
          parts[parts.length - 1] += latin1(block.bytes);
          if (block.last && block.goesOn === true) parts.push("");
        }
        expect(parts).toEqual(latin1(bytes).split(/<\|x\|>y|<\|x\|>|\|\|/));
      },
    ),
  );
});

test("a text with specials counts as one; files give what texts give", async () => {
  const file = join(folder, "chat.txt");
  writeFileSync(file, TEXT);
  const { models, report } = await trainUnigramFiles([file], options, { workers: 1 });
  expect(report.texts).toBe(1);
  expect(models).toEqual((await trainUnigram([TEXT], options)).models);
});

test("specials that make no sense are refused by name", () => {
  const bad: [readonly NewSpecial[], string][] = [
    [[{ text: "" }], 't: specials must be texts, got "".'],
    [[{ text: "a\ud800" }], "t: specials must be texts, got"],
    [[{ text: "a" }, { text: "a" }], 't: specials must differ, got "a" twice.'],
    [
      [
        { text: "a", role: "bos" },
        { text: "b", role: "bos" },
      ],
      't: specials must have one bos, got "a" and "b".',
    ],
  ];
  for (const [specials, message] of bad) expect(() => newSpecials("t", specials)).toThrow(message);
});

describe("byte-pair training from files", () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `line ${(i * 7919) % 20_011} of the book, ${i % 17}`,
  );
  const file = join(folder, "lines.txt");
  writeFileSync(file, lines.join("\n"));

  test("several sizes are the first merges of the largest", async () => {
    const sizes = [300, 400, 280];
    const { models } = await trainBpeFiles([file], { vocabularySize: sizes });
    expect(models.map((m) => m.pieces.length)).toEqual(sizes);
    for (const [i, size] of sizes.entries()) {
      const alone = await trainBpeFiles([file], { vocabularySize: size });
      expect(models[i]).toEqual(alone.model);
    }
  });

  test("a memory limit leaves out an even share of the lines, and says so; frequent ones stay", async () => {
    const twice = join(folder, "twice.txt");
    writeFileSync(twice, `${"always the same line\n".repeat(3000)}${lines.join("\n")}`);
    const all = await trainBpeFiles([twice], { vocabularySize: 400, split: false });
    const some = await trainBpeFiles(
      [twice],
      { vocabularySize: 400, split: false },
      { memoryLimit: 1 << 20 },
    );
    expect(all.report.warnings).toEqual([]);
    expect(some.report.warnings[0]).toMatch(
      /^memoryLimit holds part of the text only: .* fewer than \d+ times/,
    );
    expect(some.report.parts).toBeLessThan(all.report.parts / 4);
    expect(some.report.parts).toBeGreaterThan(100);
    expect(some.model.pieces.map(latin1)).toContain("always the same line\n");
    const again = await trainBpeFiles(
      [twice],
      { vocabularySize: 400, split: false },
      { memoryLimit: 1 << 20 },
    );
    expect(again.model).toEqual(some.model);
  });
});
