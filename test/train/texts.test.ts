// Texts as people have them: encodings, line ends, JSON of several shapes, folders and patterns.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byteTokenizer } from "../../src/tokenizer/index.ts";
import { readCorpus } from "../../src/train/node/corpus.ts";
import { findFiles } from "../../src/train/node/find-files.ts";
import { textOfSample, withoutLaterSamples } from "../../src/train/samples.ts";
import { type ReadOptions, readTexts } from "../../src/train/texts.ts";
import { temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (data: Uint8Array, name = "a.txt", options: ReadOptions = {}): string[] =>
  readTexts(data, name, name, options).texts.map((t) =>
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(t),
  );
const wide = (text: string, little: boolean, mark = true): Uint8Array => {
  const all = (mark ? "\ufeff" : "") + text;
  const view = new DataView(new ArrayBuffer(all.length * 2));
  for (let i = 0; i < all.length; i++) view.setUint16(i * 2, all.charCodeAt(i), little);
  return new Uint8Array(view.buffer);
};

describe("encodings", () => {
  test("UTF-16 with a mark is read in both orders, a UTF-8 mark is dropped", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (any) => {
        const text = `x${any.replaceAll(/[\p{Cc}\p{Cs}]/gu, "")}`;
        expect(texts(wide(text, true))).toEqual([text]);
        expect(texts(wide(text, false))).toEqual([text]);
        expect(texts(utf8(`\ufeff${text}`))).toEqual([text]);
        expect(texts(utf8(`\ufeff${text}`), "a.txt", { asIs: true })).toEqual([`\ufeff${text}`]);
      }),
      { seed: 7, numRuns: 50 },
    );
  });

  test("UTF-16 without a mark is told, and read by name", () => {
    expect(() => texts(wide("plain words", true, false))).toThrow(
      "must be text, got a zero byte at 1, as in binary files. If it is UTF-16, say --encoding utf-16le.",
    );
    expect(() => texts(wide("plain words", false, false))).toThrow("say --encoding utf-16be.");
    expect(texts(wide("plain words", true, false), "a.txt", { encoding: "utf-16le" })).toEqual([
      "plain words",
    ]);
    expect(() => texts(Uint8Array.of(0xff, 0xfe, 0, 0, 65, 0, 0, 0))).toThrow(
      "got UTF-32. Convert it to UTF-8.",
    );
  });

  test("GBK is warned about with a way out, and read by name", () => {
    const gbk = Uint8Array.of(0xb4, 0xba, 0xc3, 0xdf, 0xb2, 0xbb, 0xbe, 0xf5, 0xcf, 0xfe); // 春眠不觉晓
    const { texts: bytes, notices } = readTexts(gbk, "a.txt", "a.txt");
    expect(bytes).toEqual([gbk]);
    expect(notices).toEqual([
      "train: a.txt is no UTF-8 and is trained on as bytes. If it is text in another encoding, name it: --encoding gbk (or big5, shift_jis, windows-1252, …).",
    ]);
    expect(readTexts(gbk, "a.txt", "a.txt", { encoding: "gbk" }).notices).toEqual([]);
    expect(texts(gbk, "a.txt", { encoding: "gbk" })).toEqual(["春眠不觉晓"]);
    // What is UTF-8 stays UTF-8, whatever the others are.
    expect(texts(utf8("晓"), "a.txt", { encoding: "gbk" })).toEqual(["晓"]);
    expect(texts(Uint8Array.of(0x63, 0x61, 0x66, 0xe9), "a.txt", { encoding: "latin1" })).toEqual(["café"]);
    expect(() => texts(gbk, "a.txt", { encoding: "klingon" })).toThrow('got "klingon"');
    expect(() => texts(Uint8Array.of(0xff), "a.txt", { encoding: "gbk" })).toThrow(
      "must be gbk, got other bytes.",
    );
  });

  test("line ends are kept, or made LF", () => {
    expect(texts(utf8("a\r\nb\rc\n\r\n"))).toEqual(["a\r\nb\rc\n\r\n"]);
    expect(texts(utf8("a\r\nb\rc\n\r\n"), "a.txt", { lineEnds: "lf" })).toEqual(["a\nb\nc\n\n"]);
  });
});

describe("JSON", () => {
  test("an array of texts, of objects, of chats", () => {
    const json = JSON.stringify(["one", { text: "二" }, "", { text: "three", id: 3 }]);
    expect(texts(utf8(json), "a.json")).toEqual(["one", "二", "three"]);
    expect(texts(utf8(`\ufeff${json}`), "a.json")).toEqual(["one", "二", "three"]);
    expect(() => texts(utf8('{"a": 1}'), "a.json")).toThrow(
      "must hold an array of texts, got one object. Rename it to .txt to train on it as it stands.",
    );
    expect(() => texts(utf8('{"text":"a"}\n{"text":"b"}'), "a.json")).toThrow(
      "or to .jsonl if each line is JSON",
    );
    expect(() => texts(utf8("[1]"), "a.json")).toThrow(
      'must have a "text" in every item, got none in item 1.',
    );
  });

  const chat = JSON.stringify({
    messages: [
      { role: "user", content: "Hi" },
      {
        role: "assistant",
        content: [{ type: "text", text: "Hel" }, { type: "text", text: "lo" }, { type: "image" }],
      },
    ],
  });

  test("chats are lines by role with a notice, or what the template makes of them", () => {
    const plain = readTexts(utf8(`${chat}\n${chat}`), "a.jsonl", "a.jsonl");
    expect(plain.texts.map((t) => new TextDecoder().decode(t))).toEqual(
      Array.from({ length: 2 }, () => "user: Hi\nassistant: Hello\n"),
    );
    expect(plain.notices).toHaveLength(1);
    expect(plain.notices[0]).toContain("holds chats");
    expect(plain.chats).toBe(true);
    const options: ReadOptions = { chat: (turns) => turns.map((t) => `<${t.role}>${t.content}`).join("") };
    expect(texts(utf8(chat), "a.jsonl", options)).toEqual(["<user>Hi<assistant>Hello"]);
    expect(readTexts(utf8(chat), "a.jsonl", "a.jsonl", options).notices).toEqual([]);
  });

  test.each([
    ['{"messages": "no"}', "got none in line 1"],
    ['{"messages": [{"role": "user"}]}', "got none in line 1"],
    ['{"text": 3}', "got none in line 1"],
    ['"a"\n{', "got none in line 2"],
  ])("%s is an error", (line, message) => {
    expect(() => texts(utf8(line), "a.jsonl")).toThrow(message);
  });
});

describe("files", () => {
  beforeAll(() => {
    for (const at of ["tree/deep", "tree/.hidden"]) mkdirSync(join(folder, at), { recursive: true });
    for (const name of [
      "tree/b.txt",
      "tree/a.md",
      "tree/deep/c.txt",
      "tree/.hidden/d.txt",
      "tree/e.png",
      "tree/f[1].txt",
    ]) {
      writeFileSync(join(folder, name), name);
    }
    writeFileSync(join(folder, "tree/deep/g.json.gz"), gzipSync('["packed"]'));
  });
  const found = async (...paths: string[]): Promise<string[]> =>
    (await findFiles(paths.map((p) => join(folder, p)))).map((p) =>
      p.slice(folder.length + 1).replaceAll("\\", "/"),
    );

  test("a folder is walked by name, without hidden files and other kinds", async () => {
    expect(await found("tree")).toEqual([
      "tree/a.md",
      "tree/b.txt",
      "tree/deep/c.txt",
      "tree/deep/g.json.gz",
      "tree/f[1].txt",
    ]);
    const corpus = await readCorpus([join(folder, "tree/deep")]);
    expect(corpus.sources.map((s) => s.texts.map((t) => new TextDecoder().decode(t)))).toEqual([
      ["tree/deep/c.txt"],
      ["packed"],
    ]);
  });

  test("patterns", async () => {
    expect(await found("tree/*.txt")).toEqual(["tree/b.txt", "tree/f[1].txt"]);
    expect(await found("tree/**/*.txt")).toEqual(["tree/b.txt", "tree/deep/c.txt", "tree/f[1].txt"]);
    expect(await found("*/?.md")).toEqual(["tree/a.md"]);
    expect(await found("tree/f[1].txt")).toEqual(["tree/f[1].txt"]);
    await expect(found("tree/*.csv")).rejects.toThrow(/must match files, got none of \d below/);
  });
});

describe("samples", () => {
  test("those after a step go", () => {
    const file = textOfSample(2, "two") + textOfSample(4, "four\n=== step 9 ===") + textOfSample(6, "six");
    expect(withoutLaterSamples(file, 6)).toBe(file.slice(0, file.indexOf("=== step 9")));
    expect(withoutLaterSamples(file, 3)).toBe(textOfSample(2, "two"));
    expect(withoutLaterSamples("", 3)).toBe("");
  });

  test("a stream of tokens ends with whole characters", () => {
    const tokenizer = byteTokenizer();
    const ids = tokenizer.encode("明月");
    for (let n = 0; n <= 6; n++) {
      expect(tokenizer.decoder().push(ids.subarray(0, n))).toBe("明月".slice(0, Math.floor(n / 3)));
    }
  });
});
