// TeX accents in names and titles to Unicode: `Schr\"odinger`, `Erd{\H{o}}s`, `{\L}ukasz`. Formulas between
// dollar signs stay as they are: the page typesets them.

/** Combining characters by accent command. */
const accents: Readonly<Record<string, string>> = {
  "`": "\u0300",
  "'": "\u0301",
  "^": "\u0302",
  "~": "\u0303",
  '"': "\u0308",
  "=": "\u0304",
  ".": "\u0307",
  u: "\u0306",
  v: "\u030c",
  H: "\u030b",
  c: "\u0327",
  k: "\u0328",
  r: "\u030a",
  d: "\u0323",
  b: "\u0331",
};

const letters: Readonly<Record<string, string>> = {
  ss: "ß",
  o: "ø",
  O: "Ø",
  l: "ł",
  L: "Ł",
  ae: "æ",
  AE: "Æ",
  oe: "œ",
  OE: "Œ",
  aa: "å",
  AA: "Å",
  i: "ı",
  j: "ȷ",
  dh: "ð",
  DH: "Ð",
  th: "þ",
  TH: "Þ",
  dj: "đ",
  DJ: "Đ",
  ng: "ŋ",
  NG: "Ŋ",
};

// `\'e`, `\'{e}`, `\' e`, `\v{s}`, `\v s`, `\'\i`, with any braces around them.
const accented =
  /\\(?:([`'^~"=.])\s*|([uvHckrdb])(?:\s+|(?=\{)))(?:\{\s*(\\[ij]|\p{L})?\s*\}|(\\[ij])(?:\{\}|\s+|(?![a-zA-Z]))|(\p{L}))/gu;
const letter = /\\(ss|ae|AE|oe|OE|aa|AA|dh|DH|th|TH|dj|DJ|ng|NG|[oOlLij])(?:\{\}|\s+|(?![a-zA-Z]))/g;

/** TeX accents and special letters to Unicode, outside formulas; what is not understood stays. Idempotent. */
export function texToUnicode(text: string): string {
  if (!text.includes("\\")) return text;
  return outsideMath(text, (part) =>
    part
      // Braces that only hold one accented letter go with it: `G{\"o}del`.
      .replace(
        /\{(\\(?:[`'^~"=.]\s*|[uvHckrdb](?:\s+|(?=\{)))(?:\{\s*(?:\\[ij]|\p{L})\s*\}|\\[ij]|\p{L}))\s*\}/gu,
        "$1",
      )
      .replace(/\{(\\(?:ss|ae|AE|oe|OE|aa|AA|dh|DH|th|TH|dj|DJ|ng|NG|[oOlLij]))\s*\}/g, "$1{}")
      .replace(accented, (whole, sign, command, braced, dotless, plain) => {
        const base = String(braced ?? dotless ?? plain ?? "").replace("\\", "");
        const mark = accents[String(sign ?? command)];
        return base === "" || mark === undefined ? whole : (base + mark).normalize("NFC");
      })
      .replace(letter, (whole, name) => letters[String(name)] ?? whole),
  );
}

/** Applies `change` to what lies outside `$…$`. An unpaired dollar sign is a dollar sign. */
function outsideMath(text: string, change: (part: string) => string): string {
  return text
    .split(/(\$\$[^$]*\$\$|(?<!\\)\$[^$]*\$)/)
    .map((part, i) => (i % 2 === 0 ? change(part) : part))
    .join("");
}

/** As `texToUnicode`, and without the grouping braces, commands and escapes of a bibliography. */
export function plainTex(text: string): string {
  return outsideMath(texToUnicode(text), (part) =>
    part
      .replace(/\\(?:emph|textit|textbf|texttt|textsc|textrm|textsf|mbox|url|text)\s*\{([^{}]*)\}/g, "$1")
      .replace(/\\([&%$#_{}])/g, (_, c: string) => (c === "{" ? "\u0001" : c === "}" ? "\u0002" : c))
      .replace(/[{}]/g, "")
      .replaceAll("\u0001", "{")
      .replaceAll("\u0002", "}")
      .replace(/(?<!-)---(?!-)/g, "—")
      .replace(/(?<!-)--(?!-)/g, "–")
      .replace(/(?<!\\)~/g, " ")
      .replace(/``|''/g, '"'),
  );
}
