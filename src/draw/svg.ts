// What the pictures share: a sheet, words on it, numbers as they are written.
import { FAINT, FONT, INK, PAPER } from "./palette.ts";

/** Text as it may stand in an SVG document, attributes included. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** From and to, in values or in pixels. */
export type Extent = readonly [from: number, to: number];

/** About `count` round values inside a domain. */
export function ticks([from, to]: Extent, count: number): number[] {
  const rough = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((m) => m * power >= rough) ?? 10);
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}

/** A coordinate, to a tenth. */
export function at(x: number): string {
  return x.toFixed(1);
}

/** A value beside an axis or a bar: four digits, small ones with an exponent. */
export function written(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1).replace(".0e", "e");
  if (Math.abs(value) >= 10_000) return Math.round(value).toLocaleString("en-GB");
  return String(Number(value.toPrecision(4)));
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3ffff}]/u;

/** Whether a character takes the room of two: Chinese, Japanese, Korean, full-width forms, emoji. */
export function isWide(character: string): boolean {
  return WIDE.test(character);
}

/** About how wide a text is in pixels: half a letter's size for most, all of it for wide ones. */
export function widthOf(text: string, size = 13): number {
  let halves = 0;
  for (const c of text) halves += /\p{M}|\p{Cf}/u.test(c) ? 0 : isWide(c) ? 2 : 1.04;
  return (halves * size) / 2;
}

export interface WordStyle {
  readonly size?: number;
  readonly colour?: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly bold?: boolean;
}

/** A line of words whose base line begins (ends, has its middle) at `x`, `y`. */
export function word(
  x: number,
  y: number,
  text: string,
  { size = 13, colour = INK, anchor = "start", bold = false }: WordStyle = {},
): string {
  const style = `font-size="${size}" fill="${colour}" text-anchor="${anchor}"${bold ? ' font-weight="bold"' : ""}`;
  return `<text x="${at(x)}" y="${at(y)}" ${style}>${escapeXml(text)}</text>`;
}

/** Words that read upwards, centred at `x`, `y`. */
export function sideways(x: number, y: number, text: string): string {
  return `<text transform="translate(${at(x)} ${at(y)}) rotate(-90)" text-anchor="middle" font-size="13" fill="${FAINT}">${escapeXml(text)}</text>`;
}

/** A sheet's width in pixels, whatever stands on it. */
export const WIDTH = 960;
/** Space at the sheet's left and right. */
export const EDGE = 28;
/** Where a picture begins below its title and subtitle. */
export const TOP = 76;

export interface Heading {
  readonly title: string;
  readonly subtitle?: string;
}

/** A document of its own: paper, heading, `parts`. */
export function sheet({ title, subtitle = "" }: Heading, height: number, parts: readonly string[]): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="${FONT}" font-size="13" role="img" aria-label="${escapeXml(title)}">`,
    `<rect width="${WIDTH}" height="${height}" rx="10" fill="${PAPER}"/>`,
    word(EDGE, 34, title, { size: 19, bold: true }),
    ...(subtitle === "" ? [] : [word(EDGE, 55, subtitle, { colour: FAINT })]),
    ...parts.filter((part) => part !== ""),
    `</svg>`,
  ].join("\n")}\n`;
}

/** Names of inks in one row from `x` on; `mark` draws what stands before a name. */
export function legend(
  x: number,
  y: number,
  entries: readonly (readonly [name: string, colour: string])[],
): string {
  let left = x;
  return entries
    .map(([name, colour]) => {
      const from = left;
      left += 36 + widthOf(name);
      return `<rect x="${at(from)}" y="${at(y - 10)}" width="12" height="11" rx="2" fill="${colour}"/>${word(from + 18, y, name)}`;
    })
    .join("");
}
