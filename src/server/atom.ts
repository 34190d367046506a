// Atom feeds (RFC 4287, https://www.rfc-editor.org/rfc/rfc4287) of papers, as text.
import type { Paper } from "../papers/paper.ts";

/** What a feed says about itself; addresses are absolute. */
export interface FeedHead {
  readonly title: string;
  /** Permanent name of the feed: an IRI. */
  readonly id: string;
  /** Where the feed is. */
  readonly self: string;
  /** The page that shows the same papers. */
  readonly page: string;
}

// XML 1.0 allows no other control characters, no lone surrogates, no U+FFFE and U+FFFF, not even as references.
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

const references: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as XML or HTML character data, also safe within quotes. */
export function escapeMarkup(text: string): string {
  return text
    .toWellFormed()
    .replace(forbidden, "\ufffd")
    .replace(/[&<>"']/g, (character) => references[character] ?? character);
}

/** One element with text. */
function element(name: string, text: string): string {
  return `<${name}>${escapeMarkup(text)}</${name}>`;
}

/** Midnight of the day a paper was announced; the epoch if unknown, for Atom requires a date. */
function updated(paper: Paper): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(paper.announced)) return `${paper.announced}T00:00:00Z`;
  return `${String(paper.year > 0 && paper.year < 10_000 ? paper.year : 1970).padStart(4, "0")}-01-01T00:00:00Z`;
}

/** Whether an address may stand in a link: absolute http or https. */
function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/**
 * One paper as an entry. Its permanent name is made of its identifier (RFC 4151): addresses are shared by several papers,
 * or change with the port of this server.
 */
function entry(paper: Paper, origin: string): string {
  const page = `${origin}/papers/${encodeURIComponent(paper.id.toWellFormed())}`;
  const link = isWebAddress(paper.url) ? new URL(paper.url).href : page;
  return [
    "  <entry>",
    `    ${element("id", `tag:localhost,2026:/papers/${encodeURIComponent(paper.id.toWellFormed())}`)}`,
    `    ${element("title", paper.title)}`,
    `    ${element("updated", updated(paper))}`,
    `    <link rel="alternate" type="text/html" href="${escapeMarkup(link)}"/>`,
    ...(paper.authors.length > 0 ? paper.authors : ["unknown"]).map(
      (name) => `    <author>${element("name", name)}</author>`,
    ),
    ...paper.categories.map((category) => `    <category term="${escapeMarkup(category)}"/>`),
    ...(paper.abstract === "" ? [] : [`    <summary type="text">${escapeMarkup(paper.abstract)}</summary>`]),
    "  </entry>",
  ].join("\n");
}

/**
 * A feed of papers. It depends on nothing but its arguments (no clock), so that equal lists give equal bytes
 * and a reader's conditional request is answered with 304.
 */
export function atomFeed(head: FeedHead, papers: readonly Paper[]): string {
  const origin = new URL(head.self).origin;
  const latest = papers.map(updated).reduce((a, b) => (a > b ? a : b), "1970-01-01T00:00:00Z");
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `  ${element("title", head.title)}`,
    `  ${element("id", head.id)}`,
    `  ${element("updated", latest)}`,
    `  <link rel="self" type="application/atom+xml" href="${escapeMarkup(head.self)}"/>`,
    `  <link rel="alternate" type="text/html" href="${escapeMarkup(head.page)}"/>`,
    "  <generator>Athanor</generator>",
    ...papers.map((paper) => entry(paper, origin)),
    "</feed>",
    "",
  ].join("\n");
}
