// A vocabulary written as SentencePiece's `.model` cuts every line there as it does here.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import { parseTokenizer, writeSentencePiece } from "../../src/tokenizer/formats/index.ts";
import type { UnigramModel } from "../../src/tokenizer/model.ts";
import { trainUnigram } from "../../src/tokenizer/train/unigram.ts";

interface Golden {
  readonly tokenizer: object;
  readonly model: string;
  readonly lines: readonly string[];
  readonly ids: readonly (readonly number[])[];
}

function goldenOf(name: string): Golden {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../golden", name), "utf8")) as Golden;
}

/** A vocabulary learnt from English and Chinese, and one where characters that are no piece stand in longer ones. */
const LEARNT = goldenOf("sentencepiece-export.json");
const UNKNOWN = goldenOf("sentencepiece-export-unknown.json");

function unigramOf(json: object): UnigramModel {
  const { model } = parseTokenizer(new TextEncoder().encode(JSON.stringify(json)));
  if (model?.kind !== "unigram") throw new Error("the golden holds a unigram vocabulary");
  return model;
}

describe.each([
  ["learnt", LEARNT],
  ["with unknown characters", UNKNOWN],
])("%s", (_, golden) => {
  const model = unigramOf(golden.tokenizer);

  test("is what we write", () => {
    const written = writeSentencePiece(model);
    expect(btoa(String.fromCharCode(...written))).toBe(golden.model);
  });

  test("every line has the ids of SentencePiece", () => {
    const ours = createTokenizer(model);
    golden.lines.forEach((line, i) => expect([...ours.encode(line)], line).toEqual(golden.ids[i]));
  });

  test("the file read back gives them too", () => {
    const read = parseTokenizer(writeSentencePiece(model), "v.model");
    golden.lines.forEach((line, i) => expect([...read.encode(line)], line).toEqual(golden.ids[i]));
  });
});

test("the bytes' own frequencies would cut otherwise", () => {
  const model = unigramOf(UNKNOWN.tokenizer);
  const counts = model.counts ?? new Float64Array(0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const plain = createTokenizer({ ...model, logProbs: counts.map((c) => Math.log(c) - Math.log(total)) });
  const differ = UNKNOWN.lines.filter((line, i) => plain.encode(line).join() !== UNKNOWN.ids[i]?.join());
  expect(differ.length).toBeGreaterThan(2);
});

test("scores of a trained vocabulary: exact in float32, one sum for all characters that are no piece", async () => {
  const text = "the hat, the cat and the bat: 日本語 and 日本 é 😀\n".repeat(40);
  const { models } = await trainUnigram([text], { vocabularySize: 300 });
  const [model] = models;
  if (model === undefined) throw new Error("no model");
  const ids = new Set(model.specials.map((s) => s.id));
  const scoreOf = new Map(model.pieces.map((piece, id) => [piece.join(), model.logProbs[id] ?? NaN]));
  let lowest = 0;
  for (const [id, score] of model.logProbs.entries()) {
    if (ids.has(id)) continue;
    const piece = model.pieces[id] ?? new Uint8Array(0);
    const byte = piece[0] ?? 0;
    // The byte that is in no text makes the sum 1.
    expect(Number.isInteger(score * 128)).toBe(byte !== 0xff);
    if (piece.length > 1 || (byte > 0 && byte < 0x80)) lowest = Math.min(lowest, score);
  }
  for (const character of ["ß", "龘", "☃", "𝄞", "\0"]) {
    const bytes = new TextEncoder().encode(character);
    const sum = Array.from(bytes, (b) => scoreOf.get(String(b)) ?? NaN).reduce((a, b) => a + b, 0);
    expect(sum, character).toBe(lowest - 10);
  }
});
