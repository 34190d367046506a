// Files that are no plain bytes: every step of a tokenizer.json gives the ids of the Rust library that made the
// format, or the file is refused by name.
import * as fc from "fast-check";
import { Tokenizer as Rust } from "tokenizers";
import { describe, expect, test } from "vitest";
import { huggingFaceTokenizer } from "../../src/tokenizer/formats/hugging-face-steps.ts";

type Json = Record<string, unknown>;

const WORDS = [
  "hello",
  "world",
  "he",
  "ll",
  "o",
  "w",
  "or",
  "ld",
  "the",
  "a",
  "1",
  "12",
  "日本",
  "é",
  "ß",
  "i",
];

/** A piece for every letter that the texts are made of, so that ids show every cut. */
const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789 .,!?'-_()<>|\n\tΣσς日本語é½▁😀İŉ"];

function unigramModel(more: readonly string[] = []): Json {
  const names = ["<unk>", ...new Set([...LETTERS, ...WORDS, ...WORDS.map((w) => `▁${w}`), ...more])];
  return { type: "Unigram", unk_id: 0, vocab: names.map((name, i) => [name, i === 0 ? 0 : -2 - (i % 7)]) };
}

function bpeModel(settings: Json = {}): Json {
  const names = ["<unk>", ...LETTERS, ...LETTERS.map((c) => `##${c}`), ...LETTERS.map((c) => `${c}</w>`)];
  const merges: [string, string][] = [];
  const add = (a: string, b: string, prefix = ""): void => {
    merges.push([a, b]);
    names.push(a + b.slice(prefix.length));
  };
  if (settings["continuing_subword_prefix"] === "##") {
    add("h", "##e", "##");
    add("##l", "##l", "##");
    add("he", "##ll", "##");
  } else {
    add("h", "e");
    add("l", "l");
    add("he", "ll");
    add("hell", "o");
    add("▁", "w");
    add("l", "d</w>");
  }
  return {
    type: "BPE",
    dropout: null,
    unk_token: "<unk>",
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries([...new Set(names)].map((name, i) => [name, i])),
    merges,
    ...settings,
  };
}

const BYTES = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);

function file(parts: Json): Json {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: unigramModel(),
    ...parts,
  };
}

function added(id: number, content: string, flags: Json = {}): Json {
  return {
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
    ...flags,
  };
}

const text = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...LETTERS, ...WORDS) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(" ", "  ", "\n", "<x>", "<y>", "e\u0301", "ﬁ", "Ⅷ", "\u0085", "\ufeff"),
      },
      { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 2 }) },
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join("").toWellFormed());

const TEXTS = [
  "",
  " ",
  "hello world",
  "  Hello,  WORLD!\n\nit's 12.5 ",
  "日本語 hello日本 é e\u0301 ﬁ Ⅷ ½",
  "a <x> b<x>c a<y> b <x><x>  <y>",
  "ΑΣ Σ ΌΣΟΣ İi",
  "\u0000\u0001\u00ad\u200b\ufeff a\u2028b",
  "-a--b---",
  "😀😀 \ud83d\udc68\u200d\ud83d\udc69",
  ...fc.sample(text, { numRuns: 60, seed: 11 }),
];

/** Holds ours against Rust's on every text: ids, and text from ids at once and one by one. */
async function same(json: Json, shows: readonly ("skip" | "show")[] = ["skip", "show"]): Promise<void> {
  const ours = huggingFaceTokenizer(json);
  const rust = Rust.fromString(JSON.stringify(json));
  for (const t of TEXTS) {
    const there = (await rust.encode(t, null, { addSpecialTokens: false })).getIds();
    const ids = [...ours.encode(t, { allowSpecials: true })];
    expect(ids, JSON.stringify(t)).toEqual(there);
    if (ids.length === 0) continue;
    for (const specials of shows) {
      const decoded = ours.decode(ids, { specials });
      expect(decoded).toBe(await rust.decode(ids, specials === "skip"));
      const stream = ours.decoder({ specials });
      expect(ids.map((id) => stream.push(id)).join("") + stream.flush()).toBe(decoded);
    }
  }
}

const mark = "▁";
const NORMALIZERS: readonly Json[] = [
  ...["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"].map((type) => ({ type })),
  { type: "Strip", strip_left: true, strip_right: false },
  { type: "Strip", strip_left: false, strip_right: true },
  { type: "Strip", strip_left: true, strip_right: true },
  { type: "Prepend", prepend: mark },
  { type: "Replace", pattern: { String: " " }, content: mark },
  { type: "Replace", pattern: { Regex: " {2,}|\\d+" }, content: "$&_" },
  { type: "Replace", pattern: { Regex: "x*" }, content: "-" },
  {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  {
    type: "BertNormalizer",
    clean_text: false,
    handle_chinese_chars: false,
    strip_accents: true,
    lowercase: false,
  },
  { type: "Sequence", normalizers: [{ type: "NFKD" }, { type: "StripAccents" }, { type: "Lowercase" }] },
];

const behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];
const PRE_TOKENIZERS: readonly Json[] = [
  { type: "BertPreTokenizer" },
  { type: "Whitespace" },
  { type: "WhitespaceSplit" },
  { type: "CharDelimiterSplit", delimiter: "l" },
  { type: "Digits", individual_digits: true },
  { type: "Digits", individual_digits: false },
  { type: "FixedLength", length: 3 },
  ...behaviors.map((behavior) => ({ type: "Punctuation", behavior })),
  ...behaviors.flatMap((behavior) =>
    [true, false].map((invert) => ({ type: "Split", pattern: { Regex: "[-l]|\\s+" }, behavior, invert })),
  ),
  ...behaviors.map((behavior) => ({ type: "Split", pattern: { Regex: "l*" }, behavior, invert: false })),
  { type: "Split", pattern: { String: "." }, behavior: "Removed", invert: false },
  ...["always", "first", "never"].flatMap((prepend_scheme) =>
    [true, false].map((split) => ({ type: "Metaspace", replacement: mark, prepend_scheme, split })),
  ),
  {
    type: "Sequence",
    pretokenizers: [
      { type: "WhitespaceSplit" },
      { type: "Metaspace", replacement: mark, prepend_scheme: "first", split: true },
      { type: "Digits", individual_digits: true },
    ],
  },
];

describe("steps of a tokenizer.json, against npm tokenizers", () => {
  test.each(NORMALIZERS)("normalizer %j", (normalizer) => same(file({ normalizer })));
  test.each(PRE_TOKENIZERS)("pre-tokenizer %j", (pre_tokenizer) => same(file({ pre_tokenizer })));

  test.each([
    { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    {
      type: "Sequence",
      pretokenizers: [
        { type: "Whitespace" },
        { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
      ],
    },
  ])("bytes as characters %j", (pre_tokenizer) =>
    same(
      file({
        pre_tokenizer,
        decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
      }),
    ),
  );

  test.each([
    bpeModel(),
    bpeModel({ fuse_unk: true }),
    bpeModel({ unk_token: null }),
    bpeModel({ continuing_subword_prefix: "##" }),
    bpeModel({ end_of_word_suffix: "</w>" }),
    bpeModel({ ignore_merges: true }),
  ])("BPE %#", (model) => same(file({ model, pre_tokenizer: { type: "WhitespaceSplit" } })));

  test("BPE with bytes for what it lacks, whole and in part", async () => {
    const model = bpeModel({ byte_fallback: true });
    const vocab = model["vocab"] as Record<string, number>;
    const size = Object.keys(vocab).length;
    for (const bytes of [BYTES, BYTES.slice(0, 0xf0)]) {
      const all = { ...vocab, ...Object.fromEntries(bytes.map((name, i) => [name, size + i])) };
      await same(
        file({
          model: { ...model, vocab: all, fuse_unk: true },
          normalizer: { type: "Replace", pattern: { String: " " }, content: mark },
          decoder: {
            type: "Sequence",
            decoders: [
              { type: "Replace", pattern: { String: mark }, content: " " },
              { type: "ByteFallback" },
              { type: "Fuse" },
              { type: "Strip", content: " ", start: 1, stop: 0 },
            ],
          },
        }),
      );
    }
  });

  test("BPE over a whole text: words are merged alone, but not where a token joins them", async () => {
    const names = ["<unk>", ...LETTERS, "he", "ll", "▁w", "o▁", "▁▁", ">▁", ">▁<", "▁▁▁▁", "o▁h", "▁he"];
    const merges = [
      ["h", "e"],
      ["▁", "▁"],
      ["o", "▁"],
      ["▁", "w"],
      [">", "▁"],
      [">▁", "<"],
      ["▁▁", "▁▁"],
      ["o▁", "h"],
      ["▁", "he"],
      ["l", "l"],
    ];
    for (const settings of [{}, { fuse_unk: true }, { unk_token: null }, { ignore_merges: true }]) {
      const vocab = Object.fromEntries(names.map((name, i) => [name, i]));
      const normalizer = { type: "Replace", pattern: { String: " " }, content: mark };
      const model = { ...bpeModel(settings), vocab, merges };
      await same(file({ model, normalizer, decoder: { type: "Fuse" } }));
      const { "▁": _, ...rest } = vocab;
      const lacks = { ...model, vocab: rest, merges: merges.filter(([a, b]) => a !== mark && b !== mark) };
      await same(file({ model: lacks, normalizer, decoder: { type: "Fuse" } }));
    }
  });

  test("Unigram with bytes for unknown characters, and without", async () => {
    const metaspace = { type: "Metaspace", replacement: mark, prepend_scheme: "always", split: true };
    for (const byte_fallback of [true, false]) {
      const model = { ...unigramModel(BYTES), byte_fallback };
      await same(file({ model, pre_tokenizer: metaspace, decoder: metaspace }));
    }
  });

  test("WordPiece and WordLevel", async () => {
    const names = [
      "[UNK]",
      ...LETTERS,
      ...WORDS,
      ...WORDS.map((w) => `##${w}`),
      ..."abcdefghijklm".split("").map((c) => `##${c}`),
    ];
    const vocab = Object.fromEntries([...new Set(names)].map((name, i) => [name, i]));
    for (const max_input_chars_per_word of [100, 4]) {
      await same(
        file({
          model: {
            type: "WordPiece",
            unk_token: "[UNK]",
            continuing_subword_prefix: "##",
            max_input_chars_per_word,
            vocab,
          },
          normalizer: {
            type: "BertNormalizer",
            clean_text: true,
            handle_chinese_chars: true,
            strip_accents: null,
            lowercase: true,
          },
          pre_tokenizer: { type: "BertPreTokenizer" },
          decoder: { type: "WordPiece", prefix: "##", cleanup: true },
        }),
      );
    }
    await same(
      file({
        model: { type: "WordLevel", unk_token: "[UNK]", vocab },
        pre_tokenizer: { type: "Whitespace" },
      }),
    );
  });

  test.each([
    { type: "BPEDecoder", suffix: "l" },
    { type: "ByteFallback" },
    { type: "CTC", pad_token: "a", word_delimiter_token: "|", cleanup: true },
    { type: "Fuse" },
    { type: "Metaspace", replacement: mark, prepend_scheme: "first", split: true },
    { type: "Metaspace", replacement: mark, prepend_scheme: "never", split: true },
    { type: "Replace", pattern: { Regex: "l+" }, content: "L" },
    { type: "Strip", content: " ", start: 2, stop: 0 },
    { type: "WordPiece", prefix: "h", cleanup: true },
    {
      type: "Sequence",
      decoders: [{ type: "Fuse" }, { type: "Replace", pattern: { String: "ll" }, content: "L" }],
    },
    { type: "Sequence", decoders: [{ type: "Fuse" }, { type: "Strip", content: "h", start: 3, stop: 0 }] },
    null,
  ])("decoder %j", (decoder) => same(file({ decoder })));

  test.each([
    {},
    { lstrip: true },
    { rstrip: true },
    { lstrip: true, rstrip: true },
    { single_word: true },
    { normalized: true },
    { special: false },
    { special: false, normalized: true, rstrip: true },
  ])("added tokens %j", async (flags) => {
    const model = unigramModel();
    const size = (model["vocab"] as unknown[]).length;
    const added_tokens = [
      added(0, "<unk>"),
      added(size, "<x>", flags),
      added(size + 1, "<y>", flags),
      added(size + 2, "<x><x>"),
    ];
    await same(file({ model, added_tokens, decoder: { type: "Fuse" } }));
    // There a special whose normalised text differs is shown even where specials are left out; not here.
    const shows = "normalized" in flags && !("special" in flags) ? (["show"] as const) : undefined;
    const prepend = { type: "Prepend", prepend: mark };
    await same(file({ model, added_tokens, normalizer: prepend, decoder: { type: "Fuse" } }), shows);
    const lower = { type: "Lowercase" };
    const upper = [added(0, "<unk>"), added(size, "<X>", flags), added(size + 1, "ab", flags)];
    await same(file({ model, added_tokens: upper, normalizer: lower, decoder: { type: "Fuse" } }), shows);
  });
});
