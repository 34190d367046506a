// What a tokenizer.json and the files beside it say: roles, templates, added tokens, bad input; and writing one for
// vocabularies of other programs.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { Tokenizer as Rust } from "tokenizers";
import { afterAll, describe, expect, test } from "vitest";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import { byteLevelText } from "../../src/tokenizer/formats/byte-level.ts";
import { parseTokenizer, readLlama2c, writeHuggingFace } from "../../src/tokenizer/formats/index.ts";
import { loadTokenizer, saveTokenizer } from "../../src/tokenizer/load-save.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { DATA, WITHOUT_DATA, data, textData } from "./data.ts";

type Json = Record<string, unknown>;
const folder = mkdtempSync(join(tmpdir(), "athanor-hf-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BYTES = Array.from({ length: 256 }, (_, b) => byteLevelText(Uint8Array.of(b)));
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: true };

function added(id: number, content: string, flags: Json = {}): Json {
  const off = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return { id, content, ...off, ...flags };
}

/** A byte-level file like Qwen's: `<think>` and `<tool_call>` are ordinary text, `<|im_end|>` is a special. */
function file(change: Json = {}, model: Json = {}): Json {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      added(256, "<|endoftext|>"),
      added(257, "<|im_end|>"),
      added(258, "<think>", { special: false }),
      added(259, "</think>", { special: false, rstrip: true }),
      added(260, "<x>", { special: false, lstrip: true, rstrip: true }),
      added(261, "it", { special: false, single_word: true }),
    ],
    normalizer: { type: "NFC" },
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(BYTES.map((c, b) => [c, b])),
      merges: [],
      ...model,
    },
    ...change,
  };
}

function load(json: Json, config?: object): Tokenizer {
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  return parseTokenizer(bytes, "t.json", config === undefined ? {} : { config });
}

const TEXTS = [
  "",
  "<think>\nok\n</think>  \n\nanswer",
  "a <x> b<x>c  <x>  <x>",
  "it is with it, it's bit it",
  "e\u0301<think>e\u0301 <|im_end|> x",
  "<|endoftext|><|im_end|>",
  ...fc.sample(
    fc
      .array(
        fc.constantFrom(
          "<x>",
          "<think>",
          "</think>",
          "it",
          " ",
          "\n",
          "a",
          "é",
          "e\u0301",
          "<|im_end|>",
          "日",
        ),
        {
          maxLength: 10,
        },
      )
      .map((parts) => parts.join("")),
    { numRuns: 100, seed: 7 },
  ),
];

describe("added tokens of byte-level files", () => {
  const json = file();
  const ours = load(json);

  test("ids, texts and offsets: as npm tokenizers, by our own encoder", async () => {
    expect(ours.kind).toBe("bpe");
    const rust = Rust.fromString(JSON.stringify(json));
    for (const text of TEXTS) {
      const { ids, offsets } = ours.encodeWithOffsets(text, { allowSpecials: true });
      expect([...ids], text).toEqual((await rust.encode(text, null, { addSpecialTokens: false })).getIds());
      expect([...ours.encode(text, { allowSpecials: true })]).toEqual([...ids]);
      const slices = Array.from(ids, (_, i) => text.slice(offsets.utf16[i], offsets.utf16[i + 1]));
      expect(slices.join("")).toBe(text);
      if (ids.length === 0) continue;
      expect(ours.decode(ids)).toBe(await rust.decode([...ids], true));
      expect(ours.decode(ids, { specials: "show" })).toBe(await rust.decode([...ids], false));
    }
  });

  test("tokens that are text are shown, specials are not, and a text cannot forge them", () => {
    expect(ours.decode([258, 10, 111, 107, 10, 259, 257])).toBe("<think>\nok\n</think>");
    expect([...ours.encode("<think>")]).toEqual([258]);
    for (const text of TEXTS) expect(ours.encode(text).some((id) => id === 256 || id === 257)).toBe(false);
  });

  test("it comes back from its own file", async () => {
    const path = join(folder, "tokenizer.json");
    await saveTokenizer(ours, path);
    const back = await loadTokenizer(path);
    expect(back.model).toEqual(ours.model);
    for (const text of TEXTS) expect(back.encode(text)).toEqual(ours.encode(text));
  });
});

describe("byte-level files with several splits (DeepSeek)", () => {
  const split = (Regex: string): Json => ({
    type: "Split",
    pattern: { Regex },
    behavior: "Isolated",
    invert: false,
  });
  const pairs = [
    ["a", "1"],
    ["1", "2"],
    ["b", "Ġ"],
    ["Ġ", "Ġ"],
    ["a", "b"],
    ["Ġ", "a"],
  ];
  const json = file(
    {
      normalizer: { type: "Sequence", normalizers: [] },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          split("\\p{N}{1,3}"),
          split("[一-龥぀-ゟ゠-ヿ]+"),
          split("[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|\\s+(?!\\S)|\\s+"),
          { ...byteLevel, use_regex: false },
        ],
      },
      added_tokens: [added(262, "<|end|>")],
    },
    {
      vocab: Object.fromEntries([...BYTES, ...pairs.map((p) => p.join(""))].map((c, i) => [c, i])),
      merges: pairs,
    },
  );
  const ours = load(json);
  // Characters of Unicode 17 are letters to JavaScript and none to the library.
  const part = fc.constantFrom(
    "a",
    "b",
    "ab",
    "12",
    "3",
    " ",
    "  ",
    "\n",
    "漢字",
    "é",
    "\u{10ec5}",
    "\u088f",
  );
  const texts = fc.sample(
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
    { numRuns: 150, seed: 5 },
  );

  test("our own encoder, with offsets: as npm tokenizers", async () => {
    expect(ours.kind).toBe("bpe");
    const rust = Rust.fromString(JSON.stringify(json));
    for (const text of texts) {
      const there = (await rust.encode(text, null, { addSpecialTokens: false })).getIds();
      const { ids, offsets } = ours.encodeWithOffsets(text);
      expect([...ids], JSON.stringify(text)).toEqual(there);
      expect(offsets.bytes.at(-1)).toBe(new TextEncoder().encode(text).length);
    }
  });

  test("written and read again they are the same", async () => {
    const text = writeHuggingFace(
      ours.model ?? { kind: "bpe", pieces: [], merges: new Int32Array(0), specials: [] },
    );
    const back = parseTokenizer(new TextEncoder().encode(text), "t.json");
    expect(back.model).toEqual(ours.model);
    const rust = Rust.fromString(text);
    for (const t of texts.slice(0, 50)) {
      expect((await rust.encode(t, null, { addSpecialTokens: false })).getIds()).toEqual([...ours.encode(t)]);
    }
  });
});

describe("what specials are for", () => {
  test("the files say it, not the spelling: Qwen's <|im_start|> begins no text", () => {
    const tokens = [added(256, "<|endoftext|>"), added(257, "<|im_start|>"), added(258, "<|im_end|>")];
    const json = file({ added_tokens: tokens });
    const config = { bos_token: null, eos_token: "<|im_end|>", pad_token: "<|endoftext|>" };
    const ours = load(json, config);
    expect([ours.bos, ours.eos]).toEqual([undefined, 258]);
    expect(ours.specials.map((s) => s.role)).toEqual(["pad", "other", "eos"]);
    // Where no file says it, the usual spelling does.
    expect(load(json).bos).toBe(257);
  });

  test("one token may begin and end a text (GPT-2); a token may be given as an object", () => {
    const ours = load(file(), { bos_token: { content: "<|endoftext|>" }, eos_token: "<|endoftext|>" });
    expect([ours.bos, ours.eos]).toEqual([256, 256]);
    const back = parseTokenizer(new TextEncoder().encode(writeHuggingFace(ours.model ?? never())));
    expect([back.bos, back.eos]).toEqual([256, 256]);
  });

  test("special_tokens_map.json beside the file counts where tokenizer_config.json is silent", async () => {
    const own = mkdtempSync(join(folder, "roles-"));
    writeFileSync(join(own, "tokenizer.json"), JSON.stringify(file()));
    writeFileSync(join(own, "special_tokens_map.json"), '{"eos_token": "<|im_end|>"}');
    expect((await loadTokenizer(own)).eos).toBe(257);
    writeFileSync(join(own, "tokenizer_config.json"), '{"eos_token": "<|endoftext|>"}');
    expect((await loadTokenizer(own)).eos).toBe(256);
  });

  test.each([
    [null, [[], []]],
    [byteLevel, [[], []]],
    [{ type: "BertProcessing", sep: ["<|im_end|>", 257], cls: ["<|endoftext|>", 256] }, [[256], [257]]],
    [
      {
        type: "Sequence",
        processors: [
          byteLevel,
          {
            type: "TemplateProcessing",
            single: [
              { SpecialToken: { id: "<|endoftext|>", type_id: 0 } },
              { Sequence: { id: "A", type_id: 0 } },
              { SpecialToken: { id: "two", type_id: 0 } },
            ],
            pair: [],
            special_tokens: {
              "<|endoftext|>": { id: "<|endoftext|>", ids: [256], tokens: ["<|endoftext|>"] },
              two: { id: "two", ids: [257, 256], tokens: ["<|im_end|>", "<|endoftext|>"] },
            },
          },
        ],
      },
      [[256], [257, 256]],
    ],
  ])("template %#", async (post_processor, [before, after]) => {
    const json = file({ post_processor });
    const ours = load(json);
    expect(ours.template).toEqual({ before, after });
    const text = "hello";
    const around = [...(before ?? []), ...ours.encode(text), ...(after ?? [])];
    if (post_processor?.type === "Sequence") return; // npm tokenizers wants a pair as well
    const rust = Rust.fromString(JSON.stringify(json));
    expect((await rust.encode(text, null, { addSpecialTokens: true })).getIds()).toEqual(around);
  });
});

function never(): never {
  throw new Error("no model");
}

describe.skipIf(DATA === undefined)(`tokenizer.json from llama2.c${WITHOUT_DATA}`, () => {
  test.each(["models/stories15M/tokenizer.bin", "models/stories260K/tok512.bin"])(
    "%s: the same ids in npm tokenizers and read back, runs of spaces too",
    async (path) => {
      const ours = createTokenizer(readLlama2c(data(path)));
      const json = writeHuggingFace(ours.model ?? never());
      const rust = Rust.fromString(json);
      const back = parseTokenizer(new TextEncoder().encode(json), "tokenizer.json");
      expect(back.template).toEqual({ before: [1], after: [] });
      const texts = [
        "",
        " ",
        "▁a ▁",
        textData("text/en/sotu.txt.gz", 4000),
        ...Array.from({ length: 40 }, (_, n) => `a${" ".repeat(n)}b${" ".repeat(n)}`),
        ...fc.sample(fc.string({ unit: "grapheme" }), { numRuns: 80, seed: 1 }).map((t) => t.toWellFormed()),
      ];
      for (const text of texts) {
        const ids = [...ours.encode(text)];
        expect((await rust.encode(text, null, { addSpecialTokens: false })).getIds()).toEqual(ids);
        expect([...back.encode(text)]).toEqual(ids);
        expect(back.decode(ids)).toBe(ours.decode(ids));
      }
    },
  );
});

describe("bad files are refused in one sentence that names file and field", () => {
  const unigram = {
    type: "Unigram",
    unk_id: 0,
    vocab: [
      ["<unk>", 0],
      ["a", -1],
    ],
    byte_fallback: false,
  };
  const deep = (depth: number): Json =>
    depth === 0 ? { type: "NFC" } : { type: "Sequence", normalizers: [deep(depth - 1)] };
  const split = (change: Json): Json => ({
    added_tokens: [],
    pre_tokenizer: { type: "Split", pattern: { Regex: "a" }, behavior: "Isolated", invert: false, ...change },
    model: unigram,
  });
  test.each<[Json, string]>([
    [
      { model: { ...unigram, unk_id: -1 } },
      "t.json: model.unk_id must be an id from 0 to 1, or null, got -1",
    ],
    [{ model: { ...unigram, unk_id: 7 } }, "t.json: model.unk_id must be an id from 0 to 1, or null, got 7"],
    [
      { model: { ...unigram, vocab: [["a", "b"]] } },
      't.json: model.vocab[0] must be [text, score], got ["a","b"]',
    ],
    [{ model: { ...unigram, vocab: { a: 1 } } }, "t.json: model.vocab must be a list"],
    [{ model: { type: "Magic" } }, "t.json: model.type must be one that gives the same ids here"],
    [split({ behavior: 7 }), "t.json: pre_tokenizer.behavior must be one of Removed, Isolated"],
    [split({ pattern: { Regex: "\\X" } }), 't.json: pre_tokenizer.pattern: pattern "\\\\X" must be made of'],
    [split({ pattern: "a" }), "t.json: pre_tokenizer.pattern must be an object"],
    [split({ invert: "yes" }), 't.json: pre_tokenizer.invert must be true or false, got "yes"'],
    [
      { pre_tokenizer: { type: "UnicodeScripts" } },
      "t.json: pre_tokenizer.type must be one that gives the same ids",
    ],
    [
      { normalizer: { type: "Sequence", normalizers: 3 } },
      "t.json: normalizer.normalizers must be a list, got 3",
    ],
    [{ normalizer: deep(50) }, "must be nested at most 20 deep"],
    [{ normalizer: { type: "Precompiled", precompiled_charsmap: "AAAA" } }, "must be a whole character map"],
    [
      { decoder: { type: "Strip", content: "ab" } },
      't.json: decoder.content must be one character, got "ab"',
    ],
    [{ post_processor: { type: "TemplateProcessing", single: [] } }, "must be a template with one Sequence"],
    [{ added_tokens: 3 }, "t.json: added_tokens must be a list, got 3"],
    [{ added_tokens: [added(256, "a"), added(256, "b")] }, 'got id 256 for "b" and "a"'],
    [{ added_tokens: [added(256, "a!"), added(257, "a!")] }, "which is there already"],
    [{ added_tokens: [added(-1, "a")] }, "t.json: added_tokens[0].id must be an integer ≥ 0, got -1"],
    [{ added_tokens: [added(1e9, "a")] }, "t.json: added_tokens[0].id must be below 4194304"],
    [
      { added_tokens: [added(300, "a!")] },
      'added token "a!" must have the id 256, which its library gives it',
    ],
    [{ added_tokens: [added(256, "")] }, 't.json: added_tokens[0].content must be a text, got ""'],
  ])("%#: %s", (change, message) => {
    expect(() => load(file(change))).toThrow(message);
    expect(() => load(file(change))).toThrow(/^load: t\.json/);
  });

  test.each<[Json, string]>([
    [{ vocab: { a: 1e12 } }, 'id of "a" must be an integer from 0 to 4194303, got 1000000000000'],
    [{ vocab: { a: 0, b: 0 } }, 'ids must differ, got 0 for both "a" and "b"'],
    [{ merges: [["a"]] }, 'merge 0 must be two tokens whose join is a third, got ["a"]'],
    [{ merges: ["a b c"] }, "merge 0 must be two tokens"],
    [{ dropout: 0.1 }, "t.json: model.dropout must be null"],
    [{ ignore_merges: 1 }, "t.json: model.ignore_merges must be true or false, got 1"],
  ])("model %#: %s", (change, message) => {
    expect(() => load(file({ added_tokens: [] }, change))).toThrow(message);
  });

  test("a byte order mark is no part of the file", () => {
    const bytes = new TextEncoder().encode(`\ufeff${JSON.stringify(file())}`);
    expect(parseTokenizer(bytes).vocabularySize).toBe(262);
  });

  test("a long text does not hang a WordPiece model with no limit", () => {
    const vocab = { "[UNK]": 0, a: 1, "##a": 2 };
    const model = {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 1e9,
      vocab,
    };
    const ours = load(
      file({ model, added_tokens: [], normalizer: null, pre_tokenizer: null, decoder: null }),
    );
    expect(ours.encode("a".repeat(300_000))).toHaveLength(300_000);
  });
});
