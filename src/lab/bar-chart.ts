// Bars in groups, one group a row, as one self-contained SVG.
import { escapeXml } from "../draw/svg.ts";

export interface BarChart {
  readonly title: string;
  readonly subtitle?: string;
  /** What each bar of a group is. */
  readonly names: readonly string[];
  /** Values between 0 and `most` (default 1). */
  readonly rows: readonly { readonly name: string; readonly values: readonly number[] }[];
  readonly most?: number;
}

const WIDTH = 760;
const LEFT = 210;
const RIGHT = 60;
const TOP = 86;
const BAR = 9;
const GAP = 10;
const INKS = ["#1f5f8b", "#b4541a", "#6b7f59", "#8c3b6e"];

const ink = (i: number): string => INKS[i % INKS.length] ?? "#000";

/** Draws the rows from top to bottom with their values at the bars' ends. */
export function barChart({ title, subtitle = "", names, rows, most = 1 }: BarChart): string {
  const group = names.length * BAR + GAP;
  const height = TOP + rows.length * group + 20;
  const x = (value: number): number =>
    LEFT + (Math.max(0, Math.min(value, most)) / most) * (WIDTH - LEFT - RIGHT);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="Georgia, 'Times New Roman', serif" font-size="13" role="img" aria-label="${escapeXml(title)}">`,
    `<rect width="${WIDTH}" height="${height}" rx="10" fill="#fffdf9"/>`,
    text(24, 30, title, `font-size="18" font-weight="bold" fill="#2b2622"`),
    text(24, 50, subtitle, `fill="#8a8178"`),
    ...names.map((name, i) => {
      const at = LEFT + i * 150;
      return `<rect x="${at}" y="60" width="12" height="9" fill="${ink(i)}"/>${text(at + 18, 69, name, `fill="#4d463f"`)}`;
    }),
    ...rows.flatMap(({ name, values }, r) => {
      const y = TOP + r * group;
      const label = text(
        LEFT - 10,
        y + (names.length * BAR) / 2 + 4,
        name,
        `text-anchor="end" fill="#2b2622"`,
      );
      const bars = values.map((value, i) => {
        const width = x(value) - LEFT;
        const bar = `<rect x="${LEFT}" y="${y + i * BAR}" width="${width.toFixed(1)}" height="${BAR - 1}" fill="${ink(i)}"/>`;
        const number = Number.isFinite(value) ? value.toFixed(2) : "";
        return `${bar}${text(x(value) + 5, y + i * BAR + BAR - 1, number, `font-size="10" fill="#8a8178"`)}`;
      });
      return [label, ...bars];
    }),
    `</svg>`,
  ].join("\n")}\n`;
}

function text(x: number, y: number, s: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeXml(s)}</text>`;
}
