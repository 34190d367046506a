// Cases from the bytes of a file, as its ending says: .ts, .csv, .tsv, .jsonl.
import { FileError } from "../../errors.ts";
import type { Case, Cases } from "./cases.ts";
import { parseTable, type TableReading } from "./table-cases.ts";
import { checkChannels, parseTs } from "./ts-file.ts";

/**
 * The cases of a file. JSON lines have `text`, or `series`: numbers, or one list of them a channel, `null` where one is
 * missing; and `label`.
 * @param kind Name whose ending tells the format. @param path Name for messages.
 * @throws FileError for a file of another kind, and as `parseTs` and `parseTable`.
 */
export function readCases(data: Uint8Array, kind: string, path: string, reading: TableReading = {}): Cases {
  const [, ending = ""] = /\.(\w+)$/.exec(kind.toLowerCase()) ?? [];
  const text = new TextDecoder().decode(data);
  if (text.trim() === "") throw new FileError(`classify: ${path} must hold sequences, got nothing.`);
  switch (ending) {
    case "ts":
      return parseTs(text, path);
    case "csv":
      return parseTable(text, ",", path, reading);
    case "tsv":
      return parseTable(text, "\t", path, reading);
    case "jsonl":
    case "ndjson":
      return parseLines(text, path);
    default:
      throw new FileError(
        `classify: ${path} must be a .ts, .csv, .tsv or .jsonl file (also as .gz), got ${ending === "" ? "no ending" : `.${ending}`}.`,
      );
  }
}

function parseLines(text: string, path: string): Cases {
  const cases: Case[] = [];
  for (const [i, row] of text.split("\n").entries()) {
    if (row.trim() === "") continue;
    const where = `${path}, line ${i + 1}`;
    const one = caseOf(parsed(row, where), where);
    const first = cases[0];
    if (first && (first.text === undefined) !== (one.text === undefined)) {
      throw new FileError(
        `classify: ${where} must be a ${first.text === undefined ? "series" : "text"} as the first line is, got the other.`,
      );
    }
    if (one.series) checkChannels(one.series, first?.series?.length, where);
    cases.push(one);
  }
  const channels = cases[0]?.series?.length ?? 0;
  return { input: channels > 0 ? "series" : "text", cases, channels, numbers: false, notices: [] };
}

function parsed(row: string, where: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(row);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // told below
  }
  throw new FileError(
    `classify: ${where} must be a JSON object with text or series, got "${row.slice(0, 40)}".`,
  );
}

function caseOf({ text, series, label }: Readonly<Record<string, unknown>>, where: string): Case {
  const known = typeof label === "string" || typeof label === "number" ? { label: String(label) } : {};
  if (typeof text === "string") return { text, ...known, where };
  const lists = Array.isArray(series) && series.length > 0 ? (series as unknown[]) : undefined;
  if (lists === undefined) {
    throw new FileError(`classify: ${where} must have "text" or "series", got neither.`);
  }
  const channels = lists.every((value) => Array.isArray(value)) ? (lists as unknown[][]) : [lists];
  const numbers = (values: readonly unknown[], c: number): Float64Array =>
    Float64Array.from(values, (value, place) => {
      if (value === null) return Number.NaN;
      if (typeof value === "number" && Number.isFinite(value)) return value;
      throw new FileError(
        `classify: ${where} must have numbers, or null for missing ones, got ${JSON.stringify(value)} at place ${place + 1} of channel ${c + 1}.`,
      );
    });
  return { series: channels.map(numbers), ...known, where };
}
