// BytePiece's compression and speed: vocabularies of one size learnt from the same text, and the bytes that one token
// stands for in held-out text.
import { barChart } from "../../draw/bar-chart.ts";
import {
  createTokenizer,
  type TokenizerModel,
  trainBpe,
  trainBytePiece,
  trainUnigram,
} from "../../tokenizer/index.ts";
import { englishBooks } from "../../train/books.ts";
import type { Entry, LabContext } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { BOOKS, CLASSICS } from "../needs.ts";
import { known } from "../statistics.ts";

const METHODS = [
  "BytePiece",
  "EM over its candidates",
  "byte pairs in words",
  "byte pairs in lines",
] as const;
type Method = (typeof METHODS)[number];

interface BytePieceSettings {
  readonly method: Method;
  readonly language: "en" | "zh";
  /** Characters of text. */
  readonly characters: number;
  readonly size: number;
}

export interface BytePieceRow {
  readonly method: Method;
  readonly language: string;
  readonly size: number;
  readonly bytesPerToken: number;
  /** Best of three passes over the held-out text; times, so not the same from run to run. */
  readonly encodeMBs: number;
  /** The same with random segmentation at α = 0.1; null for byte pairs, which have none. */
  readonly sampleMBs: number | null;
}

/** Every tenth line or sentence is held out. */
async function textOf(
  { language, characters }: BytePieceSettings,
  context: LabContext,
): Promise<{ train: string; heldOut: string }> {
  const bytes = await context.bytes(language === "en" ? BOOKS : CLASSICS);
  const text = new TextDecoder().decode(bytes);
  const whole =
    language === "en"
      ? englishBooks(text)
          .map(([, book]) => book)
          .join("\n")
      : text;
  const parts = whole.slice(0, characters).split(/(?<=\n\n|[.!?。！？]["”’」]?[ \n])/);
  return {
    train: parts.filter((_, i) => i % 10 !== 9).join(""),
    heldOut: parts.filter((_, i) => i % 10 === 9).join(""),
  };
}

type Learn = (text: string, vocabularySize: number) => Promise<TokenizerModel | undefined>;

const LEARN: Readonly<Record<Method, Learn>> = {
  BytePiece: async (text, vocabularySize) => (await trainBytePiece([text], { vocabularySize })).models[0],
  "EM over its candidates": async (text, vocabularySize) =>
    (await trainUnigram([text], { vocabularySize })).models[0],
  "byte pairs in words": async (text, vocabularySize) => (await trainBpe([text], { vocabularySize })).model,
  "byte pairs in lines": async (text, vocabularySize) =>
    (await trainBpe([text], { vocabularySize, split: false })).model,
};

/** MB/s of the best of three. */
function speed(bytes: number, work: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const from = performance.now();
    work();
    best = Math.min(best, performance.now() - from);
  }
  return bytes / 1e3 / best;
}

const of = (rows: readonly BytePieceRow[], language: string) =>
  byMethod(
    rows.filter((r) => r.language === language),
    (r) => r.bytesPerToken,
  );
/** Whether `a` needs fewer tokens than `b` in both languages. */
const ahead = (rows: readonly BytePieceRow[], a: Method, b: Method): boolean | null =>
  known(
    ["en", "zh"].flatMap((language) => [of(rows, language).mean(a), of(rows, language).mean(b)]),
    (ea = 0, eb = 1, za = 0, zb = 1) => ea > eb && za > zb,
  );
const shows = (rows: readonly BytePieceRow[], methods: readonly Method[]): string =>
  ["en", "zh"].map((language) => `${language}: ${of(rows, language).shows(methods)}`).join("; ");

const settings = (characters: number, size: number): BytePieceSettings[] =>
  METHODS.flatMap((method) =>
    (["en", "zh"] as const).map((language) => ({ method, language, characters, size })),
  );

export const bytepiece: Entry<BytePieceSettings, BytePieceRow> = {
  name: "bytepiece",
  row: "bytepiece",
  claim: {
    en: "BytePiece needs fewer tokens than SentencePiece at the same size of vocabulary, and random segmentation costs about 30 % of its encoding speed.",
    zh: "词表大小相同时，BytePiece 的压缩率高于 SentencePiece；随机分词使编码速度下降约 30%。",
  },
  source: {
    says: "Su 2023, BytePiece, and random segmentation by Viterbi sampling",
    links: ["https://kexue.fm/archives/9752", "https://kexue.fm/archives/9768"],
  },
  needs: [BOOKS, CLASSICS],
  minutes: { quick: 1.5, full: 8 },
  // Chance plays no part in the vocabularies; times do vary.
  seeds: [0],
  settings: {
    smallest: [{ method: "byte pairs in words", language: "zh", characters: 20_000, size: 400 }],
    quick: settings(400_000, 2000),
    full: settings(Number.MAX_SAFE_INTEGER, 8000),
  },
  rules: [
    {
      says: {
        en: "Faithful BytePiece needs fewer tokens than byte pairs within words, the rule SentencePiece has by default.",
        zh: "忠实复现的 BytePiece 所需 token 少于词内字节对（SentencePiece 的默认做法）。",
      },
      holds: (rows) => ahead(rows, "BytePiece", "byte pairs in words"),
      shows: (rows) => shows(rows, ["BytePiece", "byte pairs in words"]),
    },
    {
      says: {
        en: "Expectation-maximisation over its candidates needs fewer tokens than the faithful mode.",
        zh: "在其候选片段上做 EM 所需 token 少于忠实模式。",
      },
      holds: (rows) => ahead(rows, "EM over its candidates", "BytePiece"),
      shows: (rows) => shows(rows, ["EM over its candidates", "BytePiece"]),
    },
    {
      says: {
        en: "It needs fewer tokens than byte pairs over whole lines too.",
        zh: "它所需 token 也少于整行字节对。",
      },
      holds: (rows) => ahead(rows, "EM over its candidates", "byte pairs in lines"),
      shows: (rows) => shows(rows, ["EM over its candidates", "byte pairs in lines"]),
    },
    {
      says: {
        en: "Random segmentation keeps at least two thirds of the speed of encoding.",
        zh: "随机分词至少保持编码速度的三分之二。",
      },
      holds: (rows) => {
        const own = rows.filter((r) => r.sampleMBs !== null);
        return own.length === 0 ? null : own.every((r) => (r.sampleMBs ?? 0) >= (2 / 3) * r.encodeMBs);
      },
      shows: (rows) =>
        rows
          .filter((r) => r.sampleMBs !== null)
          .map((r) => `${r.language} ${r.encodeMBs.toFixed(1)} → ${r.sampleMBs?.toFixed(1)} MB/s`)
          .join(", "),
    },
  ],
  beyond: [
    {
      en: "The article's 5.05 bytes a token against 4.80 and 4.73 at 50,000 ids were learnt from 330 MB; SentencePiece itself is a program outside, measured in bench/results/tokenizer-train.json.",
      zh: "文章的 5.05 对 4.80 与 4.73（词表 5 万）由 330 MB 文本学得；SentencePiece 本身是外部程序，测量见 bench/results/tokenizer-train.json。",
    },
  ],
  async run(given, _, context) {
    const { method, language, size } = given;
    const { train, heldOut } = await textOf(given, context);
    const model = await LEARN[method](train, size);
    if (model === undefined) throw new Error("training gave no vocabulary");
    const tokenizer = createTokenizer(model);
    const bytes = new TextEncoder().encode(heldOut);
    const bytesPerToken = bytes.length / tokenizer.encode(bytes).length;
    const encodeMBs = speed(bytes.length, () => tokenizer.encode(bytes));
    const sampleMBs =
      model.kind === "bpe"
        ? null
        : speed(bytes.length, () => tokenizer.sample(bytes, { alpha: 0.1, seed: 0 }));
    context.report(
      `${method}, ${language}: ${bytesPerToken.toFixed(3)} bytes a token, ${encodeMBs.toFixed(1)} MB/s`,
    );
    return [{ method, language, size, bytesPerToken, encodeMBs, sampleMBs }];
  },
  figures(rows) {
    const figure = barChart({
      title: "Held-out bytes that a token stands for",
      subtitle: `Vocabularies of ${rows[0]?.size} ids learnt from the same text; more is better`,
      names: ["English", "Chinese"],
      rows: methodsOf(rows).map((name) => ({
        name,
        values: ["en", "zh"].map((language) => of(rows, language).mean(name) ?? 0),
      })),
    });
    return { "bytepiece-compression.svg": figure };
  },
};
