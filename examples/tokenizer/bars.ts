// Horizontal bars as SVG: groups of labelled rows, each with one bar per series.
import { escapeXml } from "../../src/tokenizer/draw.ts";

export interface BarRow {
  readonly label: string;
  /** One value per series. */
  readonly values: readonly number[];
}

export interface BarChart {
  readonly title: string;
  readonly series: readonly string[];
  readonly rows: readonly BarRow[];
  /** How values are written at the bars' ends. */
  readonly format: (value: number) => string;
  /** Pixels kept for the labels. Default 130. */
  readonly labelWidth?: number;
}

const COLOURS = ["#33566b", "#d98a3d", "#6aa06f", "#b3a2c7"];
const BAR = 9;

/** The chart, 720 pixels wide. */
export function barChart({ title, series, rows, format, labelWidth = 130 }: BarChart): string {
  const top = Math.max(...rows.flatMap((r) => r.values));
  const rowHeight = series.length * BAR + 7;
  const width = 720;
  const room = width - labelWidth - 70;
  const parts: string[] = [`<text x="8" y="20" font-weight="bold">${escapeXml(title)}</text>`];
  let x = 8;
  series.forEach((name, s) => {
    parts.push(`<rect x="${x}" y="30" width="10" height="10" fill="${COLOURS[s] ?? "#888"}"/>`);
    parts.push(`<text x="${x + 14}" y="39">${escapeXml(name)}</text>`);
    x += 30 + name.length * 7;
  });
  rows.forEach((row, r) => {
    const y = 54 + r * rowHeight;
    parts.push(
      `<text x="${labelWidth}" y="${y + rowHeight / 2}" text-anchor="end">${escapeXml(row.label)}</text>`,
    );
    row.values.forEach((value, s) => {
      const length = (value / top) * room;
      const at = y + s * BAR;
      parts.push(
        `<rect x="${labelWidth + 8}" y="${at}" width="${length.toFixed(1)}" height="${BAR - 1}" fill="${COLOURS[s] ?? "#888"}"/>`,
      );
      parts.push(
        `<text x="${(labelWidth + 12 + length).toFixed(1)}" y="${at + BAR - 1}" font-size="9">${escapeXml(format(value))}</text>`,
      );
    });
  });
  const height = 60 + rows.length * rowHeight;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, monospace" font-size="12" fill="#111">` +
    `<rect width="${width}" height="${height}" fill="#fff"/>${parts.join("")}</svg>\n`
  );
}
