// Draws docs/methods/bytepiece.svg from bench/results/tokenizer-train.json:
//   node --conditions=source bench/tokenizer-train-figure.ts
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { barChart } from "../src/draw/bar-chart.ts";

/** The fields of a result row that the picture needs. */
interface Row {
  corpus: string;
  mode?: string;
  peer?: string;
  bytesPerToken?: number;
  size?: number;
  vocabularies?: { size: number; bytesPerToken?: number }[];
}

const SIZE = 8000;
const KINDS: readonly (readonly [name: string, matches: (row: Row) => boolean])[] = [
  ["ours: EM over BytePiece's candidates", (row) => row.mode === "unigram"],
  ["SentencePiece Unigram, unsplit", (row) => row.peer === "sentencepiece unigram unsplit"],
  ["SentencePiece Unigram", (row) => row.peer === "sentencepiece unigram"],
  ["ours: BPE", (row) => row.mode === "bpe"],
  ["BytePiece, faithful", (row) => row.mode === "bytepiece"],
];
const CORPORA = { english: "English, 9 MB", chinese: "Chinese, 12 MB", mixed: "1:1 mix, 18 MB" };

/** Bytes per token of a row at 8,000 ids, or undefined. */
function valueOf(row: Row): number | undefined {
  // BytePiece may end a little below the size it was asked for.
  if (row.peer !== undefined) return row.size === SIZE ? row.bytesPerToken : undefined;
  return row.vocabularies?.find((v) => v.size <= SIZE && v.size > 0.95 * SIZE)?.bytesPerToken;
}

/** A group of bars for each kind of vocabulary, a bar for each corpus. */
export function drawChart(rows: readonly Row[]): string {
  return barChart({
    title: "Bytes per token on text not trained on, 8,000 ids",
    subtitle: "More is better; SentencePiece spends no token on line ends",
    names: Object.values(CORPORA),
    rows: KINDS.map(([name, matches]) => ({
      name,
      values: Object.keys(CORPORA).map((corpus) => {
        const row = rows.find((one) => one.corpus === corpus && matches(one) && valueOf(one) !== undefined);
        return (row && valueOf(row)) ?? Number.NaN;
      }),
    })),
  });
}

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, "..");
  const stored: { rows: Row[] } = JSON.parse(
    readFileSync(join(root, "bench/results/tokenizer-train.json"), "utf8"),
  );
  writeFileSync(join(root, "docs/methods/bytepiece.svg"), drawChart(stored.rows));
}
