// The `.ts` files of the UCR and UEA archives: Löning et al. 2019, "sktime", https://arxiv.org/abs/1909.07872; as described at
// https://www.aeon-toolkit.org/en/latest/api_reference/file_specifications/ts.html
import { FileError } from "../../errors.ts";
import type { Case, Cases } from "./cases.ts";

/** What stands above `@data`. */
interface Header {
  readonly words: ReadonlyMap<string, string>;
  /** Number of lines up to and with `@data`. */
  readonly lines: number;
}

/** Words that a header may hold, in small letters. */
const KNOWN = new Set([
  "problemname",
  "timestamps",
  "missing",
  "univariate",
  "dimension",
  "dimensions",
  "equallength",
  "serieslength",
  "classlabel",
  "targetlabel",
  "data",
]);

/**
 * The cases of a `.ts` file: channels between colons, values between commas, `?` where one is missing, the label last.
 * @param path Name for messages.
 * @throws FileError for timestamps, ragged channels, values that are no numbers, labels that the header does not list.
 */
export function parseTs(text: string, path: string): Cases {
  const rows = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  const header = headerOf(rows, path);
  const says = (name: string): boolean => /^true\b/i.test(header.words.get(name) ?? "");
  if (says("timestamps")) throw withTimes(path, "@timeStamps true");
  const numbers = says("targetlabel");
  const labelled = numbers || says("classlabel");
  const classes = says("classlabel")
    ? (header.words.get("classlabel") ?? "")
        .split(/\s+/)
        .slice(1)
        .filter((word) => word !== "")
    : undefined;
  const wanted = dimensionsOf(header.words, path);
  const cases: Case[] = [];
  rows.slice(header.lines).forEach((row, i) => {
    const line = row.trim();
    if (line === "" || line.startsWith("#")) return;
    const where = `${path}, line ${header.lines + i + 1}`;
    if (line.startsWith("(")) throw withTimes(where, line.slice(0, 24));
    const parts = line.split(":");
    const label = labelled ? parts.pop()?.trim() : undefined;
    if (parts.length === 0) {
      throw new FileError(
        `classify: ${where} must have a series and a label behind a colon, got "${line.slice(0, 40)}".`,
      );
    }
    const series = parts.map((part, c) => valuesOf(part, where, c));
    checkChannels(series, wanted ?? cases[0]?.series?.length, where);
    if (classes && label !== undefined && label !== "?" && classes.length > 0 && !classes.includes(label)) {
      throw new FileError(
        `classify: ${where} must have one of the classes that @classLabel lists (${classes.join(", ")}), got "${label}".`,
      );
    }
    cases.push({ series, where, ...(label !== undefined && label !== "?" && { label }) });
  });
  if (cases.length === 0) throw new FileError(`classify: ${path} must hold series below @data, got none.`);
  return {
    input: "series",
    cases,
    channels: cases[0]?.series?.length ?? 0,
    ...(classes && classes.length > 0 && { classes }),
    numbers,
    notices: [],
  };
}

function withTimes(where: string, got: string): FileError {
  return new FileError(
    `classify: ${where} must have series without timestamps, one value after another, got ${got}. Resample it to even steps and write @timeStamps false.`,
  );
}

function headerOf(rows: readonly string[], path: string): Header {
  const words = new Map<string, string>();
  for (const [i, row] of rows.entries()) {
    const line = row.trim();
    if (line === "" || line.startsWith("#") || line.startsWith("%")) continue;
    if (!line.startsWith("@")) break;
    const [, name = "", value = ""] = /^@(\S+)\s*(.*)$/.exec(line) ?? [];
    const word = name.toLowerCase();
    if (!KNOWN.has(word)) {
      throw new FileError(
        `classify: ${path}, line ${i + 1} must be a header of the .ts form, got "@${name}".`,
      );
    }
    words.set(word, value.trim());
    if (word === "data") return { words, lines: i + 1 };
  }
  throw new FileError(
    `classify: ${path} must have a header that ends with @data, as the .ts files of the UCR and UEA archives do, got none.`,
  );
}

/** How many channels the header promises, where it does. */
function dimensionsOf(words: ReadonlyMap<string, string>, path: string): number | undefined {
  const said = words.get("dimensions") ?? words.get("dimension");
  if (said !== undefined) {
    const count = Number(said);
    if (Number.isSafeInteger(count) && count >= 1) return count;
    throw new FileError(`classify: @dimensions of ${path} must be a whole number ≥ 1, got "${said}".`);
  }
  return /^true\b/i.test(words.get("univariate") ?? "") ? 1 : undefined;
}

function valuesOf(part: string, where: string, channel: number): Float64Array {
  const cells = part.split(",");
  return Float64Array.from(cells, (cell, place) => {
    const word = cell.trim();
    if (word === "?" || /^nan$/i.test(word)) return Number.NaN;
    const value = word === "" ? Number.NaN : Number(word);
    if (Number.isFinite(value)) return value;
    if (word.startsWith("(")) throw withTimes(where, word);
    throw new FileError(
      `classify: ${where} must have numbers, or ? for missing ones, got "${word}" at place ${place + 1} of channel ${channel + 1}.`,
    );
  });
}

/** @throws FileError for another number of channels, and for channels of several lengths. */
export function checkChannels(
  series: readonly Float64Array[],
  wanted: number | undefined,
  where: string,
): void {
  if (wanted !== undefined && series.length !== wanted) {
    throw new FileError(`classify: ${where} must have ${wanted} channels, got ${series.length}.`);
  }
  const first = series[0]?.length ?? 0;
  const other = series.findIndex((values) => values.length !== first);
  if (other > 0) {
    throw new FileError(
      `classify: ${where} must have channels of one length, got ${first} values in channel 1 and ${series[other]?.length} in channel ${other + 1}.`,
    );
  }
}
