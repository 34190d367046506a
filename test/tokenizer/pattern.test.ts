// Patterns in Oniguruma's notation cut a text as Oniguruma cuts it, or are refused with the construct named.
import * as fc from "fast-check";
import { Tokenizer as Rust } from "tokenizers";
import { describe, expect, test } from "vitest";
import { createTokenizer, type Tokenizer } from "../../src/tokenizer/index.ts";
import { jsPattern } from "../../src/tokenizer/pipeline/pattern.ts";
import { splitText } from "../../src/tokenizer/pipeline/pre-tokenizers.ts";
import { TIKTOKEN_SPLITS } from "../../src/tokenizer/formats/tiktoken.ts";

/** A tokenizer that only cuts: its tokens are the parts. */
function cutter(pattern: string): Rust {
  return Rust.fromString(
    JSON.stringify({
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
      post_processor: null,
      decoder: null,
      model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0]], byte_fallback: false },
    }),
  );
}

function cut(pattern: string, text: string): string[] {
  const regex = new RegExp(jsPattern(pattern), "gv");
  return splitText({ text, first: true }, regex, "Isolated", false)
    .map((s) => s.text)
    .filter((s) => s !== "");
}

const UNITS = [
  ..."abcdehkosxyzABHIKS019 \n\t_-*+.'[]{}()|^$\\,;:!?",
  ..."éßſÅΣς日本語かﬀ½²٣३\u0301\u200b\u200c\u200d\ufeff\u0085\u2028\u00a0\u3000",
  "😀",
  "\u088f", // new in Unicode 17: a letter here, nothing yet there
  "'s",
  "it's",
  "IT'LL",
  "\r\n",
  "abc",
  "ss",
];
const text = fc.array(fc.constantFrom(...UNITS), { maxLength: 12 }).map((parts) => parts.join(""));
const TEXTS = [
  "hello world",
  "xx abc x",
  "aaab aa",
  "Ab\ncd\n",
  "\n",
  "h\nho\noh\n\n",
  "it's IT'S 'ſ K k\u212a",
  "-a]{a{a{,}",
  "10٣ ३ x_y-z ½ ² é e\u0301",
  ...fc.sample(text, { numRuns: 120, seed: 3 }),
];

const PATTERNS = [
  "\\w+|\\W+",
  "\\b",
  "\\B",
  "x*",
  ".{1,3}",
  "\\d+|\\D+",
  "a*+a|.",
  "[*+]+|[^*+]+",
  "^h|o$", // the cases
  "\\h+",
  "(?i:'s|'t|k)|.",
  "(?m:.+)",
  ".+",
  "^.*$",
  "^",
  "$",
  "\\Aa|b\\z|c\\Z",
  "a{2}+",
  "a{,2}b",
  "(?>a+|b)c|.",
  "a++a|b",
  "a?+b",
  "(?:ab|a)(?:c|bcd)(d*)",
  "(?<name>a)b",
  "(?<=a)b",
  "(?<!a)b+?",
  "(?=b)|(?!a)c",
  "[a-c&&[^b]]+",
  "[\\w&&[^\\d]]+",
  "[[:alpha:]]+",
  "[[:^alnum:]]",
  "[[:upper:]]|[[:lower:]]+",
  "[[:word:]]",
  "[\\W]",
  "\\s+(?!\\S)|\\s+",
  "[^\\s\\p{L}\\p{N}]+",
  "\\p{Han}+|\\p{^L}",
  "\\P{L}+",
  "[^\\P{L}]+",
  "\\p{Lu}|\\p{Ll}",
  "\\p{M}",
  "(?i)h|[a-k]",
  "(?i:[^a-k])+",
  "(?x: a b # c\n )",
  "(?#comment)a",
  "\\x41|\\u0042|\\x{43}",
  "[\\]\\-a]",
  "a|",
  "-",
  "[-a]",
  "[a-]",
  "{",
  "a{",
  "a{,}",
  "]",
  "\\t|\\r?\\n",
  "[\\s\\S]+",
  "(?i:it's)|(?i:[sdmt]|ll|ve|re)",
  ...Object.values(TIKTOKEN_SPLITS),
  // Qwen, DeepSeek, and cl100k as tiktoken writes it
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
];

describe("split patterns, against npm tokenizers", () => {
  test.each(PATTERNS)("%j", async (pattern) => {
    const rust = cutter(pattern);
    for (const t of TEXTS) {
      const there = (await rust.encode(t, null, { addSpecialTokens: false })).getTokens();
      expect(cut(pattern, t), JSON.stringify(t)).toEqual(there);
    }
  });

  test.each([
    ["\\X", "the escape \\X"],
    ["\\R+", "the escape \\R"],
    ["(a)\\1", "the escape \\1"],
    ["a\\K", "the escape \\K"],
    ["(?~ab)", "the group (?~a"],
    ["(?(a)b|c)", "the group (?(a"],
    ["\\p{Script=Han}", "the property \\p{Script=Han}"],
    ["\\p{Emoji}", "the property \\p{Emoji}"],
    ["[[:punct:]]", "the bracket [:punct:]"],
    ["(?i:é)", '"é" without regard to case'],
    ["(?i:\\p{Lu})", "\\p{Lu} without regard to case"],
    ["(?i:miss)", '"ss" without regard to case, which also matches one character'],
    ["(?:a*)*", "a repetition (*) of what may be empty"],
    ["(?:^|a?){2,}", "a repetition ({2,}) of what may be empty"],
    ["a{3}?", "the interval {3}?"],
    ["a{5000}", "the interval {5000}, above 1000"],
    ["(?<=a++)b", "a group or quantifier that gives nothing back, inside a look-behind"],
    ["[]a]", "a class that begins with a closing bracket"],
    ["[a", "a class without its closing bracket"],
    ["(a", "an opening parenthesis without its closing one"],
    ["a)", "a closing parenthesis without its opening one"],
    ["*a", "a quantifier * with nothing before it"],
    ["[z-a]", "the range z-a"],
    ["\\xff", "the escape \\xff"],
    ["(".repeat(2000), "more than a thousand groups"],
  ])("%j is refused: %s", (pattern, named) => {
    expect(() => jsPattern(pattern, "load: t.json: pre_tokenizer")).toThrow(
      "load: t.json: pre_tokenizer: pattern ",
    );
    expect(() => jsPattern(pattern)).toThrow(`got ${named}`);
  });
});

test("an empty match is a cut in our own pairs too, also where another match follows at once", () => {
  const word = (text: string): Uint8Array => new TextEncoder().encode(text);
  const bytes = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const pairs = (split: string): Tokenizer =>
    createTokenizer({
      kind: "bpe",
      pieces: [...bytes, word("xx"), word(" x"), word("ya"), word("ca")],
      merges: Int32Array.of(120, 120, 256, 32, 120, 257, 121, 97, 258, 99, 97, 259),
      specials: [],
      split,
    });
  const cases: readonly (readonly [split: string, text: string, parts: readonly string[]])[] = [
    ["x*", "x xx yx", ["x", " ", "xx", " ", "y", "x"]],
    ["a|", "cacaya", ["c", "a", "c", "a", "y", "a"]],
    ["(?=x)|y?", "yax 😀x", ["y", "a", "x", " ", "😀", "x"]],
  ];
  for (const [split, text, parts] of cases) {
    const ids = parts.flatMap((part) => [...pairs("[\\s\\S]+").encode(part)]);
    expect([...pairs(split).encode(text)], split).toEqual(ids);
  }
});
