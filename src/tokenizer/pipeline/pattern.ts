// Regular expressions of tokenizer files, read as the libraries that wrote them read them: Oniguruma with Ruby's
// syntax and Unicode 16 (https://github.com/kkos/oniguruma, doc/RE). JavaScript agrees on much and differs
// silently on the rest: \w, \d, \s and \b know ASCII only, ^ and $ mean the text and not the line, a possessive
// quantifier is an error or, in a class, a character. So a pattern is parsed and written anew; a construct
// without an equal is refused by name.
import { FileError } from "../../errors.ts";
import { classOf } from "./pattern-class.ts";
import { type Reader, fail, literal, point, PROPERTY, propertyOf, shorthand } from "./pattern-text.ts";

/** Flags that hold at a place of the pattern. */
interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
}

/** JavaScript source of a part, and what its surroundings must know. */
interface Part {
  readonly source: string;
  /** It can match without taking a character. */
  readonly empty: boolean;
  /** A quantifier written behind it takes all of it. */
  readonly unit: boolean;
}

/** `^` and `$` of lines. At the very end after a newline no line begins and none ends. */
const LINE_START = "(?:(?<![^])|(?<=\\n)(?=[^]))";
const LINE_END = "(?:(?<!\\n)(?![^])|(?=\\n))";

const compiled = new Map<string, string>();

/**
 * JavaScript source (flag `v`) of an Oniguruma pattern.
 * @param where Names file and field for the message. @throws FileError that names what has no equal.
 */
export function jsPattern(pattern: string, where = "pattern"): string {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const r: Reader = { text: pattern, at: 0, where, groups: 0, behind: 0 };
  const { source } = alternatives(r, { ignoreCase: false, dotAll: false, extended: false }, true);
  if (r.at < pattern.length) fail(r, "a closing parenthesis without its opening one");
  let whole: RegExp;
  try {
    whole = new RegExp(source, "v");
  } catch (error) {
    throw new FileError(
      `${where}: ${JSON.stringify(pattern)} must be a regular expression, got an error: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
  if (compiled.size < 64) compiled.set(pattern, whole.source);
  return whole.source;
}

function alternatives(r: Reader, flags: Flags, isLast: boolean): Part {
  const parts: Part[] = [];
  let now = flags;
  do {
    const { part, flags: after } = sequence(r, now, isLast);
    parts.push(part);
    now = after; // (?i) reaches to the end of its group, over bars
  } while (take(r, "|"));
  return { source: parts.map((p) => p.source).join("|"), empty: parts.some((p) => p.empty), unit: false };
}

function take(r: Reader, text: string): boolean {
  if (!r.text.startsWith(text, r.at)) return false;
  r.at += text.length;
  return true;
}

/** Up to a bar or a closing parenthesis. @param isLast Nothing of the whole pattern follows it. */
function sequence(r: Reader, flags: Flags, isLast: boolean): { part: Part; flags: Flags } {
  let now = flags;
  let source = "";
  let empty = true;
  let run = ""; // literals side by side, for letters that fold together
  while (r.at < r.text.length && !"|)".includes(r.text.charAt(r.at))) {
    if (now.extended && skipExtended(r)) continue;
    const option = options(r, now);
    if (option !== undefined) {
      now = option;
      continue;
    }
    const start = r.at;
    const one = atom(r, now);
    run = r.at - start === 1 && one.source !== "" ? run + r.text.charAt(start).toLowerCase() : "";
    if (now.ignoreCase && /ff|fi|fl|ss|st$/.test(run)) {
      fail(r, `"${run.slice(-2)}" without regard to case, which also matches one character`);
    }
    const next = quantified(r, one, isLast);
    source += next.source;
    empty &&= next.empty;
  }
  return { part: { source, empty, unit: false }, flags: now };
}

function skipExtended(r: Reader): boolean {
  const space = /\s+|#[^\n]*\n?/y;
  space.lastIndex = r.at;
  if (!space.test(r.text)) return false;
  r.at = space.lastIndex;
  return true;
}

/** `(?i)`, `(?m-x)`: flags from here to the end of the group. Flags with a colon are `atom`'s. */
function options(r: Reader, flags: Flags): Flags | undefined {
  const match = /\(\?([imx]*)(?:-([imx]+))?\)/y;
  match.lastIndex = r.at;
  const found = match.exec(r.text);
  if (found === null) return undefined;
  r.at = match.lastIndex;
  return withFlags(flags, found[1] ?? "", found[2] ?? "");
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const set = (letter: string, was: boolean): boolean =>
    on.includes(letter) || (was && !off.includes(letter));
  return {
    ignoreCase: set("i", flags.ignoreCase),
    dotAll: set("m", flags.dotAll), // Ruby's letter for it
    extended: set("x", flags.extended),
  };
}

function atom(r: Reader, flags: Flags): Part {
  const c = r.text.charAt(r.at);
  if (c === "(") return group(r, flags);
  if (c === "[") return { source: classOf(r, flags.ignoreCase), empty: false, unit: true };
  if (c === "\\") return escape(r, flags);
  if ("*+?".includes(c)) fail(r, `a quantifier ${c} with nothing before it`);
  const code = r.text.codePointAt(r.at) ?? 0;
  r.at += code > 0xffff ? 2 : 1;
  if (c === ".") return { source: flags.dotAll ? "[^]" : "[^\\n]", empty: false, unit: true };
  if (c === "^") return { source: LINE_START, empty: true, unit: true };
  if (c === "$") return { source: LINE_END, empty: true, unit: true };
  return { source: literal(r, code, flags.ignoreCase), empty: false, unit: true };
}

/** What a group begins with, and how it is written here; `>` and look-behind have rules of their own. */
const GROUPS: readonly [begin: RegExp, open: string][] = [
  [/\(\?:/y, "(?:"],
  [/\(\?=/y, "(?="],
  [/\(\?!/y, "(?!"],
  [/\(\?<=/y, "(?<="],
  [/\(\?<!/y, "(?<!"],
  [/\(\?>/y, ">"],
  [/\(\?<[A-Za-z_]\w*>/y, "(?:"], // nothing refers back to a name: such references are refused
  [/\((?!\?)/y, "(?:"],
];

function group(r: Reader, flags: Flags): Part {
  const comment = /\(\?#[^)]*\)/y;
  comment.lastIndex = r.at;
  if (comment.test(r.text)) {
    r.at = comment.lastIndex;
    return { source: "", empty: true, unit: true };
  }
  const scoped = /\(\?([imx]*)(?:-([imx]+))?:/y;
  scoped.lastIndex = r.at;
  const found = scoped.exec(r.text);
  let open = "(?:";
  let inner = flags;
  if (found !== null) {
    inner = withFlags(flags, found[1] ?? "", found[2] ?? "");
    r.at = scoped.lastIndex;
  } else {
    const known = GROUPS.find(([begin]) => {
      begin.lastIndex = r.at;
      if (!begin.test(r.text)) return false;
      r.at = begin.lastIndex;
      return true;
    });
    if (known === undefined) fail(r, `the group ${r.text.slice(r.at, r.at + 4)}`);
    else open = known[1];
  }
  const looks = open !== "(?:" && open !== ">";
  const isBehind = open.startsWith("(?<");
  if (isBehind) r.behind++;
  if (r.groups++ > 1000) fail(r, "more than a thousand groups");
  const body = alternatives(r, inner, looks && !isBehind);
  if (isBehind) r.behind--;
  if (!take(r, ")")) fail(r, "an opening parenthesis without its closing one");
  if (open === ">") return atomic(r, body);
  return { source: `${open}${body.source})`, empty: looks || body.empty, unit: true };
}

/** Matches as the body does and never gives back: a look-ahead is not entered again. */
function atomic(r: Reader, body: Part): Part {
  if (r.behind > 0) fail(r, "a group or quantifier that gives nothing back, inside a look-behind");
  const name = `g${r.groups++}`;
  return { source: `(?:(?=(?<${name}>${body.source}))\\k<${name}>)`, empty: body.empty, unit: true };
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: "(?:(?<=W)(?!W)|(?<!W)(?=W))",
  B: "(?:(?<=W)(?=W)|(?<!W)(?!W))",
  A: "(?<![^])",
  z: "(?![^])",
  Z: "(?=\\n?(?![^]))",
};

function escape(r: Reader, flags: Flags): Part {
  const letter = r.text.charAt(r.at + 1);
  const border = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  if (border !== undefined) {
    r.at += 2;
    return { source: border.replaceAll("W", shorthand("w")), empty: true, unit: true };
  }
  if ("wWdDsShH".includes(letter) && letter !== "") {
    r.at += 2;
    return { source: shorthand(letter), empty: false, unit: true };
  }
  if (letter === "p" || letter === "P") {
    PROPERTY.lastIndex = r.at;
    return { source: propertyOf(r, flags.ignoreCase), empty: false, unit: true };
  }
  return { source: literal(r, point(r), flags.ignoreCase), empty: false, unit: true };
}

const QUANTIFIER = /([*+?]|\{(\d+)(?:(,)(\d*))?\}|\{,(\d+)\})/y;

function quantified(r: Reader, one: Part, isLast: boolean): Part {
  let part = one;
  for (;;) {
    const next = quantifiedOnce(r, part, isLast);
    if (next === undefined) return part;
    part = next;
  }
}

function quantifiedOnce(r: Reader, one: Part, isLast: boolean): Part | undefined {
  QUANTIFIER.lastIndex = r.at;
  const match = QUANTIFIER.exec(r.text);
  if (match === null) return undefined;
  const [, all = "", least, comma, most, upTo] = match;
  if (one.source === "") fail(r, `a quantifier ${all} with nothing before it`);
  r.at = QUANTIFIER.lastIndex;
  const isExact = least !== undefined && comma === undefined;
  const isInterval = all.startsWith("{");
  const low = upTo === undefined ? Number(least ?? 0) : 0;
  const high = upTo ?? most ?? "";
  if (isInterval && high !== "" && low > Number(high)) fail(r, `the interval ${all}`);
  if (low > 1000 || Number(high) > 1000) fail(r, `the interval ${all}, above 1000`);
  // How a repetition of nothing ends differs between the two.
  if (one.empty && all !== "?") fail(r, `a repetition (${all}) of what may be empty`);
  const body = one.unit ? one.source : `(?:${one.source})`;
  const empty = one.empty || all === "*" || all === "?" || (isInterval && low === 0);
  const greedy: Part = { source: body + (upTo === undefined ? all : `{0,${upTo}}`), empty, unit: false };
  if (take(r, "?")) {
    if (isExact) fail(r, `the interval ${all}?`);
    return { ...greedy, source: `${greedy.source}?` };
  }
  // In Ruby's syntax only these three are possessive; `{2}+` repeats.
  if (isInterval || !take(r, "+")) return greedy;
  // At the end of the pattern nothing asks for characters back.
  const ends = r.at === r.text.length || "|)".includes(r.text.charAt(r.at));
  return isLast && ends ? greedy : atomic(r, greedy);
}
