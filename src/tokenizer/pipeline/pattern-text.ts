// The smallest parts of an Oniguruma pattern: characters, shorthands and properties, as JavaScript writes them
// under flag `v`.
import { FileError } from "../../errors.ts";
import { SINCE_17 } from "./unicode.ts";

/** A pattern while it is read. */
export interface Reader {
  readonly text: string;
  at: number;
  /** File and field. */
  readonly where: string;
  /** Groups so far: names for those that give nothing back, and a limit. */
  groups: number;
  /** Look-behinds that are open. */
  behind: number;
}

/** Refuses the pattern. @throws FileError always. */
export function fail(r: Reader, what: string): never {
  const shown = r.text.length > 120 ? `${r.text.slice(0, 120)}…` : r.text;
  throw new FileError(
    `${r.where}: pattern ${JSON.stringify(shown)} must be made of what JavaScript can match alike, got ${what}. Use the tokenizer where it was made.`,
  );
}

const HEX_POINT = /\\(?:x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4}))/y;

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7, e: 27 };

/** Reads `\n`, `\u3000`, `\x41`, `\.` …: a code point. */
export function point(r: Reader): number {
  HEX_POINT.lastIndex = r.at;
  const hex = HEX_POINT.exec(r.text);
  if (hex !== null) {
    r.at = HEX_POINT.lastIndex;
    const code = parseInt(hex[1] ?? hex[2] ?? hex[3] ?? "", 16);
    // \x80 and above name a byte there, not a character.
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || (hex[2] !== undefined && code > 0x7f)) {
      fail(r, `the escape ${hex[0]}`);
    }
    return code;
  }
  const letter = r.text.charAt(r.at + 1);
  const control = Object.hasOwn(CONTROLS, letter) ? CONTROLS[letter] : undefined;
  if (control !== undefined) {
    r.at += 2;
    return control;
  }
  if (letter === "" || /[A-Za-z0-9]/.test(letter)) fail(r, `the escape \\${letter}`);
  const code = r.text.codePointAt(r.at + 1) ?? 0;
  r.at += code > 0xffff ? 3 : 2;
  return code;
}

/** One code point, safe in and outside a class. */
export function written(code: number): string {
  const c = String.fromCodePoint(code);
  return /[A-Za-z0-9]/.test(c) ? c : `\\u{${code.toString(16)}}`;
}

/** A code point as a match; letters in both cases where the case does not matter. */
export function literal(r: Reader, code: number, ignoreCase: boolean): string {
  if (!ignoreCase) return written(code);
  const both = bothCases(r, code);
  return both.length === 1 ? written(code) : `[${both.map(written).join("")}]`;
}

/** All code points that equal `code` but for the case. */
export function bothCases(r: Reader, code: number): number[] {
  const c = String.fromCodePoint(code);
  if (code > 0x7f) fail(r, `"${c}" without regard to case`);
  if (!/[A-Za-z]/.test(c)) return [code];
  const extra = c.toLowerCase() === "s" ? [0x17f] : c.toLowerCase() === "k" ? [0x212a] : [];
  return [c.toLowerCase().charCodeAt(0), c.toUpperCase().charCodeAt(0), ...extra];
}

/** Letters, marks, digits and connectors. */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";

const SETS: Readonly<Record<string, string>> = {
  // Outside a class Oniguruma has six Latin-1 numbers as well.
  w: `${WORD}\\u{b2}\\u{b3}\\u{b9}\\u{bc}-\\u{be}`,
  d: "\\p{Nd}",
  s: "\\p{White_Space}",
  h: "0-9a-fA-F",
};

/** `\w`, `\d`, `\s`, `\h` and their opposites. */
export function shorthand(letter: string): string {
  const set = SETS[letter.toLowerCase()] ?? "";
  return known(set, letter !== letter.toLowerCase());
}

/** The same inside a class. */
export function shorthandInside(letter: string): string {
  return letter.toLowerCase() === "w" ? known(WORD, letter === "W") : shorthand(letter);
}

/** A class without the characters that its tables do not know yet. */
export function known(set: string, negated = false): string {
  return `[${negated ? "^" : ""}[${set}]--[${SINCE_17}]]`;
}

export const PROPERTY: RegExp = /\\([pP])\{(\^?)([^}]*)\}/y;

/** General categories by their short names, and the long ones in use. */
const CATEGORIES: Readonly<Record<string, string>> = Object.fromEntries([
  ...[
    "L",
    "Ll",
    "Lm",
    "Lo",
    "Lt",
    "Lu",
    "M",
    "Mc",
    "Me",
    "Mn",
    "N",
    "Nd",
    "Nl",
    "No",
    "P",
    "Pc",
    "Pd",
    "Pe",
    "Pf",
  ]
    .concat(["Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs", "Cc", "Cf", "Co"])
    .map((name) => [name.toLowerCase(), `\\p{${name}}`]),
  ["ll", "\\p{Ll}\\u{295}"], // Lo since Unicode 17
  ["lo", "[\\p{Lo}--[\\u{295}]]"],
  ["letter", "\\p{L}"],
  ["uppercaseletter", "\\p{Lu}"],
  ["lowercaseletter", "\\p{Ll}\\u{295}"],
  ["mark", "\\p{M}"],
  ["number", "\\p{N}"],
  ["decimalnumber", "\\p{Nd}"],
  ["punctuation", "\\p{P}"],
  ["symbol", "\\p{S}"],
  ["separator", "\\p{Z}"],
  ["alphabetic", "\\p{Alphabetic}"],
  ["alpha", "\\p{Alphabetic}"],
  ["alnum", "\\p{Alphabetic}\\p{Nd}"],
  ["digit", "\\p{Nd}"],
  ["word", SETS["w"] ?? ""],
  ["space", "\\p{White_Space}"],
  ["whitespace", "\\p{White_Space}"],
]);

/** Scripts and properties that keep their name. */
const SCRIPTS =
  /^(Arabic|Armenian|Bengali|Cyrillic|Devanagari|Georgian|Greek|Han|Hangul|Hebrew|Hiragana|Katakana|Khmer|Latin|Tamil|Telugu|Thai)$/;

/** Reads `\p{…}`. */
export function propertyOf(r: Reader, ignoreCase: boolean): string {
  PROPERTY.lastIndex = r.at;
  const match = PROPERTY.exec(r.text);
  if (match === null) return fail(r, "a property without a name in braces");
  const [all, letter, caret, name = ""] = match;
  if (ignoreCase) fail(r, `${all} without regard to case`);
  const plain = name.toLowerCase().replaceAll(/[ _-]/g, "");
  const set = Object.hasOwn(CATEGORIES, plain)
    ? CATEGORIES[plain]
    : SCRIPTS.test(name)
      ? `\\p{Script=${name}}`
      : undefined;
  if (set === undefined) return fail(r, `the property ${all}`);
  r.at = PROPERTY.lastIndex;
  return known(set, (letter === "P") !== (caret === "^"));
}
