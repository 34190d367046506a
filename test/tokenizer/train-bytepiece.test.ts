import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChunkBlock, Chunker } from "../../src/tokenizer/train/chunk.ts";
import { exactLog } from "../../src/tokenizer/train/exact-log.ts";
import { buildLanguageModel } from "../../src/tokenizer/train/language-model.ts";
import { latin1 } from "../../src/tokenizer/model.ts";
import { isUtf8 } from "../../src/tokenizer/utf8.ts";
import { WindowCounter } from "../../src/tokenizer/train/ngrams.ts";
import type { TrainProgress } from "../../src/tokenizer/pace.ts";
import { PieceListBuilder } from "../../src/tokenizer/pieces.ts";
import { pruneWasted } from "../../src/tokenizer/train/prune.ts";
import { type Run, mergeRuns } from "../../src/tokenizer/train/runs.ts";
import { type PieceStart, segmentChunk, segmentScratch } from "../../src/tokenizer/train/segment.ts";
import { type BytePieceOptions, trainBytePiece } from "../../src/tokenizer/train/bytepiece.ts";
import { encodeUnigram, unigramEncoder } from "../../src/tokenizer/encode/unigram.ts";
import { bestScore, chunksSlowly, conditionals, gramCounts, pieceScore } from "../reference/bytepiece.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Chunks of `bytes` given in blocks that end at `cuts`. */
function chunksOf(bytes: Uint8Array, cuts: readonly number[], isolateDigits = false): Uint8Array[] {
  const chunker = new Chunker({ isolateDigits });
  const chunks: Uint8Array[] = [];
  const ends = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const [i, to] of [...ends, bytes.length].entries()) {
    const block = chunker.push({ bytes: bytes.subarray(from, to), last: i === ends.length });
    let start = 0;
    for (const end of block.ends) {
      chunks.push(block.bytes.slice(start, end));
      start = end;
    }
    from = to;
  }
  return chunks;
}

function windowsOf(chunks: readonly string[], order: number, memory?: number): Run[] {
  const runs: Run[] = [];
  const counter = new WindowCounter(order, (run) => runs.push(run), memory);
  for (const chunk of chunks) {
    const bytes = Uint8Array.from(chunk, (c) => c.charCodeAt(0));
    counter.add({ bytes, ends: Int32Array.of(bytes.length) } satisfies ChunkBlock);
  }
  counter.flush();
  return runs;
}

describe("chunks", () => {
  const piece = fc.constantFrom(
    "a",
    "é",
    "e\u0301",
    "中",
    "\n",
    "\n\n",
    "7",
    "٣",
    "😀",
    "\r\n",
    " ",
    "가",
    "각",
  );
  test("are those of the definition, for every division into blocks", () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        fc.boolean(),
        (parts, cuts, isolate) => {
          const text = parts.join("");
          const got = chunksOf(utf8(text), cuts, isolate).map((chunk) => new TextDecoder().decode(chunk));
          expect(got).toEqual(chunksSlowly(text, isolate));
        },
      ),
    );
  });

  test("long lines and many newlines are cut at 10,000 characters and 100 newlines", () => {
    for (const text of [
      "中".repeat(25_001),
      `${"a".repeat(10_000)}\nb`,
      `x${"\n".repeat(250)}y`,
      "é7".repeat(9000),
    ]) {
      for (const isolate of [false, true]) {
        const got = chunksOf(utf8(text), [17, 40_111], isolate).map((c) => new TextDecoder().decode(c));
        expect(got).toEqual(chunksSlowly(text, isolate));
      }
    }
  });

  test("bytes that are not UTF-8 pass unchanged, and what is valid between them is normalised", () => {
    const bytes = Uint8Array.of(0xff, 101, 0xcc, 0x81, 0xc3, 10, 0x80);
    const joined = Buffer.concat(chunksOf(bytes, [3]));
    expect([...joined]).toEqual([0xff, 0xc3, 0xa9, 0xc3, 10, 0x80]);
    const chunker = new Chunker();
    chunker.push({ bytes, last: true });
    expect(chunker.invalid).toBe(3);
  });
});

describe("the language model", () => {
  const chunk = fc.string({ unit: fc.constantFrom("a", "b", "\0", "ÿ"), minLength: 1, maxLength: 40 });

  test("keeps the grams that plain counting keeps, for any memory", () => {
    fc.assert(
      fc.property(
        fc.array(chunk, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        (chunks, order, minCount) => {
          const counts = gramCounts(chunks, order);
          const kept = Array.from({ length: order }, (_, j) =>
            j === 0
              ? 256
              : [...counts].filter(([gram, count]) => gram.length === j + 1 && count >= minCount).length,
          );
          const runs = windowsOf(chunks, order);
          expect(buildLanguageModel(mergeRuns([runs]), { order, minCount }).kept).toEqual(kept);
        },
      ),
    );
  });

  test("finds the best of all 2^(n-1) cuts", () => {
    fc.assert(
      fc.property(
        fc.array(chunk, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.string({ unit: fc.constantFrom("a", "b", "\0", "x"), minLength: 1, maxLength: 11 }),
        (chunks, order, text) => {
          const scores = conditionals(chunks, order, 2);
          const model = buildLanguageModel(mergeRuns([windowsOf(chunks, order)]), { order, minCount: 2 });
          const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
          const starts = new Int32Array(16);
          const n = segmentChunk(model, bytes, 0, bytes.length, "bytes", segmentScratch(), starts);
          let to = text.length;
          let score = 0;
          for (let k = 0; k < n; k++) {
            const from = starts[k] ?? 0;
            score += pieceScore(text.slice(from, to), scores, order);
            to = from;
          }
          expect(to).toBe(0);
          expect(score).toBeCloseTo(bestScore(text, scores, order), 9);
        },
      ),
    );
  });

  test("a full table spills, and the merged runs are the same", () => {
    const chunks = Array.from({ length: 900 }, (_, i) => `line ${i * 7919} and ${(i * 31) % 997} more\n`);
    const whole = [...mergeRuns(windowsOf(chunks, 6).map((run) => [run]))];
    const spilled = windowsOf(chunks, 6, 4096);
    expect(spilled.length).toBeGreaterThan(1);
    expect([...mergeRuns(spilled.map((run) => [run]))]).toEqual(whole);
  });
});

test("exactLog is the correctly rounded logarithm where Math.log is not", () => {
  // From NumPy 1.x logarithms (correctly rounded); each differs from V8's in the last place.
  const golden: [number, number][] = [
    [3, 1.0986122886681098],
    [1080, 6.984716320118266],
    [2009, 7.605392364814935],
    [3026, 8.014996894348302],
    [4620, 8.438149984075784],
    [5202, 8.556798446008598],
    [5992, 8.698180525197055],
    [7014, 8.855663430700124],
  ];
  for (const [x, y] of golden) expect(exactLog(x)).toBe(y);
  expect(exactLog(1)).toBe(0);
  for (let x = 1; x < 2 ** 50; x = x * 3 + 1) expect(exactLog(x)).toBeCloseTo(Math.log(x), 13);
});

interface Golden {
  texts: string[];
  cases: {
    options: BytePieceOptions & { vocabularySize: number[] };
    kept: number[];
    models: [string, number, number][][];
    /** Length of the encoding of each text by each model. */
    tokens: number[][];
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL("../golden/bytepiece.json", import.meta.url), "utf8"));
const ENGLISH = golden.texts[0] ?? "";

describe("golden: the reference's own vocabularies", () => {
  test.each(golden.cases.map((one, i) => [i, one] as const))("case %i", async (_, one) => {
    const { models, report } = await trainBytePiece(golden.texts, { ...one.options, reference: true });
    expect(report.kept).toEqual(one.kept);
    for (const [k, model] of models.entries()) {
      const got = model.pieces.flatMap((piece, id) =>
        piece.length === 0 ? [] : [[Buffer.from(piece).toString("base64"), id, model.counts?.[id]]],
      );
      expect(got).toEqual(one.models[k]);
      const encoder = unigramEncoder(model.pieces, model.logProbs);
      const tokens = golden.texts.map((text) => encodeUnigram(encoder, utf8(text.normalize("NFC"))).length);
      expect(tokens).toEqual(one.tokens[k]);
    }
  });
});

describe("a trained vocabulary", () => {
  test("keeps its promises", async () => {
    const text = `${ENGLISH}\n1999 中文中文中文 2024 中文`;
    for (const isolateDigits of [false, true]) {
      const { models, report } = await trainBytePiece([text], { vocabularySize: 500, isolateDigits });
      const pieces = models[0]?.pieces.slice(3) ?? [];
      expect(pieces.length).toBeLessThanOrEqual(497);
      expect(new Set(pieces.filter((p) => p.length === 1).map((p) => p[0])).size).toBe(256);
      expect(pieces.every((p) => p.length <= 36 && (p.length === 1 || isUtf8(p)))).toBe(true);
      if (isolateDigits) expect(pieces.some((p) => p.length > 1 && /\d/.test(latin1(p)))).toBe(false);
      // Every byte of text is in exactly one counted piece; each byte value that no piece stood for has count 1.
      const sum = pieces.reduce((s, p, i) => s + p.length * (models[0]?.counts?.[i + 3] ?? 0), 0);
      expect(sum - report.bytes).toBeGreaterThanOrEqual(0);
      expect(sum - report.bytes).toBeLessThanOrEqual(256);
      // Fixed point: every piece is its own best segmentation.
      const list = new PieceListBuilder();
      pieces.forEach((bytes, i) => list.append(bytes, models[0]?.counts?.[i + 3] ?? 0));
      expect((await pruneWasted(list.finish())).size).toBe(pieces.length);
    }
  });

  test("the smaller of several sizes is pruned from the larger", async () => {
    const both = await trainBytePiece([ENGLISH], { vocabularySize: [300, 600] });
    const sizes = both.models.map((m) => m.pieces.length);
    // A size can be missed by the few pieces that the last pruning leaves without use.
    expect(sizes.map((size) => Math.ceil(size / 10) * 10)).toEqual([300, 600]);
    const large = new Set(both.models[1]?.pieces.map(latin1));
    expect(both.models[0]?.pieces.every((p) => large.has(latin1(p)))).toBe(true);
  });

  test("a rare character shreds the rest of its chunk in reference mode only", () => {
    const line = "the quick brown fox jumps over the lazy dog";
    const chunks = [...Array.from({ length: 50 }, () => `${line}\n`), `龘 ${line}\n`].map((text) =>
      latin1(utf8(text)),
    );
    const model = buildLanguageModel(mergeRuns([windowsOf(chunks, 6)]), { order: 6, minCount: 5 });
    const bytes = utf8(`龘 ${line}\n`);
    const pieces = (pieceStart: PieceStart): number =>
      segmentChunk(model, bytes, 0, bytes.length, pieceStart, segmentScratch(), new Int32Array(64));
    expect(pieces("reference")).toBe(bytes.length);
    expect(pieces("characters")).toBeLessThan(8);
    expect(pieces("bytes")).toBeLessThan(8);
  });

  test("encodes better than bytes and loses nothing", async () => {
    const { models } = await trainBytePiece([ENGLISH], { vocabularySize: 700 });
    const [model] = models;
    const bytes = utf8(ENGLISH);
    const encoder = unigramEncoder(model?.pieces ?? [], model?.logProbs ?? new Float64Array(0));
    const ids = encodeUnigram(encoder, bytes);
    expect(ids.length).toBeLessThan(bytes.length / 2);
    expect(Buffer.concat([...ids].map((id) => model?.pieces[id] ?? new Uint8Array(0)))).toEqual(
      Buffer.from(bytes),
    );
  });
});

const failure = async (
  corpus: Parameters<typeof trainBytePiece>[0],
  options: BytePieceOptions = {},
): Promise<string> =>
  trainBytePiece(corpus, options).then(
    () => "no error",
    (error: unknown) => (error instanceof Error ? error.message : "?"),
  );

describe("bad input", () => {
  test("is refused with one sentence", async () => {
    expect(await failure([])).toBe(
      "trainBytePiece: corpus must hold at least one byte of text, got 0 texts with 0 bytes.",
    );
    expect(await failure([""])).toContain("got 1 texts with 0 bytes");
    expect(await failure(["a"], { vocabularySize: 258 })).toBe(
      "trainBytePiece: vocabularySize must be an integer ≥ 259 (256 bytes and 3 specials), got 258.",
    );
    expect(await failure(["a"], { order: 7 })).toBe(
      "trainBytePiece: order must be an integer from 1 to 6, got 7.",
    );
    expect(await failure(["a"], { minCount: 0 })).toContain("minCount must be an integer ≥ 1, got 0");
    expect(await failure(["a"], JSON.parse('{"maxPiecelength": 3}'))).toBe(
      'trainBytePiece: option "maxPiecelength" is unknown. Did you mean maxPieceLength?',
    );
    expect(await failure("text")).toContain("Pass [text].");
    expect(await failure(["a"][Symbol.iterator]())).toContain("Pass a function that makes it.");
  });

  test("a vocabulary larger than the text supports is as large as it can be, with a warning", async () => {
    const { models, report } = await trainBytePiece(["abababab abab"], { vocabularySize: 5000 });
    const size = models[0]?.pieces.length ?? 0;
    expect(size).toBeLessThan(300);
    expect(report.warnings).toEqual([
      `vocabularySize 5000 is more than this corpus supports: the vocabulary has ${size} ids. Give more text or a smaller minCount.`,
    ]);
  });

  test("bytes that are not UTF-8 and lone surrogates are trained on", async () => {
    const { report } = await trainBytePiece([Uint8Array.of(255, 254, 65, 66), "ab\ud800"], {});
    expect(report.invalidTexts).toBe(1);
    expect(report.warnings[0]).toBe(
      "1 of 2 texts are not UTF-8 (2 stray bytes); they were trained on as bytes.",
    );
  });
});

describe("control", () => {
  test("a signal stops the training with its reason", async () => {
    const corpus = Array.from({ length: 40 }, () => ENGLISH.repeat(20));
    const reason = new Error("enough");
    const stop = new AbortController();
    const seen: TrainProgress[] = [];
    const training = trainBytePiece(
      corpus,
      {},
      {
        signal: stop.signal,
        onProgress: (p) => {
          seen.push(p);
          stop.abort(reason);
        },
      },
    );
    await expect(training).rejects.toBe(reason);
    expect(seen.length).toBeGreaterThan(0);
  });

  test("progress names phases in order", async () => {
    const phases: string[] = [];
    await trainBytePiece([ENGLISH], {}, { onProgress: (p) => phases.push(p.phase) });
    expect([...new Set(phases)]).toEqual(["count", "segment", "prune"]);
  });
});
