import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FileError } from "../../src/errors.ts";
import { mergePieceRuns } from "../../src/tokenizer/node/counting.ts";
import { writeBytePiece } from "../../src/tokenizer/formats/bytepiece.ts";
import { latin1 } from "../../src/tokenizer/model.ts";
import type { TrainProgress } from "../../src/tokenizer/pace.ts";
import { PieceCounter, type PieceList, pieceAt } from "../../src/tokenizer/pieces.ts";
import { readWindowRun, writePieceRun, writeWindowRun } from "../../src/tokenizer/node/run-files.ts";
import { type FileTrainControl, trainBytePieceFiles } from "../../src/tokenizer/node/train-bytepiece.ts";
import { trainBytePiece } from "../../src/tokenizer/train/bytepiece.ts";
import { trainUnigramFiles } from "../../src/tokenizer/node/train-unigram.ts";
import { zipfText } from "./zipf.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Every file is a shard of its own.
const paths = [1, 2, 3].map((seed) => {
  const path = join(folder, `text-${seed}.txt`);
  writeFileSync(path, zipfText(seed * 30_000, seed));
  return path;
});
async function vocabulary(control: FileTrainControl): Promise<string> {
  const { models } = await trainBytePieceFiles(paths, { vocabularySize: 1000 }, control);
  const [model] = models;
  return model ? writeBytePiece(model) : "";
}

async function unigramVocabulary(workers: number): Promise<string> {
  const { models } = await trainUnigramFiles(paths.slice(0, 1), { vocabularySize: 600 }, { workers });
  return models[0] ? writeBytePiece(models[0]) : "";
}

/** Pieces and counts of a list. */
function counted(list: PieceList): [string, number][] {
  return Array.from({ length: list.size }, (_, i) => [latin1(pieceAt(list, i)), list.counts[i] ?? 0]);
}

describe("training from files", () => {
  test("gives the same vocabulary in memory, for 1 and 3 workers, and for little memory", async () => {
    const inMemory = await trainBytePiece(
      paths.map((path) => readFileSync(path)),
      { vocabularySize: 1000 },
    );
    const expected = inMemory.models[0] ? writeBytePiece(inMemory.models[0]) : "";
    expect(expected.length).toBeGreaterThan(10_000);
    expect(await vocabulary({ workers: 1 })).toBe(expected);
    expect(await vocabulary({ workers: 3 })).toBe(expected);
    expect(await vocabulary({ workers: 1, memoryLimit: 2 ** 20 })).toBe(expected);
    expect(await vocabulary({ workers: 2, memoryLimit: 2 ** 20 })).toBe(expected);
  });

  // The same over several blocks is in train-files.long.test.ts.
  test("a line longer than a block is cut and counted as in memory", async () => {
    const line = zipfText(1_100_000, 5).replaceAll("\n", " ");
    const path = join(folder, "line.txt");
    writeFileSync(path, line);
    const options = { vocabularySize: 400, minCount: 32, order: 2 };
    const { models } = await trainBytePiece([line], options);
    const fromFile = await trainBytePieceFiles([path], options, { workers: 2 });
    expect(fromFile.report.bytes).toBe(Buffer.byteLength(line));
    expect(fromFile.models).toEqual(models);
  });

  test("EM from files is the same for every number of workers", async () => {
    expect(await unigramVocabulary(2)).toBe(await unigramVocabulary(1));
  });

  test("a stopped training goes on from its finished runs and ends as if it had not stopped", async () => {
    const directory = join(folder, "work");
    const windowRuns = (): string[] => readdirSync(directory).filter((name) => name.startsWith("windows-"));
    /** Stops at the second reading: the first one's groups are on disk by then. */
    const stopped = async (): Promise<void> => {
      const stop = new AbortController();
      const reason = new Error("stopped");
      const onProgress = (p: TrainProgress): void => {
        if (p.phase === "segment") stop.abort(reason);
      };
      const training = vocabulary({ workers: 1, directory, signal: stop.signal, onProgress });
      await expect(training).rejects.toBe(reason);
    };
    await stopped();
    expect(readdirSync(directory)).toContain("manifest.json");
    const first = windowRuns();
    expect(first.length).toBeGreaterThan(0);
    // A run without a manifest entry, as a kill leaves it, is thrown away; finished ones are not counted again.
    writeFileSync(join(directory, "windows-half-0-0.run"), "half");
    await stopped();
    expect(windowRuns()).toEqual(first);
    expect(await vocabulary({ workers: 2, directory })).toBe(await vocabulary({ workers: 1 }));
    expect(readdirSync(directory)).toEqual([]);
  });

  test("files that are not UTF-8 are counted in a warning", async () => {
    const path = join(folder, "latin1.txt");
    writeFileSync(path, Buffer.from("caf\xe9 cr\xe8me\n".repeat(100), "latin1"));
    const { report } = await trainBytePieceFiles([paths[0] ?? "", path], {}, { workers: 1 });
    expect(report.warnings[0]).toBe(
      "1 of 2 texts are not UTF-8 (200 stray bytes); they were trained on as bytes.",
    );
  });

  test("a missing file, a folder, an empty file and bad control are refused", async () => {
    await expect(trainBytePieceFiles([join(folder, "none")])).rejects.toThrow("got nothing there");
    await expect(trainBytePieceFiles([folder])).rejects.toThrow("got something else");
    const empty = join(folder, "empty.txt");
    writeFileSync(empty, "");
    await expect(trainBytePieceFiles([empty])).rejects.toThrow("got 1 texts with 0 bytes");
    await expect(vocabulary({ workers: 0 })).rejects.toThrow(
      "workers must be an integer from 1 to 64, got 0.",
    );
    await expect(vocabulary({ memoryLimit: 10 })).rejects.toThrow(
      "memoryLimit must be at least 1048576 bytes",
    );
  });

  test("a folder that is no training's is left alone", async () => {
    const directory = join(folder, "other");
    writeFileSync(join(mkdtempSync(directory), "x"), "");
    const made = readdirSync(folder).find((name) => name.startsWith("other")) ?? "";
    writeFileSync(join(folder, made, "manifest.json"), '{"name": "a web page"}');
    await expect(vocabulary({ directory: join(folder, made) })).rejects.toThrow(FileError);
    expect(existsSync(join(folder, made, "x"))).toBe(true);
  });
});

describe("run files", () => {
  test("hold keys and counts of any size", () => {
    const path = join(folder, "w.run");
    const n = 20_000;
    const keys = Float64Array.from({ length: n }, (_, i) => i * 3 + 1);
    const counts = Float64Array.from({ length: n }, (_, i) => (i % 7 === 0 ? 2 ** 52 - i : i + 1));
    writeWindowRun(path, { keys, counts });
    // A block is valid until the next is asked for.
    const back = Array.from(readWindowRun(path), (run) => ({ keys: [...run.keys], counts: [...run.counts] }));
    expect(back.flatMap((run) => run.keys)).toEqual([...keys]);
    expect(back.flatMap((run) => run.counts)).toEqual([...counts]);
  });

  test("of pieces merge as one count would, whatever the pieces hold", () => {
    const all = new PieceCounter();
    const files = [0, 1, 2].map((k) => {
      const one = new PieceCounter();
      for (let i = 0; i < 3000; i++) {
        const piece = new TextEncoder().encode(`${(i * (k + 1)) % 1500}é\0`.repeat(1 + (i % 40)));
        one.add(piece, 0, piece.length, i + 1);
        all.add(piece, 0, piece.length, i + 1);
      }
      const path = join(folder, `p${k}.run`);
      writePieceRun(path, one.finish());
      return path;
    });
    const merged = [...mergePieceRuns(files)].flatMap(counted);
    expect(new Map(merged)).toEqual(new Map(counted(all.finish())));
    expect(merged.map(([piece]) => piece)).toEqual(merged.map(([piece]) => piece).sort());
  });

  test("a cut file is noticed", () => {
    const path = join(folder, "cut.run");
    writeWindowRun(path, { keys: Float64Array.of(1, 2, 3), counts: Float64Array.of(1, 1, 1) });
    writeFileSync(path, readFileSync(path).subarray(0, 20));
    expect(() => [...readWindowRun(path)]).toThrow("must be whole, got a cut one");
  });

  test.skipIf(!existsSync("/dev/full"))("a full disk is a FileError that says what to do", () => {
    const run = { keys: Float64Array.of(1), counts: Float64Array.of(1) };
    expect(() => writeWindowRun("/dev/full", run)).toThrow(
      "train: run file /dev/full must fit on its disk, got a full disk. Free space or name another directory; finished runs are kept.",
    );
  });
});
