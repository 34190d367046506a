// Draws docs/methods/bytepiece.svg from bench/results/tokenizer-train.json:
//   node bench/tokenizer-train-figure.ts
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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
const SERIES: readonly { label: string; colour: string; ink: string; match: (row: Row) => boolean }[] = [
  { label: "BytePiece", colour: "#9aa7b8", ink: "#123", match: (row) => row.mode === "bytepiece" },
  {
    label: "ours: EM over its candidates",
    colour: "#d1495b",
    ink: "#fff",
    match: (row) => row.mode === "unigram",
  },
  { label: "ours: BPE", colour: "#edae49", ink: "#123", match: (row) => row.mode === "bpe" },
  {
    label: "SentencePiece Unigram",
    colour: "#30638e",
    ink: "#fff",
    match: (row) => row.peer === "sentencepiece unigram",
  },
  {
    label: "SentencePiece Unigram, unsplit",
    colour: "#00798c",
    ink: "#fff",
    match: (row) => row.peer === "sentencepiece unigram unsplit",
  },
];
const CORPORA = { english: "English, 9 MB", chinese: "Chinese, 12 MB", mixed: "1:1 mix, 18 MB" };

/** Bytes per token of a row at 8,000 ids, or undefined. */
function valueOf(row: Row): number | undefined {
  // BytePiece may end a little below the size it was asked for.
  if (row.peer !== undefined) return row.size === SIZE ? row.bytesPerToken : undefined;
  return row.vocabularies?.find((v) => v.size <= SIZE && v.size > 0.95 * SIZE)?.bytesPerToken;
}

/** A chart with one group of bars per corpus. */
export function drawChart(rows: readonly Row[]): string {
  const [width, height, left, bottom, top] = [760, 370, 44, 40, 100];
  const scale = (height - bottom - top) / 6;
  const group = (width - left - 10) / Object.keys(CORPORA).length;
  const bar = (group - 30) / SERIES.length;
  const parts: string[] = [
    `<text x="${left}" y="20" font-size="15" font-weight="600">Bytes per token on text not trained on, 8,000 ids (more is better)</text>`,
  ];
  for (let v = 0; v <= 6; v++) {
    const y = height - bottom - v * scale;
    parts.push(
      `<line x1="${left}" x2="${width - 10}" y1="${y}" y2="${y}" stroke="#8884"/>`,
      `<text x="${left - 8}" y="${y + 4}" text-anchor="end">${v}</text>`,
    );
  }
  Object.entries(CORPORA).forEach(([corpus, label], g) => {
    const x0 = left + g * group + 15;
    SERIES.forEach(({ colour, ink, match }, s) => {
      const row = rows.find((one) => one.corpus === corpus && match(one) && valueOf(one) !== undefined);
      const value = row && valueOf(row);
      if (value === undefined) return;
      const h = value * scale;
      const x = x0 + s * bar;
      const y = height - bottom - h;
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(bar - 4).toFixed(1)}" height="${h.toFixed(1)}" fill="${colour}"/>`,
        // Inside the bar, where no line of the grid runs through it.
        `<text x="${(x + bar / 2 - 2).toFixed(1)}" y="${(y + 16).toFixed(1)}" text-anchor="middle" font-size="12" font-weight="600" fill="${ink}">${value.toFixed(2)}</text>`,
      );
    });
    parts.push(`<text x="${x0 + (group - 30) / 2}" y="${height - 14}" text-anchor="middle">${label}</text>`);
  });
  SERIES.forEach(({ label, colour }, s) => {
    const x = left + (s % 3) * 235;
    const y = 48 + Math.floor(s / 3) * 20;
    parts.push(
      `<rect x="${x}" y="${y - 10}" width="12" height="12" fill="${colour}"/>`,
      `<text x="${x + 18}" y="${y}">${label}</text>`,
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="#567">`,
    "<title>Held-out bytes per token of vocabularies with 8,000 ids</title>",
    ...parts,
    "</svg>\n",
  ].join("\n");
}

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, "..");
  const stored: { rows: Row[] } = JSON.parse(
    readFileSync(join(root, "bench/results/tokenizer-train.json"), "utf8"),
  );
  writeFileSync(join(root, "docs/methods/bytepiece.svg"), drawChart(stored.rows));
}
