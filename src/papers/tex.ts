// TeX accents in names and titles to Unicode: `Schr\"odinger`, `Erd{\H{o}}s`, `{\L}ukasz`. Formulas between
// dollar signs stay as they are: the page typesets them.
import { accents, letters, shifted } from "./tex-letters.ts";

// `\'e`, `\'{e}`, `\' e`, `\v{s}`, `\v s`, `\'\i`, with any braces around them.
// Braces that are an argument, of `\emph` or of an accent, are no such braces.
const bracedAccent =
  /(?<!\\(?:[a-zA-Z]+|[`'^~"=.]))\{\s*(\\(?:[`'^~"=.]\s*|[uvHckrdb](?:\s+|(?=[{\\])))(?:\{\s*(?:\\[ij]|\p{L})\s*\}|\\[ij]|\p{L}))\s*\}/gu;
const accented =
  /\\(?:([`'^~"=.])\s*|([uvHckrdb])(?:\s+|(?=[{\\])))(?:\{\s*(\\[ij]|\p{L})?\s*\}|(\\[ij])(?:\{\}|\s+|(?![a-zA-Z]))|(\p{L}))/gu;
const names = Object.keys(letters)
  .sort((x, y) => y.length - x.length)
  .join("|");
const letter = new RegExp(String.raw`\\(${names})(?:\{\}|\s+|(?![a-zA-Z]))`, "g");
const bracedLetter = new RegExp(String.raw`(?<!\\[a-zA-Z]+)\{\s*(\\(?:${names}))\s*\}`, "g");
const shift = /\\text(sub|super)script\s*\{([^{}]*)\}/g;

/** TeX accents, letters and signs to Unicode, outside formulas; what is not understood stays. Idempotent. */
export function texToUnicode(text: string): string {
  // An accent may stand on an accented letter: `\'{\^e}`. Each round leaves fewer backslashes.
  for (let now = text; ; ) {
    if (!now.includes("\\")) return now;
    const next = outsideMath(now, spell);
    if (next === now) return now;
    now = next;
  }
}

function accent(
  whole: string,
  sign?: string,
  command?: string,
  braced?: string,
  dotless?: string,
  plain?: string,
): string {
  const base = (braced ?? dotless ?? plain ?? "").replace("\\", "");
  const mark = accents[sign ?? command ?? ""];
  return base === "" || mark === undefined ? whole : (base + mark).normalize("NFC");
}

function spell(part: string): string {
  return (
    part
      // Braces that only hold one accented letter go with it: `G{\"o}del`, and so do those within: `{\'{\i}}`.
      .replace(bracedAccent, (whole, inner: string) => {
        const spelled = inner.replace(accented, accent);
        return spelled.includes("\\") ? whole : spelled;
      })
      .replace(bracedLetter, "$1{}")
      .replace(accented, accent)
      .replace(
        shift,
        (_, place: string, inner: string) => shifted(inner, place === "sub" ? "sub" : "super") ?? inner,
      )
      .replace(letter, (whole, name) => letters[String(name)] ?? whole)
  );
}

/** Applies `change` to what lies outside `$…$`. An unpaired dollar sign is a dollar sign. */
export function outsideMath(text: string, change: (part: string) => string): string {
  return text
    .split(/(\$\$[^$]*\$\$|(?<!\\)\$[^$]*\$)/)
    .map((part, i) => (i % 2 === 0 ? change(part) : part))
    .join("");
}
