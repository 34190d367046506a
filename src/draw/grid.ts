// Squares of queries and keys, each cell inked by what the query does with the key.
import { FIELD, inkOf } from "./palette.ts";
import { at, EDGE, type Heading, legend, sheet, TOP, WIDTH, word } from "./svg.ts";

/** One square: the number of the ink of a cell, or nothing for an empty one. */
export interface Square {
  readonly name: string;
  readonly cell: (row: number, column: number) => number | undefined;
  /** Rows and columns; default 24 each. */
  readonly rows?: number;
  readonly columns?: number;
}

export interface Grids extends Heading {
  /** Side by side; together they fill the sheet. */
  readonly squares: readonly Square[];
  /** What ink 0, 1, 2 … says. */
  readonly inks: readonly string[];
}

const GAP = 40;
const HEIGHT_MOST = 420;

/** Draws the squares, rows downwards and columns to the right. */
export function grids({ squares, inks, ...heading }: Grids): string {
  const room = (WIDTH - 2 * EDGE - GAP * (squares.length - 1)) / squares.length;
  const tall = Math.min(HEIGHT_MOST, ...squares.map((s) => (room * (s.rows ?? 24)) / (s.columns ?? 24)));
  const parts = squares.flatMap((square, s) => {
    const { rows = 24, columns = 24 } = square;
    // Cells are as wide as the sheet allows: wider than tall where one square has it for itself.
    const [w, h] = [room / columns, tall / rows];
    const left = EDGE + s * (room + GAP);
    return [
      `<rect x="${left}" y="${TOP}" width="${at(room)}" height="${at(tall)}" fill="${FIELD}"/>`,
      ...inks.map((_, ink) => {
        const cells = cellsOf(square, rows, columns, ink).map(
          ([i, j]) => `M${at(left + j * w)} ${at(TOP + i * h)}h${at(w - 1)}v${at(h - 1)}h-${at(w - 1)}z`,
        );
        return cells.length === 0 ? "" : `<path d="${cells.join("")}" fill="${inkOf(ink)}"/>`;
      }),
      word(left, TOP + tall + 22, square.name),
    ];
  });
  return sheet(heading, Math.ceil(TOP + tall + 66), [
    ...parts,
    legend(
      EDGE,
      TOP + tall + 48,
      inks.map((name, i) => [name, inkOf(i)]),
    ),
  ]);
}

/** Cells of one ink. */
function cellsOf(
  { cell }: Square,
  rows: number,
  columns: number,
  ink: number,
): [row: number, column: number][] {
  const found: [number, number][] = [];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) if (cell(i, j) === ink) found.push([i, j]);
  return found;
}
