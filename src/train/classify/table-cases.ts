// Cases in tables: a row holds a label and a series or a text; or a row is one moment of a series that others continue.
import { FileError, nearest, OptionError } from "../../errors.ts";
import { type TableCells, tableCells } from "../table.ts";
import type { Case, Cases } from "./cases.ts";

/** How tables are read. Columns are named by their heads, or by their numbers from 1. */
export interface TableReading {
  /**
   * Column of labels; default one called label, class, target, category or y, else the first of a table without names.
   * `none`: there is none.
   */
  readonly label?: string;
  /** The table may have no labels; default: it must have the column that `label` names. */
  readonly unlabelled?: boolean;
  /** Column of texts; default one called text, sentence, message, review or content, else the only one of words. */
  readonly text?: string;
  /** Column that says which series a row belongs to: rows are moments, the other columns channels. */
  readonly series?: string;
  /** Columns that are left out. */
  readonly ignore?: readonly string[];
  /** Whether the first line names the columns; default: if it looks like it. */
  readonly header?: boolean;
}

const LABELS = ["label", "class", "target", "category", "y"];
const TEXTS = ["text", "sentence", "message", "review", "content"];

/** Columns by name, and the rows below. */
interface Table {
  readonly names: readonly string[];
  readonly rows: readonly TableCells[];
  readonly path: string;
  readonly headed: boolean;
}

/** Empty cells and `?` are missing values. */
const isMissing = (cell: string): boolean => /^(\?|nan|na)?$/i.test(cell.trim());
const isNumber = (cell: string): boolean => cell.trim() !== "" && Number.isFinite(Number(cell));

/**
 * The cases of a table. Cells at the end of a row that are empty end its series early.
 * @param path Name for messages.
 * @throws OptionError for a column that is not there, with the nearest; FileError for cells that are no numbers.
 */
export function parseTable(text: string, separator: string, path: string, reading: TableReading = {}): Cases {
  const table = tableOf(text, separator, path, reading);
  const ignored = (reading.ignore ?? []).map((name) => columnOf(table, name, "ignore"));
  const label = labelColumn(table, reading);
  const others = table.names.map((_, i) => i).filter((i) => i !== label && !ignored.includes(i));
  const notices = noticesOf(table, label, reading);
  const labelled = (row: TableCells): Pick<Case, "label"> => {
    const word = label === undefined ? "" : (row.cells[label] ?? "").trim();
    return word === "" ? {} : { label: word };
  };
  const where = ({ line }: TableCells): string => `${path}, line ${line}`;
  if (reading.series !== undefined) {
    const group = columnOf(table, reading.series, "series");
    return momentsOf(
      table,
      group,
      others.filter((i) => i !== group),
      labelled,
      notices,
    );
  }
  const texts = textColumn(table, others, reading);
  if (texts !== undefined) {
    const cases = table.rows.map(
      (row): Case => ({ text: row.cells[texts] ?? "", ...labelled(row), where: where(row) }),
    );
    return { input: "text", cases, channels: 0, numbers: false, notices };
  }
  const cases = table.rows.map((row): Case => {
    const cells = others.map((i) => row.cells[i] ?? "");
    const values = cells.slice(0, cells.findLastIndex((cell) => cell.trim() !== "") + 1);
    if (values.length === 0)
      throw new FileError(`classify: ${where(row)} must hold a series, got no values.`);
    return { series: [numbersOf(table, values, others, row)], ...labelled(row), where: where(row) };
  });
  return { input: "series", cases, channels: 1, numbers: false, notices };
}

function tableOf(text: string, separator: string, path: string, reading: TableReading): Table {
  const all = tableCells(text, separator, path, "classify");
  const [first, second] = all;
  if (first === undefined) throw new FileError(`classify: ${path} must hold rows, got none.`);
  const headed = reading.header ?? looksLikeHeader(first.cells, second?.cells, reading);
  const width = Math.max(...all.map(({ cells }) => cells.length));
  const names = Array.from(
    { length: width },
    (_, i) => (headed ? (first.cells[i] ?? "").trim() : "") || String(i + 1),
  );
  const rows = headed ? all.slice(1) : all;
  if (rows.length === 0) {
    throw new FileError(`classify: ${path} must hold rows below its line of column names, got none.`);
  }
  return { names, rows, path, headed };
}

/** A line of words above numbers, or one that holds a name that we are asked for or know. */
function looksLikeHeader(
  first: readonly string[],
  second: readonly string[] | undefined,
  { label, text, series }: TableReading,
): boolean {
  const words = first.map((cell) => cell.trim().toLowerCase());
  const asked = [label, text, series].flatMap((name) =>
    name === undefined || isNumber(name) ? [] : [name.toLowerCase()],
  );
  if (asked.some((name) => words.includes(name))) return true;
  if (words.some((word) => LABELS.includes(word) || TEXTS.includes(word))) return true;
  return !words.some(isNumber) && (second ?? []).some(isNumber);
}

/** The place of the column `name`. @throws OptionError listing what there is. */
function columnOf({ names, path }: Table, name: string, option: string): number {
  const lower = names.map((own) => own.toLowerCase());
  const at = lower.indexOf(name.toLowerCase());
  if (at >= 0) return at;
  if (isNumber(name) && Number.isInteger(Number(name)) && Number(name) >= 1 && Number(name) <= names.length)
    return Number(name) - 1;
  const near = nearest(name, names, 1)[0];
  const shown = `${names.slice(0, 8).join(", ")}${names.length > 8 ? ` and ${names.length - 8} more` : ""}`;
  throw new OptionError(
    `classify: --${option} must be a column of ${path} (${shown}), got "${name}".${near ? ` Did you mean ${near}?` : ""}`,
  );
}

function labelColumn(table: Table, { label, unlabelled }: TableReading): number | undefined {
  if (label === "none" || (unlabelled === true && table.names.length === 1)) return undefined;
  if (label !== undefined) {
    const there = table.names.some((name) => name.toLowerCase() === label.toLowerCase());
    return unlabelled === true && table.headed && !there ? undefined : columnOf(table, label, "label");
  }
  const known = table.names.findIndex((name) => LABELS.includes(name.toLowerCase()));
  if (known >= 0) return known;
  return table.headed ? undefined : 0;
}

function textColumn(table: Table, others: readonly number[], { text }: TableReading): number | undefined {
  if (text !== undefined) return columnOf(table, text, "text");
  const known = others.find((i) => TEXTS.includes((table.names[i] ?? "").toLowerCase()));
  if (known !== undefined) return known;
  const ofWords = others.filter((i) => {
    const cells = table.rows.slice(0, 20).map(({ cells }) => cells[i] ?? "");
    return (
      cells.some((cell) => !isMissing(cell)) && cells.every((cell) => isMissing(cell) || !isNumber(cell))
    );
  });
  return ofWords.length === 1 ? ofWords[0] : undefined;
}

/** What was guessed is said. */
function noticesOf(table: Table, label: number | undefined, reading: TableReading): string[] {
  const said: string[] = [];
  if (reading.header === undefined && !table.headed)
    said.push("its first line was taken for a row, not for names (--header says otherwise)");
  if (reading.label === undefined && label === 0 && !table.headed)
    said.push("column 1 was taken for the labels (--label)");
  return said.length === 0 ? [] : [`classify: ${table.path}: ${said.join("; ")}.`];
}

function numbersOf(
  { names, path }: Table,
  cells: readonly string[],
  columns: readonly number[],
  { line }: TableCells,
): Float64Array {
  return Float64Array.from(cells, (cell, i) => {
    if (isMissing(cell)) return Number.NaN;
    if (isNumber(cell)) return Number(cell);
    throw new FileError(
      `classify: ${path}, line ${line} must have a number in column ${names[columns[i] ?? i]}, got "${cell.trim().slice(0, 40)}". Name a column of texts with --text, one of labels with --label, or leave it out with --ignore.`,
    );
  });
}

/** Rows with one name in a column are the moments of one series, in their order. */
function momentsOf(
  table: Table,
  group: number,
  channels: readonly number[],
  labelled: (row: TableCells) => Pick<Case, "label">,
  notices: readonly string[],
): Cases {
  const series = new Map<string, { rows: Float64Array[]; label: Pick<Case, "label">; line: number }>();
  if (channels.length === 0) {
    throw new OptionError(
      `classify: ${table.path} must have columns of values beside --series and --label, got none.`,
    );
  }
  for (const row of table.rows) {
    const name = row.cells[group] ?? "";
    const values = numbersOf(
      table,
      channels.map((i) => row.cells[i] ?? ""),
      channels,
      row,
    );
    const label = labelled(row);
    const own = series.get(name);
    if (own === undefined) series.set(name, { rows: [values], label, line: row.line });
    else if (own.label.label === label.label) own.rows.push(values);
    else {
      throw new FileError(
        `classify: ${table.path}, line ${row.line} must have the label of its series "${name}" (${own.label.label ?? "none"}), got ${label.label ?? "none"}.`,
      );
    }
  }
  const cases = [...series].map(
    ([name, { rows, label, line }]): Case => ({
      series: channels.map((_, c) => Float64Array.from(rows, (values) => values[c] ?? Number.NaN)),
      ...label,
      where: `${table.path}, line ${line} (series "${name}")`,
    }),
  );
  return { input: "series", cases, channels: channels.length, numbers: false, notices };
}
