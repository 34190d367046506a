// Bars in groups, one group a row, as one self-contained SVG.
import { scale } from "./axis.ts";
import { FAINT, inkOf } from "./palette.ts";
import { at, EDGE, type Heading, legend, sheet, TOP, WIDTH, widthOf, word } from "./svg.ts";

export interface BarChart extends Heading {
  /** What each bar of a group is; one that says what the title says may be left empty. */
  readonly names: readonly string[];
  readonly rows: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** Where bars end; longer ones are cut. Default: the largest value. */
  readonly most?: number;
  /** How values are written at the bars' ends; default two decimals. */
  readonly format?: (value: number) => string;
}

/** Heights that a sheet's bars share out, and what a bar may be at least and at most. */
const FULL = 360;
const BAR = [9, 34] as const;
/** Between two groups, in bars. */
const SPACE = 0.8;

/** Draws the rows from top to bottom with their values at the bars' ends, over the whole sheet. */
export function barChart({ names, rows, most, format = twoDecimals, ...heading }: BarChart): string {
  const values = rows.flatMap((row) => row.values).filter(Number.isFinite);
  const end = most ?? Math.max(...values, 1e-12);
  const left = EDGE + Math.min(360, Math.max(...rows.map(({ name }) => widthOf(name)))) + 14;
  const right = WIDTH - EDGE - Math.max(...values.map((value) => widthOf(format(value), 12))) - 8;
  const x = scale([0, end], [left, right]);
  const thick = Math.max(BAR[0], Math.min(BAR[1], FULL / rows.length / (names.length + SPACE)));
  const group = thick * (names.length + SPACE);
  const labelled = names.some((name) => name !== "");
  const top = TOP + (labelled ? 26 : 0);
  return sheet(heading, Math.ceil(top + rows.length * group - SPACE * thick + EDGE), [
    labelled
      ? legend(
          EDGE,
          TOP + 4,
          names.map((name, i) => [name, inkOf(i)]),
        )
      : "",
    ...rows.flatMap(({ name, values: row }, r) => {
      const y = top + r * group;
      const middle = y + (row.length * thick) / 2;
      const bars = row.map((value, i) => {
        if (!Number.isFinite(value)) return "";
        const to = x(Math.max(0, Math.min(value, end)));
        const size = Math.min(12, thick + 1);
        const base = y + (i + 0.5) * thick + size * 0.36;
        return `<rect x="${at(left)}" y="${at(y + i * thick)}" width="${at(to - left)}" height="${at(thick - 1)}" fill="${inkOf(i)}"/>${word(to + 6, base, format(value), { size, colour: FAINT })}`;
      });
      return [word(left - 10, middle + 4, name, { anchor: "end" }), ...bars];
    }),
  ]);
}

function twoDecimals(value: number): string {
  return value.toFixed(2);
}
