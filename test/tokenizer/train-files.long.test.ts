// What takes long in training from files: lines of many blocks.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { trainBytePieceFiles } from "../../src/tokenizer/node/train-bytepiece.ts";
import { trainBytePiece } from "../../src/tokenizer/train/bytepiece.ts";
import { zipfText } from "./zipf.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a line longer than several blocks is cut and counted as in memory", async () => {
  const line = zipfText(2_500_000, 5).replaceAll("\n", " ");
  const path = join(folder, "line.txt");
  writeFileSync(path, line);
  const options = { vocabularySize: 600, minCount: 8 };
  const { models } = await trainBytePiece([line], options);
  for (const workers of [1, 2]) {
    const fromFile = await trainBytePieceFiles([path], options, { workers });
    expect(fromFile.report.bytes).toBe(Buffer.byteLength(line));
    expect(fromFile.models).toEqual(models);
  }
});
