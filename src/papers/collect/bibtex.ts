// Papers from the entries of a bibliography, BibTeX's and biblatex's.
import { createApart } from "../identity.ts";
import { isArxivId, normaliseId } from "../identifier.ts";
import { normalisePaper } from "../normalise.ts";
import type { Paper } from "../paper.ts";
import { referenceFields } from "../reference.ts";
import { plainTex } from "../tex-pieces.ts";
import { inherited, parentsOf } from "./bibtex-inherit.ts";
import { splitNames } from "./bibtex-names.ts";
import { type BibEntry, type BibProblem, parseBibtex } from "./bibtex-parse.ts";
import type { Item } from "./item.ts";

/** The papers in a BibTeX text, and its entries that are none, by line. Two papers under one key are two. Never throws. */
export function readBibtex(text: string): Item[] {
  const found = parseBibtex(text);
  const parents = parentsOf(found);
  const apart = createApart();
  return found.map((one) => {
    const item = itemOf("message" in one ? one : inherited(one, parents));
    return "paper" in item ? { paper: apart(item.paper) } : item;
  });
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

/** Where a venue may stand; the first that is there counts. */
const venues = ["booktitle", "journal", "journaltitle", "venue", "eventtitle", "school", "institution"];

/** biblatex's names of fields that BibTeX calls otherwise. */
const otherNames: Readonly<Record<string, string>> = { number: "issue", address: "location" };

function paperOf({ type, key, fields }: BibEntry): Paper {
  const text = (name: string) =>
    plainTex(fields.get(name) ?? "")
      .replace(/\s+/g, " ")
      .trim();
  const venue = venues.map(text).find((name) => name !== "") ?? "";
  const doi = verbatim(fields.get("doi")).replace(/^(?:https?:\/\/(?:dx\.)?doi\.org\/|doi:\s*)/i, "");
  const id = identifier(fields, doi, key, text("paperid"));
  const arxivVenue = /^arxiv|^corr$/i.test(venue) || (venue === "" && isArxivId(id) && !bare(fields));
  const subtitle = text("subtitle");
  const date = verbatim(fields.get("date"));
  return normalisePaper({
    id,
    title: [text("title"), subtitle].filter((part) => part !== "").join(": "),
    authors: splitNames(fields.get("author") ?? fields.get("editor") ?? ""),
    abstract: text("abstract"),
    categories: verbatim(fields.get("primaryclass") ?? fields.get("eprintclass")),
    venue: arxivVenue ? "arXiv" : venue,
    year: verbatim(fields.get("year")) || date.slice(0, 4),
    announced: date,
    url: verbatim(fields.get("url")) || (doi === "" ? "" : `https://doi.org/${doi}`),
    stars: verbatim(fields.get("stars")),
    reference: reference(type, fields, text, {
      doi: id.startsWith("doi:") ? "" : doi,
      date,
      arxiv: arxivVenue,
    }),
  });
}

/** An export of a record that names no venue: an identifier of arXiv's, and nothing that says it is from there. */
function bare(fields: ReadonlyMap<string, string>): boolean {
  const has = (name: string) => (fields.get(name) ?? "") !== "";
  return has("eprint") && has("url") && !has("archiveprefix") && !has("eprinttype");
}

/** What else the entry says. A preprint's `misc` says nothing. */
function reference(
  type: string,
  fields: ReadonlyMap<string, string>,
  text: (name: string) => string,
  { doi, date, arxiv }: { doi: string; date: string; arxiv: boolean },
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of referenceFields) kept[name] = text(name) || text(otherNames[name] ?? "");
  kept["doi"] = doi;
  kept["month"] ||= /^\d{4}-(\d{2})$/.exec(date)?.[1] ?? "";
  if (kept["editor"] !== "" && fields.get("author") === undefined) kept["editor"] = "";
  const plain = arxiv ? type === "misc" || type === "online" : type === "misc";
  if (!plain) kept["type"] = type;
  return kept;
}

/** A value that is no text: an address, a number. Braces, `\url` and TeX's escapes go. */
function verbatim(value = ""): string {
  return value
    .replace(/\\(?:url|href)\s*(?=\{)/g, "")
    .replace(/\\textasciitilde\s*(?:\{\})?|\\~\s*(?:\{\})?|\{?\\sim\}?/g, "~")
    .replace(/\\([_%&#$~^-])/g, "$1")
    .replace(/[{}]/g, "")
    .trim();
}

/** The arXiv identifier, wherever it stands; else the DOI; else the key. */
function identifier(fields: ReadonlyMap<string, string>, doi: string, key: string, paperid: string): string {
  const raw = (name: string) => verbatim(fields.get(name));
  if (paperid !== "") return paperid; // written by `toBibtex` for identifiers of other kinds
  const fromJournal = /arxiv[:.\s]*(\d{4}\.\d{4,5}|[a-z-]+\/\d{7})/i.exec(
    `${raw("journal")} ${raw("journaltitle")} ${raw("note")} ${raw("howpublished")}`,
  )?.[1];
  const archive = raw("archiveprefix") || raw("eprinttype");
  const eprint = archive === "" || /^arxiv$/i.test(archive) ? raw("eprint") : "";
  for (const candidate of [eprint, raw("arxivid"), raw("url"), doi, fromJournal ?? ""]) {
    const id = normaliseId(candidate);
    if (isArxivId(id)) return id;
  }
  return doi === "" ? `bib:${key}` : `doi:${doi.toLowerCase()}`;
}
