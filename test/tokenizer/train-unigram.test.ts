import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  buildLattice,
  digamma,
  expectBlock,
  expectedByPiece,
} from "../../src/tokenizer/train/expectation.ts";
import { pieceLosses } from "../../src/tokenizer/train/loss.ts";
import { latin1 } from "../../src/tokenizer/model.ts";
import { isUtf8 } from "../../src/tokenizer/utf8.ts";
import { trainBytePiece } from "../../src/tokenizer/train/bytepiece.ts";
import { trainUnigram } from "../../src/tokenizer/train/unigram.ts";
import { encodeUnigram, unigramEncoder } from "../../src/tokenizer/encode/unigram.ts";
import { segmentations } from "../reference/unigram.ts";
import { alphabetText, randomPieces } from "./models.ts";

const golden: { texts: string[] } = JSON.parse(
  readFileSync(new URL("../golden/bytepiece.json", import.meta.url), "utf8"),
);

describe("expected counts", () => {
  test("are those of all segmentations, for every tilt", () => {
    fc.assert(
      fc.property(
        randomPieces(),
        alphabetText(9).filter((t) => t.length > 0),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (pieces, text, tilt) => {
          const p = Float64Array.from(pieces, (piece) => Math.exp(piece.logProb));
          const weighted = pieces.map((piece) => ({ bytes: [...piece.bytes], logProb: piece.logProb }));
          const bytes = pieces.map((piece) => piece.bytes);
          const lattice = buildLattice(bytes, p, tilt);
          const logZ = expectBlock(lattice, { bytes: text, ends: Int32Array.of(text.length) });
          const got = expectedByPiece(lattice, pieces.length);
          const slow = new Float64Array(pieces.length);
          let total = 0;
          for (const ids of segmentations([...text], weighted)) {
            const probability = ids.reduce((product, id) => product * (p[id] ?? 0), 1);
            total += probability;
            for (const id of ids) slow[id] = (slow[id] ?? 0) + probability;
          }
          expect(logZ).toBeCloseTo(Math.log(total), 9);
          slow.forEach((count, id) => expect(got[id]).toBeCloseTo(count / total, 9));
        },
      ),
    );
  });

  test("add up to the bytes of the text, long and improbable ones too", () => {
    const pieces = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
    pieces.push(new Uint8Array(36).fill(61), Uint8Array.of(97, 98));
    const p = new Float64Array(pieces.length).fill(1e-9);
    p[256] = 0.5;
    p[257] = 0.4;
    const text = Uint8Array.from({ length: 30_000 }, (_, i) =>
      i % 900 < 200 ? 61 : i % 900 < 500 ? 97 + (i % 2) : (i * 7919) % 256,
    );
    for (const tilt of [0, 1.8]) {
      const lattice = buildLattice(pieces, p, tilt);
      const logZ = expectBlock(lattice, { bytes: text, ends: Int32Array.of(text.length) });
      expect(Number.isFinite(logZ)).toBe(true);
      const counts = expectedByPiece(lattice, pieces.length);
      const bytes = counts.reduce((sum, count, id) => sum + count * (pieces[id]?.length ?? 0), 0);
      expect(bytes / text.length).toBeCloseTo(1, 9);
    }
  });
});

test("digamma: ψ(1) = -γ, ψ(1/2) = -γ - 2 ln 2, ψ(x+1) = ψ(x) + 1/x", () => {
  const gamma = 0.5772156649015329;
  expect(digamma(1)).toBeCloseTo(-gamma, 10);
  expect(digamma(0.5)).toBeCloseTo(-gamma - 2 * Math.LN2, 10);
  for (const x of [0.3, 2.5, 17, 1e6]) expect(digamma(x + 1)).toBeCloseTo(digamma(x) + 1 / x, 10);
});

test("a piece's loss is the tokens it saves", () => {
  const pieces = ["a", "b", "c", "ab", "abc", "ca"].map((s) => Uint8Array.from(s, (c) => c.charCodeAt(0)));
  const counts = Float64Array.of(100, 100, 100, 50, 1, 200);
  const { tokens } = pieceLosses({ pieces, counts });
  // ab is worth one token each time; abc is less probable than ab c; ca replaces two.
  expect([...tokens]).toEqual([Infinity, Infinity, Infinity, 50, 0, 200]);
});

/** Pieces of a vocabulary of six words. */
async function tinyPieces(): Promise<string[]> {
  const { models } = await trainUnigram(["to be or not to be"], { vocabularySize: 280 });
  return (models[0]?.pieces ?? []).map(latin1);
}

describe("a trained vocabulary", () => {
  test("has the size asked for, all bytes, whole characters, isolated digits", async () => {
    const { models, report } = await trainUnigram(golden.texts, {
      vocabularySize: [500, 400],
      isolateDigits: true,
    });
    expect(models.map((model) => model.pieces.length)).toEqual([500, 400]);
    expect(report.warnings).toEqual([]);
    for (const { pieces, logProbs } of models) {
      const real = pieces.slice(3);
      expect(new Set(real.filter((p) => p.length === 1).map((p) => p[0])).size).toBe(256);
      expect(real.every((p) => p.length === 1 || (p.length <= 36 && isUtf8(p)))).toBe(true);
      expect(real.some((p) => p.length > 1 && /\d/.test(latin1(p)))).toBe(false);
      expect(logProbs.slice(3).reduce((sum, x) => sum + Math.exp(x), 0)).toBeCloseTo(1, 9);
    }
  });

  test("needs fewer tokens than the faithful mode on text it has not seen", async () => {
    const [text = ""] = golden.texts;
    const heldOut = new TextEncoder().encode(text.slice(12_000));
    const train = [text.slice(0, 12_000)];
    const tokens = ({
      pieces,
      logProbs,
    }: {
      pieces: readonly Uint8Array[];
      logProbs: Float64Array;
    }): number => encodeUnigram(unigramEncoder(pieces, logProbs), heldOut).length;
    const em = (await trainUnigram(train, { vocabularySize: 500 })).models[0];
    const faithful = (await trainBytePiece(train, { vocabularySize: 500 })).models[0];
    if (!em || !faithful) throw new Error("no model");
    expect(tokens(em)).toBeLessThan(tokens(faithful));
  });

  test("is the same each time, and is as large as it can be when asked for more", async () => {
    expect(await tinyPieces()).toEqual(await tinyPieces());
    const { models, report } = await trainUnigram(["abab"], { vocabularySize: 9999 });
    expect(models[0]?.pieces.length).toBeLessThan(270);
    expect(report.warnings[0]).toContain("vocabularySize 9999 is more than this corpus supports");
  });

  test("bad options are refused", async () => {
    await expect(trainUnigram([])).rejects.toThrow(
      "trainUnigram: corpus must hold at least one byte of text, got 0 texts with 0 bytes.",
    );
    await expect(trainUnigram(["a"], { vocabularySize: 600_000 })).rejects.toThrow(
      "trainUnigram: vocabularySize must be at most 500000, got 600000.",
    );
    await expect(trainUnigram(["a"], JSON.parse('{"order": 3}'))).rejects.toThrow(
      'option "order" is unknown',
    );
  });
});
