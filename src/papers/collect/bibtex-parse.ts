// Patashnik 1988, "BibTeXing": the file format. Own parser because none that is kept up reports errors by line
// and goes on with the next entry. http://tug.ctan.org/biblio/bibtex/base/btxdoc.pdf

/** An entry, its values as they stand (braces and TeX included), macros and `#` resolved. */
export interface BibEntry {
  readonly line: number;
  /** Lower case. */
  readonly type: string;
  readonly key: string;
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
}

/** An entry that could not be read, and where it starts. */
export interface BibProblem {
  readonly line: number;
  readonly message: string;
}

const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");

/** A parser that is given a file piece by piece and holds little more than the entry it is in. */
export interface BibParser {
  /** The next piece; returns what could be read to its end. Never throws. */
  push(piece: string): (BibEntry | BibProblem)[];
  /** What was left, now that nothing follows. */
  end(): (BibEntry | BibProblem)[];
}

/** Longest entry read, in UTF-16 units; longer ones are reported and passed over. */
const longestEntry = 4 << 20;
/**
 * An entry that ends this near to the end of a piece is read again with the next one: names may go on there, and the
 * parser looks at no more of a line than this to see whether it begins an entry.
 */
const lookahead = 1000;

/** A new parser. */
export function createBibParser(): BibParser {
  const macros = new Map(months.map((name, i) => [name, String(i + 1)]));
  /** What is not read yet, and the line it begins in. */
  let text = "";
  let line = 1;
  /** After a mistake, reading goes on at the next line that begins with `@`. */
  let lost = false;
  /** How much of an unfinished entry was there at the last attempt: the next waits for twice that. */
  let tried = 0;
  const drop = (units: number) => {
    for (let i = text.indexOf("\n"); i >= 0 && i < units; i = text.indexOf("\n", i + 1)) line++;
    text = text.slice(units);
  };
  /** Moves to the next `@` that may begin an entry; false if there is none yet. */
  const seek = (): boolean => {
    const next = lost ? /\n[ \t]*@/.exec(text) : /@/.exec(text);
    if (!next) {
      const newline = text.lastIndexOf("\n");
      drop(lost && newline >= 0 ? newline : text.length);
      return false;
    }
    drop(next.index + next[0].length - 1);
    lost = false;
    return true;
  };
  const read = (final: boolean) => {
    const found: (BibEntry | BibProblem)[] = [];
    while (seek()) {
      if (!final && text.length < Math.min(2 * tried, longestEntry)) break;
      const { entry, message, end } = attempt(text, macros);
      if (!final && end + lookahead > text.length && text.length < longestEntry) {
        tried = text.length;
        break;
      }
      tried = 0;
      if (entry) found.push({ line, ...entry });
      if (message !== undefined) {
        const tooLong = end >= longestEntry && !final;
        found.push({ line, message: tooLong ? `entry is longer than ${longestEntry} characters` : message });
        lost = true;
      }
      drop(message === undefined ? end : 1);
    }
    return found;
  };
  return {
    push(piece) {
      text += piece;
      return read(false);
    },
    end: () => read(true),
  };
}

/** Reads every entry of a BibTeX text; what cannot be read is reported and passed over. Never throws. */
export function parseBibtex(text: string): (BibEntry | BibProblem)[] {
  const parser = createBibParser();
  return [...parser.push(text), ...parser.end()];
}

/** A mistake, and how far the text was read to see it. */
class BibError extends Error {
  override name = "BibError";
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** The entry at the beginning of a text, or what is wrong with it; `end` is how far the answer depends on the text. */
function attempt(
  text: string,
  macros: Map<string, string>,
): { entry?: Omit<BibEntry, "line">; message?: string; end: number } {
  try {
    return readEntry(text, 0, macros);
  } catch (error) {
    if (error instanceof BibError) return { message: error.message, end: error.at };
    throw error;
  }
}

interface Read {
  readonly entry?: Omit<BibEntry, "line">;
  readonly end: number;
}

function readEntry(text: string, start: number, macros: Map<string, string>): Read {
  const head = /@\s*([a-z]+)\s*([{(])/iy;
  head.lastIndex = start;
  const m = head.exec(text);
  // An at sign in running text, which BibTeX takes for a comment.
  if (!m) return { end: start + 1 };
  const type = (m[1] ?? "").toLowerCase();
  const close = m[2] === "(" ? ")" : "}";
  const body = head.lastIndex;
  if (type === "comment") return { end: skipBraces(text, body, close) };
  if (type === "preamble") return { end: readValue(text, body, macros).end };
  if (type === "string") {
    const { name, value, end } = readField(text, body, macros);
    macros.set(name, value);
    return { end };
  }
  const comma = /\s*([^\s,{}"=]*)\s*(,|[})])/y;
  comma.lastIndex = body;
  const key = comma.exec(text);
  if (!key) throw new BibError(`entry @${type} must begin with a key and a comma`, body);
  const fields = new Map<string, string>();
  let at = comma.lastIndex;
  if (key[2] !== ",") return { entry: { type, key: key[1] ?? "", fields }, end: at };
  for (;;) {
    at = skipSpace(text, at);
    if (text[at] === close) return { entry: { type, key: key[1] ?? "", fields }, end: at + 1 };
    if (at >= text.length) throw new BibError(`entry ${key[1]} is not closed`, at);
    const { name, value, end } = readField(text, at, macros);
    if (!fields.has(name)) fields.set(name, value);
    at = skipSpace(text, end);
    if (text[at] === ",") at++;
    else if (text[at] !== close)
      throw new BibError(`field ${name} of ${key[1]} must be followed by a comma`, at);
  }
}

function readField(text: string, at: number, macros: ReadonlyMap<string, string>) {
  const head = /\s*([^\s=,{}"#%'()]+)\s*=/y;
  head.lastIndex = at;
  const m = head.exec(text);
  if (!m) throw new BibError(`a field must read name = value, got "${text.slice(at, at + 20).trim()}"`, at);
  const { value, end } = readValue(text, head.lastIndex, macros);
  return { name: (m[1] ?? "").toLowerCase(), value, end };
}

/** Braced, quoted, numeric or macro pieces joined by `#`. */
function readValue(text: string, from: number, macros: ReadonlyMap<string, string>) {
  let value = "";
  for (let at = skipSpace(text, from); ; at = skipSpace(text, at + 1)) {
    const c = text[at];
    if (c === "{") {
      const end = skipBraces(text, at + 1, "}");
      value += text.slice(at + 1, end - 1);
      at = end;
    } else if (c === '"') {
      const end = skipQuoted(text, at + 1);
      value += text.slice(at + 1, end - 1);
      at = end;
    } else {
      const word = /[^\s,{}"#=()]+/y;
      word.lastIndex = at;
      const m = word.exec(text);
      if (!m) throw new BibError("a value must be in braces or quotes, a number or a name", at);
      value += macros.get(m[0].toLowerCase()) ?? m[0];
      at = word.lastIndex;
    }
    at = skipSpace(text, at);
    if (text[at] !== "#") return { value, end: at };
  }
}

function skipSpace(text: string, at: number): number {
  let i = at;
  for (;;) {
    while (/\s/.test(text[i] ?? "")) i++;
    if (text[i] !== "%") return i;
    // Not BibTeX, but common: a line that is commented out between fields.
    const end = text.indexOf("\n", i);
    i = end < 0 ? text.length : end + 1;
  }
}

/** The place after the brace that closes what is open at `at`. */
function skipBraces(text: string, at: number, close: string): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text[i];
    if (c === "\\") i++;
    else if (depth === 0 && c === close) return i + 1;
    else if (c === "{") depth++;
    else if (c === "}") depth--;
    // A line that begins an entry, inside a value: the brace before it was never closed.
    else if (c === "\n" && /^[ \t]*@[a-z]+[ \t]*[{(][ \t]*[^\s,{}"=]+[ \t]*,/i.test(lineAfter(text, i)))
      throw new BibError("a brace is not closed", i);
  }
  throw new BibError("a brace is not closed", text.length);
}

function lineAfter(text: string, newline: number): string {
  const end = text.indexOf("\n", newline + 1);
  return text.slice(newline + 1, Math.min(end < 0 ? text.length : end, newline + 300));
}

function skipQuoted(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text[i];
    if (c === "\\") i++;
    else if (c === '"' && depth === 0) return i + 1;
    else if (c === "{") depth++;
    else if (c === "}") depth--;
    else if (c === "\n" && /^[ \t]*@[a-z]+[ \t]*[{(]/i.test(lineAfter(text, i)))
      throw new BibError("a quotation mark is not closed", i);
  }
  throw new BibError("a quotation mark is not closed", text.length);
}
