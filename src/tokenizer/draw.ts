// A segmentation made visible: coloured blocks on a terminal and as SVG. Pure text in, text out.
import { escapeXml, isWide } from "../draw/svg.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { strictTextOf } from "./utf8.ts";

/** One token as it is shown. */
export interface ShownToken {
  readonly id: number;
  /** Text, with `⏎` for a newline, `→` for a tab and `\xNN` for bytes that are no text. */
  readonly text: string;
  readonly isSpecial: boolean;
}

/** Tokens of `ids` as they are shown. */
export function shownTokens(tokenizer: Tokenizer, ids: ArrayLike<number>): ShownToken[] {
  const special = new Map(tokenizer.specials.map((s) => [s.id, s.text]));
  return Array.from(ids, (id) => {
    const name = special.get(id);
    return { id, text: name ?? shownBytes(tokenizer.bytesOf(id)), isSpecial: name !== undefined };
  });
}

/** Bytes as visible text. */
export function shownBytes(bytes: Uint8Array): string {
  const text = strictTextOf(bytes);
  if (text === undefined) return Array.from(bytes, (b) => `\\x${b.toString(16).padStart(2, "0")}`).join("");
  return text
    .replaceAll("\n", "⏎")
    .replaceAll("\t", "→")
    .replaceAll(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Background colours that black text is readable on, as ANSI 256 codes and for SVG. */
const COLOURS: readonly { readonly ansi: number; readonly svg: string }[] = [
  { ansi: 152, svg: "#b5dbe6" },
  { ansi: 223, svg: "#ffdcae" },
  { ansi: 194, svg: "#cdecc4" },
  { ansi: 218, svg: "#f9c6d3" },
  { ansi: 189, svg: "#d5d3f2" },
  { ansi: 229, svg: "#f6efae" },
];

const SPECIAL = { ansi: 250, svg: "#c4c4c4" };

/** Neighbours differ; the same token in the same place always looks the same. */
function colourOf(token: ShownToken, index: number): { readonly ansi: number; readonly svg: string } {
  return token.isSpecial ? SPECIAL : (COLOURS[index % COLOURS.length] ?? SPECIAL);
}

/** The segmentation in ANSI colours; a token that ends a line ends it on the terminal too. */
export function drawAnsi(tokens: readonly ShownToken[]): string {
  return tokens
    .map((token, i) => {
      const { ansi } = colourOf(token, i);
      const painted = `\x1b[48;5;${ansi}m\x1b[38;5;16m${token.text}\x1b[0m`;
      return token.text.endsWith("⏎") ? `${painted}\n` : painted;
    })
    .join("");
}

/** The segmentation without colour: tokens between bars. */
export function drawPlain(tokens: readonly ShownToken[]): string {
  return tokens.map((token) => (token.text.endsWith("⏎") ? `${token.text}\n` : `${token.text}|`)).join("");
}

/** Cells of a monospaced terminal that `text` takes: two for East Asian wide characters and emoji. */
export function cellWidth(text: string): number {
  let cells = 0;
  for (const c of text) {
    if (/\p{M}|\p{Cf}/u.test(c)) continue;
    cells += isWide(c) ? 2 : 1;
  }
  return cells;
}

export interface DrawSvgOptions {
  /** Cells per row; longer rows are broken between tokens. Default 88. */
  readonly columns?: number;
  /** A line above the blocks. Default none. */
  readonly title?: string;
}

const CELL = 8.4;
const ROW = 26;

/** The segmentation as an SVG picture; each block's tooltip is its id. */
export function drawSvg(
  tokens: readonly ShownToken[],
  { columns = 88, title = "" }: DrawSvgOptions = {},
): string {
  const blocks: string[] = [];
  let x = 0;
  let y = title === "" ? 0 : ROW;
  let widest = cellWidth(title);
  tokens.forEach((token, i) => {
    const cells = cellWidth(token.text);
    if (x > 0 && x + cells > columns) {
      x = 0;
      y += ROW;
    }
    const left = (x * CELL + 4).toFixed(1);
    const { svg } = colourOf(token, i);
    const width = (cells * CELL - 1).toFixed(1);
    blocks.push(
      `<g><title>${token.id}</title><rect x="${left}" y="${y + 3}" width="${width}" height="21" rx="3" fill="${svg}"/>` +
        `<text x="${left}" y="${y + 18}" textLength="${width}" lengthAdjust="spacingAndGlyphs">${visible(token.text)}</text></g>`,
    );
    x += cells;
    widest = Math.max(widest, x);
    if (token.text.endsWith("⏎")) {
      x = 0;
      y += ROW;
    }
  });
  const width = Math.ceil(widest * CELL + 8);
  const height = y + (x > 0 ? ROW : 0) + 4;
  const heading = title === "" ? "" : `<text x="4" y="17" font-weight="bold">${visible(title)}</text>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, monospace" font-size="14" fill="#111">` +
    `<rect width="${width}" height="${height}" fill="#fff"/>${heading}<g xml:space="preserve">${blocks.join("")}</g></svg>\n`
  );
}

/** Text safe inside XML; spaces stay visible as they are. */
function visible(text: string): string {
  return escapeXml(text).replaceAll(" ", "\u00a0");
}
