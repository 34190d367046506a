// The page's one HTML file with what depends on the address put into its head: title, feed, and the metadata
// that reference managers such as Zotero read.
import type { Paper } from "../papers/paper.ts";
import { escapeMarkup } from "./atom.ts";

/** Where the built page has room for more head elements. */
export const headMarker = "<!--head-->";

/** What the head of one page says. */
export interface ShellHead {
  readonly title: string;
  /** Path of the feed with the same papers. */
  readonly feed?: string;
  /** The paper, if the page shows a single one. */
  readonly paper?: Paper;
}

function meta(name: string, content: string): string {
  return `<meta name="${name}" content="${escapeMarkup(content)}">`;
}

/** Highwire tags of one paper (https://scholar.google.com/intl/en/scholar/inclusion.html#indexing). */
function citation(paper: Paper): string[] {
  // The day of the list is the day of publication only if the year agrees: old papers are announced again.
  const recent = paper.announced.startsWith(String(paper.year)) && paper.announced !== "";
  const date = recent ? paper.announced.replaceAll("-", "/") : String(paper.year || "");
  return [
    meta("citation_title", paper.title),
    ...paper.authors.map((author) => meta("citation_author", author)),
    ...(date === "" ? [] : [meta("citation_date", date)]),
    ...(paper.abstract === "" ? [] : [meta("citation_abstract", paper.abstract)]),
    ...(/^https?:/i.test(paper.url) ? [meta("citation_public_url", paper.url)] : []),
    ...(paper.venue === "arXiv"
      ? [meta("citation_arxiv_id", paper.id)]
      : [meta("citation_conference_title", paper.venue)]),
  ];
}

/** The page's HTML for one address; every text is escaped. */
export function shell(template: string, head: ShellHead): string {
  const elements = [
    ...(head.feed === undefined
      ? []
      : [
          `<link rel="alternate" type="application/atom+xml" title="${escapeMarkup(head.title)}" href="${escapeMarkup(head.feed)}">`,
        ]),
    ...(head.paper === undefined ? [] : citation(head.paper)),
  ].join("\n    ");
  // Functions, because a replacement text would give `$&` in a paper's title a meaning.
  return template
    .replace(headMarker, () => elements)
    .replace(/<title>[^<]*<\/title>/, () => `<title>${escapeMarkup(`${head.title} · Athanor`)}</title>`);
}
