// Character classes of Oniguruma: nested classes, intersections and POSIX brackets, under flag `v`.
import {
  bothCases,
  fail,
  known,
  point,
  propertyOf,
  type Reader,
  shorthand,
  shorthandInside,
  written,
} from "./pattern-text.ts";

/** POSIX brackets whose members agree. */
const BRACKETS: Readonly<Record<string, string>> = {
  alnum: known("\\p{Alphabetic}\\p{Nd}"),
  alpha: known("\\p{Alphabetic}"),
  digit: shorthand("d"),
  lower: known("\\p{Lowercase}\\u{295}"),
  space: shorthand("s"),
  upper: known("\\p{Uppercase}"),
  word: shorthandInside("w"),
  xdigit: shorthand("h"),
};

const BRACKET = /\[:(\^?)([a-z]+):\]/y;

/** Reads a class, from `[` to `]`. */
export function classOf(r: Reader, ignoreCase: boolean): string {
  r.at++;
  if (r.groups++ > 1000) fail(r, "more than a thousand groups and classes");
  const negated = r.text.charAt(r.at) === "^";
  if (negated) r.at++;
  if (r.text.charAt(r.at) === "]") fail(r, "a class that begins with a closing bracket");
  const sides: string[][] = [[]];
  let side = sides[0] ?? [];
  for (;;) {
    const c = r.text.charAt(r.at);
    if (c === "") fail(r, "a class without its closing bracket");
    if (c === "]") break;
    if (r.text.startsWith("&&", r.at)) {
      r.at += 2;
      side = [];
      sides.push(side);
    } else side.push(member(r, ignoreCase));
  }
  r.at++;
  if (sides.some((s) => s.length === 0)) fail(r, "an intersection with nothing on one side");
  // Each side in brackets of its own: under flag `v` operands must be classes.
  const joined = sides.length === 1 ? side.join("") : sides.map((s) => `[${s.join("")}]`).join("&&");
  return `[${negated ? "^" : ""}${joined}]`;
}

function member(r: Reader, ignoreCase: boolean): string {
  BRACKET.lastIndex = r.at;
  const bracket = BRACKET.exec(r.text);
  if (bracket !== null) {
    const [all, caret, name = ""] = bracket;
    const set = Object.hasOwn(BRACKETS, name) ? BRACKETS[name] : undefined;
    if (set === undefined || ignoreCase) return fail(r, `the bracket ${all}`);
    r.at = BRACKET.lastIndex;
    return caret === "^" ? `[^${set}]` : set;
  }
  const c = r.text.charAt(r.at);
  if (c === "[") return classOf(r, ignoreCase);
  const letter = c === "\\" ? r.text.charAt(r.at + 1) : "";
  if (letter !== "" && "wWdDsShHpP".includes(letter)) {
    const isProperty = letter === "p" || letter === "P";
    const set = isProperty ? propertyOf(r, ignoreCase) : shorthandInside(letter);
    if (!isProperty) r.at += 2;
    if (r.text.charAt(r.at) === "-" && !"]".includes(r.text.charAt(r.at + 1))) {
      fail(r, "a range that begins with a class");
    }
    return set;
  }
  const low = one(r);
  const isRange = r.text.charAt(r.at) === "-" && !"]".includes(r.text.charAt(r.at + 1));
  if (!isRange) return ignoreCase ? bothCases(r, low).map(written).join("") : written(low);
  r.at++;
  const next = r.text.charAt(r.at);
  if (next === "[" || (next === "\\" && "wWdDsShHpPbR".includes(r.text.charAt(r.at + 1)))) {
    fail(r, "a range that ends with a class");
  }
  const high = one(r);
  if (low > high) fail(r, `the range ${String.fromCodePoint(low)}-${String.fromCodePoint(high)}`);
  if (!ignoreCase) return `${written(low)}-${written(high)}`;
  const all = new Set<number>();
  for (let code = low; code <= high; code++) for (const x of bothCases(r, code)) all.add(x);
  return [...all].map(written).join("");
}

/** One code point of a class. */
function one(r: Reader): number {
  const c = r.text.charAt(r.at);
  if (c === "\\") {
    if (r.text.charAt(r.at + 1) !== "b") return point(r);
    r.at += 2;
    return 8; // a backspace, in a class
  }
  if (c === "&" && r.text.charAt(r.at + 1) === "&") fail(r, "a range that ends with an intersection");
  const code = r.text.codePointAt(r.at) ?? 0;
  r.at += code > 0xffff ? 2 : 1;
  return code;
}
