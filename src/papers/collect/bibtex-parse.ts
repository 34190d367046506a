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

/** Reads every entry of a BibTeX text; what cannot be read is reported and passed over. Never throws. */
export function parseBibtex(text: string): (BibEntry | BibProblem)[] {
  const macros = new Map(months.map((name, i) => [name, String(i + 1)]));
  const found: (BibEntry | BibProblem)[] = [];
  const lineAt = lineCounter(text);
  for (let at = text.indexOf("@"); at >= 0; ) {
    const start = at;
    try {
      const { entry, end } = readEntry(text, start, macros);
      if (entry) found.push({ line: lineAt(start), ...entry });
      at = text.indexOf("@", end);
    } catch (error) {
      found.push({ line: lineAt(start), message: error instanceof Error ? error.message : String(error) });
      at = nextStart(text, start + 1);
    }
  }
  return found;
}

/** After a mistake, reading goes on at the next line that begins with `@`. */
function nextStart(text: string, from: number): number {
  const next = /^[ \t]*@/m;
  const rest = text.slice(from);
  const newline = rest.indexOf("\n");
  if (newline < 0) return -1;
  const found = next.exec(rest.slice(newline + 1));
  return found ? from + newline + 1 + found.index + found[0].length - 1 : -1;
}

/** Line numbers of ascending positions, in one pass over the text. */
function lineCounter(text: string): (position: number) => number {
  let line = 1;
  let seen = 0;
  return (position) => {
    for (let i = text.indexOf("\n", seen); i >= 0 && i < position; i = text.indexOf("\n", i + 1)) {
      line++;
      seen = i + 1;
    }
    return line;
  };
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
  if (!key) throw new Error(`entry @${type} must begin with a key and a comma`);
  const fields = new Map<string, string>();
  let at = comma.lastIndex;
  if (key[2] !== ",") return { entry: { type, key: key[1] ?? "", fields }, end: at };
  for (;;) {
    at = skipSpace(text, at);
    if (text[at] === close) return { entry: { type, key: key[1] ?? "", fields }, end: at + 1 };
    if (at >= text.length) throw new Error(`entry ${key[1]} is not closed`);
    const { name, value, end } = readField(text, at, macros);
    if (!fields.has(name)) fields.set(name, value);
    at = skipSpace(text, end);
    if (text[at] === ",") at++;
    else if (text[at] !== close) throw new Error(`field ${name} of ${key[1]} must be followed by a comma`);
  }
}

function readField(text: string, at: number, macros: ReadonlyMap<string, string>) {
  const head = /\s*([^\s=,{}"#%'()]+)\s*=/y;
  head.lastIndex = at;
  const m = head.exec(text);
  if (!m) throw new Error(`a field must read name = value, got "${text.slice(at, at + 20).trim()}"`);
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
      if (!m) throw new Error("a value must be in braces or quotes, a number or a name");
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
    else if (c === "\n" && /^[ \t]*@[a-z]+[ \t]*[{(][^\n]*,[ \t\r]*$/im.test(lineAfter(text, i)))
      throw new Error("a brace is not closed");
  }
  throw new Error("a brace is not closed");
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
      throw new Error("a quotation mark is not closed");
  }
  throw new Error("a quotation mark is not closed");
}
