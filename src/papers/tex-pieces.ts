// Titles and abstracts hold a little TeX. This splits them into pieces to show: text (some of it emphasised),
// formulas (for KaTeX), links. Nothing is ever markup: a `<` in a field is a character. What the page shows and what
// a bibliography's entry becomes (`plainTex`) are read by this one reader.
import { signs } from "./tex-letters.ts";
import { outsideMath, texToUnicode } from "./tex.ts";

/** How a piece of text stands out. */
export type Style = "plain" | "emphasis" | "strong" | "code" | "caps";

/** One piece, and the half-open range of UTF-16 offsets of the source that it shows. */
export type Piece = TextPiece | MathPiece | LinkPiece;

/** Words. */
export interface TextPiece {
  readonly kind: "text";
  readonly value: string;
  readonly style: Style;
  /** Whether it is a brace that groups, which a bibliography does not mean to be seen. */
  readonly group?: true;
  readonly start: number;
  readonly end: number;
}

/** A formula without its delimiters. */
export interface MathPiece {
  readonly kind: "math";
  readonly value: string;
  readonly display: boolean;
  readonly start: number;
  readonly end: number;
}

/** An address; always http or https. */
export interface LinkPiece {
  readonly kind: "link";
  readonly value: string;
  readonly href: string;
  readonly start: number;
  readonly end: number;
}

// A price is no formula: after the opening dollar and before the closing one stands no space, after the closing
// one no digit. Lengths are bounded so that a megabyte of dollars is read once, not once per dollar.
const formula = [
  String.raw`\$\$(?<display>(?:[^$\\]|\\[\s\S]){1,2000}?)\$\$`,
  String.raw`\$(?!\s)(?<inline>(?:[^$\\]|\\[\s\S]){1,1000}?)(?<!\s)\$(?!\d)`,
  String.raw`\\\((?<round>[\s\S]{1,1000}?)\\\)`,
  String.raw`\\\[(?<square>[\s\S]{1,2000}?)\\\]`,
];
const styled = String.raw`\\(?<command>emph|textit|textsl|textbf|texttt|textsc|textrm|textsf|text|underline|mbox)\{`;
const hyperlink = String.raw`\\(?:url|href)\{(?<target>[^{}]{1,2000})\}(?:\{(?<label>[^{}]{0,500})\})?`;
const address = String.raw`(?<address>https?:\/\/[^\s<>"'{}|\\^$]{3,500})`;
const escaped = String.raw`\\(?<escaped>[%&#_{}$ ])`;
const typed = "(?<typed>---?|``|''|~)";
const sign = String.raw`\\(?<sign>${Object.keys(signs).join("|")})(?:\{\}|\s+|(?![a-zA-Z]))`;
const tokens = new RegExp(
  [...formula, hyperlink, styled, sign, address, escaped, typed, "(?<open>\\{)", "(?<close>\\})"].join("|"),
  "g",
);

const styles: Readonly<Record<string, Style>> = {
  emph: "emphasis",
  textit: "emphasis",
  textsl: "emphasis",
  underline: "emphasis",
  textbf: "strong",
  texttt: "code",
  textsc: "caps",
};

const typography: Readonly<Record<string, string>> = {
  "---": "—",
  "--": "–",
  "``": "“",
  "''": "”",
  "~": "\u00a0",
};

/** An address that may stand in a link, or nothing. */
export function webAddress(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).href;
}

/** Full stops and brackets after an address belong to the sentence. */
function trimAddress(text: string): string {
  const trimmed = text.replace(/[.,;:!?*]+$/, "");
  return trimmed.endsWith(")") && !trimmed.includes("(")
    ? trimmed.slice(0, -1).replace(/[.,;:!?*]+$/, "")
    : trimmed;
}

/** Collects pieces; joins neighbouring verbatim text of one style. */
class Pieces {
  readonly list: Piece[] = [];
  #style: Style = "plain";
  /** Open braces: the style to return to, or `undefined` for a brace that is only a brace. */
  readonly #open: (Style | undefined)[] = [];

  /** Text that stands in the source from `start` to `end`, perhaps in other characters. */
  text(value: string, start: number, end: number, group?: true): void {
    if (value === "") return;
    this.list.push({ kind: "text", value, style: this.#style, ...(group && { group }), start, end });
  }

  enter(style: Style | undefined): void {
    this.#open.push(style === undefined ? undefined : this.#style);
    if (style !== undefined) this.#style = style;
  }

  /** Leaves a brace; false if it was not opened by a command. */
  leave(): boolean {
    const before = this.#open.pop();
    if (before === undefined) return false;
    this.#style = before;
    return true;
  }
}

/** A link, or its text if the address is not one to follow. */
function addLink(pieces: Pieces, target: string, label: string, start: number, end: number): void {
  const href = webAddress(target);
  if (href === undefined) pieces.text(label, start, end);
  else pieces.list.push({ kind: "link", value: label, href, start, end });
}

/** Adds what one match shows; returns how many characters of it were used. */
function addToken(pieces: Pieces, match: RegExpMatchArray, at: number): number {
  const groups = match.groups ?? {};
  const whole = match[0];
  const end = at + whole.length;
  const math = groups["display"] ?? groups["inline"] ?? groups["round"] ?? groups["square"];
  if (math !== undefined) {
    const display = groups["display"] !== undefined || groups["square"] !== undefined;
    pieces.list.push({ kind: "math", value: math, display, start: at, end });
  } else if (groups["target"] !== undefined) {
    addLink(pieces, groups["target"].trim(), groups["label"] || groups["target"], at, end);
  } else if (groups["command"] !== undefined) {
    pieces.enter(styles[groups["command"]] ?? "plain");
  } else if (groups["address"] !== undefined) {
    const text = trimAddress(groups["address"]);
    addLink(pieces, text, text, at, at + text.length);
    return text.length;
  } else if (groups["escaped"] !== undefined) {
    pieces.text(groups["escaped"], at, end);
  } else if (groups["sign"] !== undefined) {
    pieces.text(signs[groups["sign"]] ?? whole, at, end);
  } else if (groups["typed"] !== undefined) {
    pieces.text(typography[groups["typed"]] ?? groups["typed"], at, end);
  } else if (groups["open"] !== undefined) {
    pieces.enter(undefined);
    pieces.text("{", at, end, true);
  } else if (!pieces.leave()) {
    pieces.text("}", at, end, true);
  }
  return whole.length;
}

/** Splits a text. Every character outside commands is shown by exactly one piece, in order. Never throws. */
export function texPieces(text: string): Piece[] {
  const pieces = new Pieces();
  let at = 0;
  tokens.lastIndex = 0;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    pieces.text(text.slice(at, match.index), at, match.index);
    at = match.index + addToken(pieces, match, match.index);
    tokens.lastIndex = at;
  }
  pieces.text(text.slice(at), at, text.length);
  return pieces.list;
}

/** The text as it would be read aloud to a screen reader or written to the clipboard: commands gone, TeX kept. */
export function plainText(text: string): string {
  return texPieces(text)
    .map((piece) => (piece.kind === "math" ? `$${piece.value}$` : piece.value))
    .join("");
}

/** Commands with an argument that the pieces know; of any other only the argument is text. */
const known = /^(?:emph|text(?:it|sl|bf|tt|sc|rm|sf)|text|underline|mbox|url|href)$/;
const isSign = (name: string): boolean => Object.hasOwn(signs, name);

/** A value of a bibliography as plain text: Unicode, no commands, grouping braces or escapes. Formulas stay. */
export function plainTex(text: string): string {
  const spelled = texToUnicode(
    outsideMath(text, (part) =>
      part
        .replace(/\\\\/g, "\u0000")
        .replace(/\\~\{\}/g, "\\textasciitilde{}")
        .replace(/\\\^\{\}/g, "^")
        // `{\em word}`: a switch holds until its group ends.
        .replace(/\\(?:em|it|bf|tt|sc|sl|rm|sf|itshape|bfseries|scshape|ttfamily)(?![a-zA-Z])\s*/g, "")
        .replace(/\\(?:[-/!]|@)/g, "")
        .replace(/\\[,;:]/g, " ")
        .replaceAll("\u0000", " "),
    ),
  );
  const bare = outsideMath(spelled, (part) =>
    part.replace(/\\([a-zA-Z]+)\*?\s*(?=\{[^{}])/g, (whole, name: string) =>
      known.test(name) || isSign(name) ? whole : "",
    ),
  );
  return texPieces(bare)
    .map((piece) => {
      if (piece.kind === "math") return bare.slice(piece.start, piece.end);
      return piece.kind === "text" && piece.group ? "" : piece.value.replaceAll("\u00a0", " ");
    })
    .join("");
}

/** A stretch of a text piece, marked or not. */
export interface Stretch {
  readonly value: string;
  readonly marked: boolean;
}

/** Cuts a text piece at the ends of marked ranges (ascending, disjoint, in offsets of the source). */
export function cutAtMarks(
  piece: TextPiece | LinkPiece,
  marks: readonly (readonly [number, number])[],
): Stretch[] {
  const inside = marks.filter(([start, end]) => start < piece.end && end > piece.start);
  if (inside.length === 0) return [{ value: piece.value, marked: false }];
  if (piece.value.length !== piece.end - piece.start) return [{ value: piece.value, marked: true }];
  const stretches: Stretch[] = [];
  let at = piece.start;
  const add = (to: number, marked: boolean): void => {
    if (to > at) stretches.push({ value: piece.value.slice(at - piece.start, to - piece.start), marked });
    at = Math.max(at, to);
  };
  for (const [start, end] of inside) {
    add(Math.max(start, piece.start), false);
    add(Math.min(end, piece.end), true);
  }
  add(piece.end, false);
  return stretches;
}
