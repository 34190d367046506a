// The encoder in a browser: the same ids as elsewhere, from the room's browser-safe entry alone.
import { describe, expect, test } from "vitest";
import {
  backoffs,
  byteTokenizer,
  createTokenizer,
  pieceOrder,
  readHuggingFace,
  writeHuggingFace,
} from "../../src/tokenizer/index.ts";
import golden from "../golden/tokenizer-small.json" with { type: "json" };
import { SMALL } from "../tokenizer/models.ts";

describe("tokenizer in a browser", () => {
  const tokenizer = createTokenizer(SMALL);

  test("runs in one", () => {
    expect(typeof document).toBe("object");
  });

  test.each(golden.rows)("ids of %j are those of npm tokenizers", ({ text, ids }) => {
    expect([...tokenizer.encode(text)]).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
    expect([...byteTokenizer([]).encode(text)]).toEqual([...new TextEncoder().encode(text)]);
  });

  test("a saved vocabulary loads, streams, samples and steps back", () => {
    const { model } = readHuggingFace(writeHuggingFace(SMALL));
    expect(model).toEqual(SMALL);
    const text = "太阳能 😀 the café";
    const decoder = tokenizer.decoder();
    const bytes = byteTokenizer();
    const stream = bytes.decoder();
    expect([...tokenizer.encode(text)].map((id) => decoder.push(id)).join("") + decoder.flush()).toBe(text);
    expect([...bytes.encode(text)].map((id) => stream.push(id)).join("") + stream.flush()).toBe(text);
    expect(tokenizer.decode(tokenizer.sample(text, { alpha: 0.2, seed: 1 }))).toBe(text);
    expect(backoffs(pieceOrder(tokenizer), tokenizer.encode("import numpy"))).toMatchObject([
      { k: 2, context: 0 },
    ]);
  });

  test("a million bytes of one line", () => {
    const line = "a".repeat(1_000_000);
    expect(tokenizer.decode(tokenizer.encode(line))).toBe(line);
  });
});
