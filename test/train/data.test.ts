import { gzipSync } from "node:zlib";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { FileError, OptionError } from "../../src/errors.ts";
import { byteTokenizer } from "../../src/tokenizer/index.ts";
import { batches } from "../../src/train/batches.ts";
import { readCorpus } from "../../src/train/node/corpus.ts";
import {
  bytesOfIds,
  characterStart,
  checkLength,
  encodeTexts,
  splitSources,
} from "../../src/train/corpus.ts";
import { characterTokenizer, parseTokenizerChoice } from "../../src/train/tokenizer.ts";
import { temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

describe("corpus", () => {
  test("reads text and JSONL, gzipped or not", async () => {
    const lines = `{"text":"one"}\n\n{"text":"二","id":2}\n{"text":""}\n`;
    const corpus = await readCorpus([
      file("a.txt", "plain"),
      file("a.txt.gz", gzipSync("packed")),
      file("a.jsonl", lines),
      file("a.jsonl.gz", gzipSync(lines)),
    ]);
    expect(corpus.sources.map((s) => s.texts.map(textOf))).toEqual([
      ["plain"],
      ["packed"],
      ["one", "二"],
      ["one", "二"],
    ]);
    expect(corpus.bytes).toBe(5 + 6 + 2 * 6);
  });

  test("bytes that are no UTF-8 are kept, and the fingerprint tells texts apart", async () => {
    const latin1 = Uint8Array.of(0x63, 0x61, 0x66, 0xe9);
    const corpus = await readCorpus([file("latin1.txt", latin1)]);
    expect([...(corpus.sources[0]?.texts[0] ?? [])]).toEqual([...latin1]);
    const other = await readCorpus([file("other.txt", "cafe")]);
    expect(other.fingerprint).not.toBe(corpus.fingerprint);
  });

  test.each([
    ["empty.txt", "", "must hold text, got 0 bytes."],
    [
      "image.png",
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 1),
      "must be text, got a zero byte at 4, as in binary files.",
    ],
    [
      "control.bin",
      new Uint8Array(50).fill(7),
      "must be text, got 50 control bytes in the first 50, as in binary files.",
    ],
    ["broken.gz", "no gzip", "must be a gzip file"],
    ["broken.jsonl", '{"text":"a"}\nno', "must hold JSON in every line, got none in line 2."],
    ["other.jsonl", '{"body":"a"}', 'must have a "text" in every line, got none in line 1.'],
    ["blank.jsonl", '{"text":""}\n', "must hold texts, got 0."],
  ])("%s is an error", async (name, content, message) => {
    const path = file(name, content);
    await expect(readCorpus([path])).rejects.toThrow(FileError);
    await expect(readCorpus([path])).rejects.toThrow(`train: ${path} ${message}`);
  });

  test("missing files, folders and no files are errors", async () => {
    const inside = join(folder, "inside");
    mkdirSync(inside);
    await expect(readCorpus([inside])).rejects.toThrow(
      "must hold texts (.txt, .md, .jsonl, .json, also as .gz), got none. Name the files in it",
    );
    await expect(readCorpus([join(folder, "none.txt")])).rejects.toThrow("must be readable, got ENOENT.");
    await expect(readCorpus([])).rejects.toThrow(OptionError);
  });

  test("splits by place, never inside a character", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 1 }),
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        (text, share) => {
          const split = splitSources([{ name: "a", texts: [utf8(text)] }], share);
          expect(split.train.map(textOf).join("") + split.validation.map(textOf).join("")).toBe(text);
        },
      ),
      { seed: 3 },
    );
    expect(characterStart(utf8("a二b"), 3)).toBe(1);
    const texts = ["a", "b", "c", "d"].map(utf8);
    const split = splitSources([{ name: "l", texts }], 0.5);
    expect([split.train.map(textOf), split.validation.map(textOf)]).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  test("several texts end with the end-of-text token, a single one does not", () => {
    const tokenizer = byteTokenizer();
    expect([...encodeTexts(tokenizer, [utf8("a"), utf8("b")])]).toEqual([97 + 3, 2, 98 + 3, 2]);
    expect([...encodeTexts(tokenizer, [utf8("a")])]).toEqual([97 + 3]);
    const lengths = bytesOfIds(tokenizer);
    expect([...lengths.subarray(0, 4)]).toEqual([0, 0, 0, 1]);
  });

  test("long texts are encoded in parts that lose nothing", () => {
    const text = utf8("some line\n".repeat(60_000));
    const ids = encodeTexts(byteTokenizer(), [text]);
    expect(ids.length).toBe(text.length);
  });

  test("a corpus shorter than one context names both sizes", () => {
    const ids = { train: new Uint16Array(100), validation: new Uint16Array(64) };
    expect(() => checkLength(ids, 64)).toThrow(
      "train: the corpus must hold at least 65 tokens to validate on with context 64, got 64. Add text or lower --context.",
    );
    expect(() => checkLength({ ...ids, train: ids.validation }, 64)).toThrow("to train on");
  });
});

describe("tokenizer", () => {
  test("characters are tokens, and so are bytes", () => {
    const tokenizer = characterTokenizer([utf8("春眠不覺曉 abc")]);
    expect(tokenizer.vocabularySize).toBe(256 + 5);
    expect(tokenizer.encode("春a").length).toBe(2);
    for (const text of ["春眠", "never seen: 夏", "\u0000\u{1f600}"]) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
    expect(() => characterTokenizer([Uint8Array.of(0xff)])).toThrow("must read UTF-8");
  });

  test("choices are words, sizes or paths", () => {
    expect(parseTokenizerChoice("train:4096")).toEqual({ kind: "train", size: 4096 });
    expect(parseTokenizerChoice("my/tokenizer.json")).toEqual({ kind: "file", path: "my/tokenizer.json" });
    expect(() => parseTokenizerChoice("byte")).toThrow('got "byte". Did you mean bytes?');
    expect(() => parseTokenizerChoice("train:12")).toThrow("must have a size from 300");
    expect(() => parseTokenizerChoice("train")).toThrow("Try train:4096.");
  });
});

describe("batches", () => {
  const ids = Uint16Array.from({ length: 1000 }, (_, i) => i);
  const make = (seed: number) => batches(ids, { seed, count: 4, context: 7 });

  test("are a pure function of seed and step", () => {
    const forward = make(1);
    const all = Array.from({ length: 200 }, (_, step) => forward(step));
    const backward = make(1);
    for (let step = 199; step >= 0; step -= 37) expect(backward(step)).toEqual(all[step]);
    expect(make(2)(0)).not.toEqual(all[0]);
  });

  test("targets follow their ids, and an epoch visits each sequence once", () => {
    const next = make(1);
    const perEpoch = Math.floor((1000 - 7) / 7);
    const starts: number[] = [];
    for (let step = 0; step * 4 < perEpoch; step++) {
      const batch = next(step);
      batch.ids.forEach((id, i) => expect(batch.targets[i]).toBe(id + 1));
      for (let row = 0; row < 4 && step * 4 + row < perEpoch; row++) starts.push(batch.ids[row * 7] ?? -1);
    }
    expect(new Set(starts).size).toBe(perEpoch);
    expect(new Set(starts.map((s) => s % 7)).size).toBe(1);
    expect(Math.max(...starts)).toBeLessThanOrEqual(1000 - 8);
  });

  test("the shortest text that is allowed works", () => {
    const short = batches(ids.subarray(0, 8), { seed: 1, count: 2, context: 7 });
    for (let step = 0; step < 5; step++) {
      expect([...short(step).ids]).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6]);
      expect(short(step).targets[6]).toBe(7);
    }
  });
});
