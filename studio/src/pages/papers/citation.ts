// What a reader takes along: BibTeX, a text for the clipboard, addresses.
import type { Paper } from "../../../../src/papers/paper.ts";
import { looksLikeArxivId } from "../../../../src/server/address.ts";
import { plainText, webAddress } from "./tex.ts";

/** Address of the paper's own page, or nothing if the record has none that may be followed. */
export function paperLink(paper: Paper): string | undefined {
  return (
    webAddress(paper.url) ?? (looksLikeArxivId(paper.id) ? `https://arxiv.org/abs/${paper.id}` : undefined)
  );
}

/** Address of the PDF, where it follows from the identifier. */
export function pdfLink(paper: Paper): string | undefined {
  if (looksLikeArxivId(paper.id)) return `https://arxiv.org/pdf/${paper.id}`;
  const link = webAddress(paper.url);
  return link?.endsWith(".pdf") ? link : undefined;
}

const small = new Set(["a", "an", "the", "on", "of", "for", "in", "to", "and", "with", "is", "are"]);

/** Letters and digits of a name in ASCII; CJK and other scripts fall away. */
function ascii(text: string): string {
  return text.normalize("NFKD").replace(/[^A-Za-z0-9]/g, "");
}

/** Key of an entry: family name, year, first word of the title that says something. */
export function citationKey(paper: Paper): string {
  const family = ascii(paper.authors[0]?.split(/\s+/).at(-1) ?? "").toLowerCase();
  const word = paper.title
    .split(/[^\p{L}\p{N}]+/u)
    .map((w) => ascii(w).toLowerCase())
    .find((w) => /^[a-z]./.test(w) && !small.has(w));
  const key = `${family}${paper.year || ""}${word ?? ""}`;
  return key === "" || /^\d+$/.test(key) ? `paper${ascii(paper.id)}` : key;
}

/** A value that BibTeX reads back: specials escaped outside formulas, braces balanced. */
function value(text: string): string {
  const parts = text.replace(/\s+/g, " ").split(/(\$[^$]+\$)/);
  const safe = parts.map((part, i) => (i % 2 === 1 ? part : part.replace(/(?<!\\)[&%#_]/g, "\\$&"))).join("");
  let depth = 0;
  for (const c of safe) {
    depth += c === "{" ? 1 : c === "}" ? -1 : 0;
    if (depth < 0) break;
  }
  return depth === 0 ? safe : safe.replace(/[{}]/g, "");
}

/** A paper as one BibTeX entry. */
export function bibtex(paper: Paper): string {
  const arxiv = looksLikeArxivId(paper.id);
  const published = paper.venue !== "" && paper.venue !== "arXiv";
  const fields: [string, string][] = [
    ["title", `{${value(paper.title)}}`],
    ["author", paper.authors.map(value).join(" and ")],
    ["year", paper.year > 0 ? String(paper.year) : ""],
    ["booktitle", published ? value(paper.venue) : ""],
    ["eprint", arxiv ? paper.id : ""],
    ["archivePrefix", arxiv ? "arXiv" : ""],
    ["primaryClass", arxiv ? (paper.categories[0] ?? "") : ""],
    ["url", paperLink(paper) ?? ""],
  ];
  const lines = fields.filter(([, text]) => text !== "").map(([name, text]) => `  ${name} = {${text}},`);
  return [`@${published ? "inproceedings" : "misc"}{${citationKey(paper)},`, ...lines, "}", ""].join("\n");
}

/** Title, authors, abstract and links, for the clipboard. */
export function clipboardText(paper: Paper): string {
  const links = [paperLink(paper), pdfLink(paper)].filter((link) => link !== undefined);
  return [plainText(paper.title), paper.authors.join(", "), plainText(paper.abstract), links.join("\n")]
    .filter((part) => part !== "")
    .join("\n\n");
}
