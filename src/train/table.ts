// Tables as text: fields between separators, quoted where they hold any (RFC 4180).
import { FileError } from "../errors.ts";

/** A row by the names of its columns, and the line it begins in. */
export interface TableRow {
  readonly value: Readonly<Record<string, string>>;
  readonly line: number;
}

/**
 * The rows below the first, which names the columns. @param bare There is no such line: columns are called 1, 2, ….
 * @throws FileError for a quote without an end, and for no rows.
 */
export function tableRows(text: string, separator: string, path: string, bare = false): TableRow[] {
  const rows = tableCells(text, separator, path);
  const widest = Math.max(0, ...rows.map((row) => row.cells.length));
  const numbers = { cells: Array.from({ length: widest }, (_, i) => String(i + 1)), line: 0 };
  const [head, ...rest] = bare ? [numbers, ...rows] : rows;
  if (head === undefined || rest.length === 0) {
    throw new FileError(
      `adapt: ${path} must have a line of column names and rows below it, got ${rows.length} lines.`,
    );
  }
  const names = head.cells.map((name) => name.trim().toLowerCase());
  return rest.map(({ cells: found, line }) => ({
    value: Object.fromEntries(
      names.flatMap((name, i): [string, string][] => (found[i] === undefined ? [] : [[name, found[i]]])),
    ),
    line,
  }));
}

/** The cells of a row, and the line it begins in. */
export interface TableCells {
  readonly cells: readonly string[];
  readonly line: number;
}

/** All rows that are not empty. @param who Begins messages. @throws FileError for a quote without an end. */
export function tableCells(text: string, separator: string, path: string, who = "adapt"): TableCells[] {
  const rows: TableCells[] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  let [line, began, opened] = [1, 1, 1];
  const endRow = (): void => {
    row.push(cell);
    if (row.length > 1 || cell !== "") rows.push({ cells: row, line: began });
    [row, cell, began] = [[], "", line];
  };
  const from = text.startsWith("\ufeff") ? 1 : 0;
  for (let i = from; i < text.length; i++) {
    const c = text[i] ?? "";
    if (c === "\n") line += 1;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[++i] ?? "";
      else quoted = false;
    } else if (c === '"' && cell === "") {
      quoted = true;
      opened = line;
    } else if (c === separator) {
      row.push(cell);
      cell = "";
    } else if (c === "\n") {
      if (cell.endsWith("\r")) cell = cell.slice(0, -1);
      endRow();
    } else cell += c;
  }
  if (quoted)
    throw new FileError(
      `${who}: ${path} must close the quote that line ${opened} opens, got none until the end.`,
    );
  if (cell !== "" || row.length > 0) endRow();
  return rows;
}
