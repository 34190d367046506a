import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer as HuggingFace } from "@huggingface/tokenizers";
import * as fc from "fast-check";
import { Tokenizer as Rust } from "tokenizers";
import { afterAll, describe, expect, test } from "vitest";
import { byteTokenizer, createTokenizer } from "../../src/tokenizer/create.ts";
import { loadTokenizer, saveTokenizer } from "../../src/tokenizer/load-save.ts";
import { isRecord } from "../../src/tokenizer/formats/byte-level.ts";
import {
  formatTokenizer,
  parseTokenizer,
  readBytePiece,
  TIKTOKEN_SPLITS,
  readTiktoken,
  writeBytePiece,
  writeHuggingFace,
  writeSentencePiece,
} from "../../src/tokenizer/formats/index.ts";
import type { BpeModel, TokenizerModel } from "../../src/tokenizer/model.ts";
import { learnSlowly, mergeSlowly } from "../reference/bpe.ts";
import { DATA, WITHOUT_DATA, data, textData } from "./data.ts";
import { SMALL, modelOf } from "./models.ts";

const utf8 = new TextEncoder();
const folder = mkdtempSync(join(tmpdir(), "athanor-formats-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HARD = [
  "the hello world is 太阳能 and the café import numpy as np\n\nthe the ing\n",
  "    def f(x):\n\treturn 'a'  # 白云机场\r\n\r\n\r\n",
  "😀é\u0301 \u00a0\u0085\ufeff zero\u200bwidth  ",
  "",
  " ",
  "\n\n\n",
  "it's we'll I'D 12345 3.14 -- ... ~~~ ﬀ ﷺ",
];

function parsed(json: string): Record<string, unknown> {
  const value: unknown = JSON.parse(json);
  return isRecord(value) ? value : {};
}

/** Text without the specials' spellings, which Hugging Face always reads as specials. */
const anyText = fc.string({ unit: "grapheme", maxLength: 40 }).filter((s) => !s.includes("<"));

function bpeModel(split?: string): BpeModel {
  const merges = learnSlowly([...utf8.encode(HARD.join("the hello world 太阳能 "))], 120);
  const pieces = [
    ...Array.from({ length: 256 }, (_, b) => Uint8Array.of(b)),
    ...merges.map(() => new Uint8Array(0)),
  ];
  merges.forEach(
    ([l, r], k) => (pieces[256 + k] = Uint8Array.from([...(pieces[l] ?? []), ...(pieces[r] ?? [])])),
  );
  const flat = merges.flatMap(([l, r], k) => [l, r, 256 + k]);
  const eos = { id: pieces.length, text: "<eos>", role: "eos" as const };
  return {
    kind: "bpe",
    pieces: [...pieces, new Uint8Array(0)],
    merges: Int32Array.from(flat),
    specials: [eos],
    ...(split !== undefined && { split }),
  };
}

const models: [string, TokenizerModel][] = [
  ["unigram", SMALL],
  ["unigram with NFC", { ...SMALL, normalization: "nfc" }],
  ["bytes", byteTokenizer().model ?? SMALL],
  ["bpe by lines", bpeModel()],
  ["bpe by words", bpeModel(" ?\\p{L}+| ?\\p{N}+")],
];

describe.each(models)("tokenizer.json of %s", (_, model) => {
  const ours = createTokenizer(model);
  const json = writeHuggingFace(model);

  test("comes back as it was", () => {
    const back = parseTokenizer(utf8.encode(json));
    expect(back.model).toEqual(model);
    expect(back.kind).toBe(ours.kind);
  });

  test("gives the same ids and text in @huggingface/tokenizers and npm tokenizers", async () => {
    const js = new HuggingFace(parsed(json), {});
    const rust = Rust.fromString(json);
    const texts = [...HARD, ...fc.sample(anyText, { numRuns: 60, seed: 4 })];
    for (const text of texts) {
      const ids = [...ours.encode(text)];
      const there = await rust.encode(text, null, { addSpecialTokens: false });
      expect(there.getIds()).toEqual(ids);
      expect(await rust.decode(ids, true)).toBe(ours.decode(ids));
      if (text.normalize("NFC") === text)
        expect(js.encode(text, { add_special_tokens: false }).ids).toEqual(ids);
      if (ids.length > 0)
        expect(js.decode(ids, { clean_up_tokenization_spaces: false })).toBe(ours.decode(ids));
    }
  });

  test("a special that text spells stays text here, as asked", () => {
    const eos = ours.specials.find((s) => s.role === "eos")?.id ?? -1;
    const back = parseTokenizer(utf8.encode(json));
    expect([...back.encode("<eos>")]).not.toContain(eos);
    expect([...back.encode("<eos>", { allowSpecials: true })]).toEqual([eos]);
  });
});

describe("BytePiece files", () => {
  test("come back as they were", () => {
    const text = writeBytePiece(SMALL);
    expect(readBytePiece(text)).toEqual(SMALL);
    expect(parseTokenizer(utf8.encode(text)).kind).toBe("unigram");
    const first = parsed(text);
    expect(first[btoa("the")]).toEqual([
      SMALL.pieces.findIndex((p) => p.join() === "116,104,101"),
      "the",
      500,
    ]);
  });

  test("cut, edited or odd ones are errors that say where", () => {
    const text = writeBytePiece(SMALL);
    expect(() => readBytePiece(text.slice(0, 900), "m.model")).toThrow("load: m.model must be whole JSON");
    expect(() => readBytePiece('{"AA==": [3, "", 1]}', "m")).toThrow(
      "load: m: all 256 single bytes must be pieces, got none for byte 1. Add it.",
    );
    expect(() => readBytePiece('{"AA==": [9, "", 1]}', "m")).toThrow(
      'load: m: ids must be 3 to 3, each once, got 9 for "AA==". The file is edited or cut.',
    );
    expect(() => readBytePiece('{"AA==": [3, "", 0]}', "m")).toThrow(
      'load: m: count of "AA==" must be a positive number, got 0.',
    );
    expect(() => readBytePiece('{"?": [3, "", 1]}', "m")).toThrow('load: m: "?" must be base64.');
    expect(() => readBytePiece("[1]", "m")).toThrow("load: m must be a JSON object");
    const { counts: _, ...without } = SMALL;
    expect(() => writeBytePiece(without)).toThrow(
      "writeBytePiece: model must have whole counts, got none for piece 3",
    );
  });
});

describe("SentencePiece files", () => {
  const spm = ((): boolean => {
    try {
      execFileSync("spm_encode", ["--help"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  })();

  test.skipIf(!spm)(`same ids in spm_encode${spm ? "" : " (skipped: spm_encode is not installed)"}`, () => {
    const path = join(folder, "small.model");
    writeFileSync(path, writeSentencePiece(SMALL));
    const ours = createTokenizer(SMALL);
    // Characters that are pieces, or whose bytes stand alone: see the note at the head of sentencepiece.ts.
    const lines = [
      "the hello world is 太阳能 and the",
      "  two  spaces ",
      "import numpy as np",
      "广州的白云机场。",
      "naïve ß 😀😀",
      "the\tthe",
    ];
    const input = `${lines.join("\n")}\n`;
    const output = execFileSync("spm_encode", [`--model=${path}`, "--output_format=id"], {
      input,
      encoding: "utf8",
    });
    expect(output.trimEnd().split("\n")).toEqual(lines.map((line) => ours.encode(line).join(" ")));
  });

  test("pieces that are no text are an error", () => {
    const model = modelOf({});
    const pieces = [...model.pieces, Uint8Array.of(0xe5, 0xa4)];
    const logProbs = Float64Array.from([...model.logProbs, -3]);
    expect(() => writeSentencePiece({ ...model, pieces, logProbs })).toThrow(
      "writeSentencePiece: pieces must be text without U+2581, got bytes 229 164 for piece 259. Train with ensureUnicode.",
    );
    expect(() => formatTokenizer(bpeModel(), "sentencepiece")).toThrow(
      "format sentencepiece must get a unigram model, got bpe",
    );
  });
});

describe("tiktoken files", () => {
  const model = bpeModel();
  const lines = model.pieces.slice(0, -1).map((p, id) => `${btoa(String.fromCharCode(...p))} ${id}`);
  const unique = lines.filter(
    (line, i) => lines.findIndex((l) => l.split(" ")[0] === line.split(" ")[0]) === i,
  );

  test("ids are ranks, merged lowest first within the parts of the pattern", () => {
    const text = `${unique.map((line, i) => `${line.split(" ")[0]} ${i}`).join("\n")}\n`;
    const tokenizer = parseTokenizer(utf8.encode(text), "v", { encoding: "gpt2" });
    const pieces = tokenizer.model?.pieces ?? [];
    const idOf = new Map(pieces.map((p, id) => [p.join(), id]));
    const joined = (l: number, r: number): number | undefined =>
      idOf.get([...(pieces[l] ?? []), ...(pieces[r] ?? [])].join());
    for (const line of ["hello world", " the hello's", "太阳能", "  x"]) {
      const parts = line.match(/'s| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu) ?? [];
      const slow = parts.flatMap((part) => {
        const whole = idOf.get(utf8.encode(part).join());
        return whole !== undefined
          ? [whole]
          : mergeSlowly([...utf8.encode(part)], joined, (l, r) => joined(l, r) ?? -1);
      });
      expect([...tokenizer.encode(line)]).toEqual(slow);
    }
    expect(tokenizer.specials).toEqual([{ id: unique.length, text: "<|endoftext|>", role: "eos" }]);
  });

  test("a file that is no published encoding must come with a name; a special may not take a rank", () => {
    const text = `${unique.map((line, i) => `${line.split(" ")[0]} ${i}`).join("\n")}\n`;
    expect(() => parseTokenizer(utf8.encode(text), "v.tiktoken")).toThrow(
      `load: v.tiktoken must be a published encoding (gpt2, p50k_base, cl100k_base, o200k_base), got another of ${unique.length} ranks`,
    );
    const named = readTiktoken(text, "v", { encoding: "o200k_base", specials: { "<a>": unique.length + 7 } });
    expect(named.pieces).toHaveLength(unique.length + 8);
    expect(named.split).toBe(TIKTOKEN_SPLITS.o200k_base);
    expect(() => readTiktoken(text, "v", { encoding: "gpt2", specials: { "<a>": 3 } })).toThrow(
      "load: v: special <a> must have an id of its own, got 3, which is a rank of the file.",
    );
    expect(() => readTiktoken("IQ== 99999999\n", "v")).toThrow("line 1 must be base64 and a new rank");
  });

  test("a line that is none is an error", () => {
    expect(() => readTiktoken("IQ== 0\nIg==\n", "v")).toThrow(
      'load: v: line 2 must be base64 and a new rank, got "Ig==".',
    );
    expect(() => readTiktoken("IQ== 1\n", "v")).toThrow(
      "load: v: ranks must run without gaps, got none for 0.",
    );
  });
});

describe.skipIf(DATA === undefined)(`real vocabularies${WITHOUT_DATA}`, () => {
  test("MiniMind's tokenizer.json: same ids as @huggingface/tokenizers and npm tokenizers", async () => {
    const json = new TextDecoder().decode(data("models/minimind2-small/tokenizer.json"));
    const ours = parseTokenizer(utf8.encode(json));
    expect(ours.kind).toBe("bpe");
    expect(ours.vocabularySize).toBe(6400);
    const rust = Rust.fromString(json);
    const js = new HuggingFace(parsed(json), {});
    const texts = [
      ...HARD,
      textData("text/zh/debian-handbook-zh.txt.gz", 20_000),
      textData("text/en/sotu.txt.gz", 20_000),
      ...fc.sample(anyText, { numRuns: 200, seed: 5 }),
    ];
    for (const text of texts) {
      const ids = [...ours.encode(text)];
      expect((await rust.encode(text, null, { addSpecialTokens: false })).getIds()).toEqual(ids);
      expect(ours.decode(ids)).toBe(text);
    }
    expect(js.encode(HARD[0] ?? "", { add_special_tokens: false }).ids).toEqual([
      ...ours.encode(HARD[0] ?? ""),
    ]);
    expect([...ours.encode("<|im_start|>user", { allowSpecials: true })][0]).toBe(1);
  });

  test("llama2.c's tokenizer.bin: the ids its C program gives, by its own rule", () => {
    const bytes = data("models/stories15M/tokenizer.bin");
    const ours = parseTokenizer(bytes, "tokenizer.bin");
    expect(ours.vocabularySize).toBe(32000);
    // The file, read again as plainly as possible.
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const idOf = new Map<string, number>();
    const texts: string[] = [];
    const scores: number[] = [];
    for (let at = 4; at < bytes.length; at += 8 + view.getInt32(at + 4, true)) {
      scores.push(view.getFloat32(at, true));
      const text = String.fromCharCode(...bytes.subarray(at + 8, at + 8 + view.getInt32(at + 4, true)));
      if (texts.length >= 259) idOf.set(text, texts.length);
      texts.push(text);
    }
    const joined = (l: number, r: number): number | undefined => {
      if (l < 259 || r < 259) return undefined; // bytes written out never merge
      return idOf.get(`${texts[l]}${texts[r]}`);
    };
    const slow = (text: string): number[] =>
      text === ""
        ? []
        : mergeSlowly(
            Array.from(` ${text}`).flatMap((c) => {
              const part = utf8.encode(c);
              const id = idOf.get(String.fromCharCode(...part));
              return id === undefined ? [...part].map((b) => b + 3) : [id];
            }),
            (l, r) => {
              const id = joined(l, r);
              return id === undefined ? undefined : -(scores[id] ?? 0);
            },
            (l, r) => joined(l, r) ?? -1,
          );
    const lines = [
      ...HARD,
      ...textData("text/en/sotu.txt.gz", 3000).split("\n"),
      `a${" ".repeat(37)}b   c`,
      ...fc.sample(anyText, { numRuns: 60, seed: 6 }),
    ];
    for (const line of lines) {
      expect([...ours.encode(line)]).toEqual(slow(line));
      expect(ours.decode(ours.encode(line))).toBe(line);
      // The added space is nowhere in the original.
      const { ids, offsets } = ours.encodeWithOffsets(line);
      expect(offsets.bytes.at(-1)).toBe(utf8.encode(line).length);
      const slices = Array.from(ids, (_, i) => line.slice(offsets.utf16[i], offsets.utf16[i + 1]));
      expect(slices.join("")).toBe(line);
    }
    // The ids of this prompt in Llama 2's vocabulary, without BOS.
    expect([...ours.encode("Once upon a time")]).toEqual([9038, 2501, 263, 931]);
  });
});

describe("files", () => {
  test("save and load, by name", async () => {
    const tokenizer = createTokenizer(SMALL);
    for (const name of ["tokenizer.json", "small.bytepiece"]) {
      const path = join(folder, name);
      await saveTokenizer(tokenizer, path);
      expect((await loadTokenizer(path)).model).toEqual(SMALL);
    }
    expect((await loadTokenizer(folder)).vocabularySize).toBe(SMALL.pieces.length);
  });

  test("missing, empty and foreign files are errors in one sentence", async () => {
    await expect(loadTokenizer(join(folder, "none"))).rejects.toThrow("must exist, got nothing there.");
    await expect(loadTokenizer(tmpdir())).rejects.toThrow(
      "must hold tokenizer.json or tokenizer.bin, got neither.",
    );
    expect(() => parseTokenizer(new Uint8Array(0), "x")).toThrow("load: x must be a tokenizer.json");
    expect(() => parseTokenizer(Uint8Array.of(0xff, 0xfe, 1), "x")).toThrow("got 3 other bytes");
    const json = writeHuggingFace(SMALL);
    for (let cut = 0; cut < json.length; cut += 997) {
      expect(() => parseTokenizer(utf8.encode(json.slice(0, cut)), "x")).toThrow("load: x");
    }
    const bin = new Uint8Array(600);
    bin.set(utf8.encode("<unk>"), 12);
    bin[8] = 5;
    expect(() => parseTokenizer(bin.subarray(0, 17 + 8 * 9), "x")).toThrow(
      "load: x must have at least 259 entries",
    );
    const broken = bin.slice();
    new DataView(broken.buffer).setFloat32(4, Number.NaN, true);
    expect(() => parseTokenizer(broken, "x")).toThrow(
      "load: x: score of entry 0 must be a finite number, got NaN.",
    );
    bin[22] = 255; // a length of 65,280
    expect(() => parseTokenizer(bin, "x")).toThrow(
      "load: x must hold whole entries, got one cut off at byte 17",
    );
  });

  test("a pipeline of another kind runs through the other library", () => {
    const json = {
      version: "1.0",
      added_tokens: [
        {
          id: 0,
          content: "[UNK]",
          special: true,
          single_word: false,
          lstrip: false,
          rstrip: false,
          normalized: false,
        },
      ],
      normalizer: { type: "Lowercase" },
      pre_tokenizer: { type: "Whitespace" },
      post_processor: null,
      decoder: { type: "WordPiece", prefix: "##", cleanup: false },
      model: {
        type: "WordPiece",
        unk_token: "[UNK]",
        continuing_subword_prefix: "##",
        max_input_chars_per_word: 100,
        vocab: { "[UNK]": 0, hello: 1, wor: 2, "##ld": 3 },
      },
    };
    const tokenizer = parseTokenizer(utf8.encode(JSON.stringify(json)), "bert.json");
    expect(tokenizer.kind).toBe("hugging-face");
    expect([...tokenizer.encode("Hello world")]).toEqual([1, 2, 3]);
    expect(tokenizer.decode([1, 2, 3])).toBe("hello world");
    const stream = tokenizer.decoder();
    expect([1, 2, 3].map((id) => stream.push(id)).join("") + stream.flush()).toBe("hello world");
    expect(() => tokenizer.decode([9])).toThrow("decode: id must be an integer from 0 to 3, got 9.");
    expect(() => tokenizer.sample("a", { alpha: 1, seed: 1 })).toThrow(
      "sample: tokenizer must be of kind unigram",
    );
  });
});
