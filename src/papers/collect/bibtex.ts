// Papers from BibTeX, and BibTeX from papers.
import { isArxivId, normaliseId } from "../identifier.ts";
import { normalisePaper } from "../normalise.ts";
import type { Paper } from "../paper.ts";
import { plainTex } from "../tex.ts";
import { type BibEntry, type BibProblem, parseBibtex } from "./bibtex-parse.ts";
import type { Item } from "./item.ts";

/** The papers in a BibTeX text, and its entries that are none, by line. Never throws. */
export function readBibtex(text: string): Item[] {
  return parseBibtex(text).map(itemOf);
}

/** The paper of an entry, or what is wrong with it. */
export function itemOf(found: BibEntry | BibProblem): Item {
  if ("message" in found) return { problem: found };
  try {
    return { paper: paperOf(found) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { problem: { line: found.line, message: `entry ${found.key}: ${message}` } };
  }
}

function paperOf({ key, fields }: BibEntry): Paper {
  const text = (name: string) =>
    plainTex(fields.get(name) ?? "")
      .replace(/\s+/g, " ")
      .trim();
  const raw = (name: string) => (fields.get(name) ?? "").replace(/[{}]/g, "").trim();
  const venue = text("booktitle") || text("journal") || text("venue");
  const doi = raw("doi").replace(/^https?:\/\/(dx\.)?doi\.org\//i, "");
  const id = identifier(raw, doi, key);
  const arxivVenue = /^arxiv|^corr$/i.test(venue) || (venue === "" && isArxivId(id));
  return normalisePaper({
    id,
    title: text("title"),
    authors: splitAuthors(fields.get("author") ?? fields.get("editor") ?? ""),
    abstract: text("abstract"),
    categories: raw("primaryclass"),
    venue: arxivVenue ? "arXiv" : venue,
    year: raw("year") || raw("date").slice(0, 4),
    announced: raw("date"),
    url: raw("url") || (doi === "" ? "" : `https://doi.org/${doi}`),
  });
}

/** The arXiv identifier, wherever it stands; else the DOI; else the key. */
function identifier(raw: (name: string) => string, doi: string, key: string): string {
  const fromJournal = /arxiv[:.\s]*(\d{4}\.\d{4,5}|[a-z-]+\/\d{7})/i.exec(
    `${raw("journal")} ${raw("note")}`,
  )?.[1];
  if (raw("paperid") !== "") return raw("paperid"); // written by `toBibtex` for identifiers of other kinds
  for (const candidate of [raw("eprint"), raw("arxivid"), raw("url"), doi, fromJournal ?? ""]) {
    const id = normaliseId(candidate);
    if (isArxivId(id)) return id;
  }
  return doi === "" ? `bib:${key}` : `doi:${doi.toLowerCase()}`;
}

/** `Last, First and Last, Jr, First and {Institution}` as names in reading order. */
function splitAuthors(text: string): string[] {
  const names: string[] = [];
  for (const part of outsideBraces(text.replace(/\s+/g, " "), /\s+and\s+/gi)) {
    const [last = "", second, third] = outsideBraces(part, /\s*,\s*/g);
    const order = third === undefined ? [second, last] : [third, last, second];
    const name = plainTex(order.filter((piece) => piece !== undefined).join(" ")).trim();
    if (name !== "" && name.toLowerCase() !== "others") names.push(name);
  }
  return names;
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

/** A paper as a BibTeX entry. Reading it back gives the same paper but for stars. */
export function toBibtex(paper: Paper): string {
  const arxiv = isArxivId(paper.id);
  const venue = paper.venue.toLowerCase() === "arxiv" ? "" : paper.venue;
  const doi = paper.id.startsWith("doi:") ? paper.id.slice(4) : "";
  const fields: [string, string][] = [
    ["title", `{${escapeTex(paper.title)}}`],
    [
      "author",
      paper.authors
        .map((name) => (/\sand\s|,/i.test(name) ? `{${escapeTex(name)}}` : escapeTex(name)))
        .join(" and "),
    ],
    ["year", paper.year > 0 ? String(paper.year) : ""],
    [venue === "" ? "journal" : "booktitle", venue === "" && arxiv ? "" : escapeTex(venue)],
    ["eprint", arxiv ? paper.id : ""],
    ["archiveprefix", arxiv ? "arXiv" : ""],
    ["primaryclass", paper.categories.join(" ")],
    ["doi", doi],
    ["paperid", arxiv || /^(doi|bib):/.test(paper.id) ? "" : paper.id],
    ["date", paper.announced],
    ["url", paper.url.replace(/[{}]/g, encodeURIComponent)],
    ["abstract", escapeTex(paper.abstract)],
  ];
  const lines = fields
    .filter(([, value]) => value !== "" && value !== "{}")
    .map(([name, value]) => `  ${name} = {${value}}`);
  return `@${venue === "" ? "misc" : "inproceedings"}{${citationKey(paper)},\n${lines.join(",\n")}\n}\n`;
}

/** Escapes what TeX would read as a command, outside formulas; braces must pair. */
function escapeTex(text: string): string {
  return text
    .split(/(\$[^$]*\$)/)
    .map((part, i) => (i % 2 === 1 && paired(part) ? part : part.replace(/(?<!\\)[&%#_{}]/g, "\\$&")))
    .join("");
}

function paired(text: string): boolean {
  return (text.match(/\{/g)?.length ?? 0) === (text.match(/\}/g)?.length ?? 0);
}

/** `key` of a `bib:` paper; else first author's last name, year and first long word of the title. */
function citationKey({ id, authors, year, title }: Paper): string {
  if (id.startsWith("bib:")) return id.slice(4).replace(/[\s,{}"=%#\\]/g, "") || "paper";
  const last = plain(authors[0]?.split(" ").at(-1) ?? "");
  const word =
    title
      .split(/\s+/)
      .map(plain)
      .find((w) => w.length > 3) ?? plain(title);
  return `${last}${year > 0 ? year : ""}${word}` || plain(id) || "paper";
}

function plain(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[^a-z0-9]/gi, "")
    .toLowerCase();
}
