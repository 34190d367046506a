// Names of authors in a bibliography: BibTeX's three forms, biblatex's named parts.
import { plainTex } from "../tex-pieces.ts";

/** `Last, First and Last, Jr, First and {Institution} and family=Last, given=First` as names in reading order. */
export function splitNames(text: string): string[] {
  const names: string[] = [];
  for (const part of outsideBraces(text.replace(/\s+/g, " "), /\s+and\s+/gi)) {
    const name = nameOf(part.trim());
    if (name !== "" && !/^others$/i.test(part.trim())) names.push(name);
  }
  return names;
}

function nameOf(part: string): string {
  const pieces = outsideBraces(part, /\s*,\s*/g);
  const named = pieces.map((piece) => /^(family|given|prefix|suffix)(?:-i)?\s*=\s*(.*)$/i.exec(piece));
  if (named.length > 0 && named.every((m) => m !== null)) {
    const parts = new Map(named.map((m) => [(m[1] ?? "").toLowerCase(), (m[2] ?? "").replace(/^"|"$/g, "")]));
    const order = ["given", "prefix", "family", "suffix"].map((name) => parts.get(name) ?? "");
    return tidy(order.join(" "));
  }
  const [last = "", second, third] = pieces;
  const order = third === undefined ? [second, last] : [third, last, second];
  return tidy(order.filter((piece) => piece !== undefined).join(" "));
}

function tidy(name: string): string {
  return plainTex(name).replace(/\s+/g, " ").trim();
}

/** Splits where the separator stands outside braces. */
function outsideBraces(text: string, separator: RegExp): string[] {
  const parts: string[] = [];
  let start = 0;
  for (const match of text.matchAll(separator)) {
    const before = text.slice(start, match.index);
    if ((before.match(/\{/g)?.length ?? 0) !== (before.match(/\}/g)?.length ?? 0)) continue;
    parts.push(before);
    start = match.index + match[0].length;
  }
  return [...parts, text.slice(start)];
}
