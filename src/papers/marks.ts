// What to highlight. Positions, never HTML: whoever shows a text decides how, and nothing in it can be executed.
import type { Hit, Mark, Marked, Paper } from "./paper.ts";
import { type ParsedQuery, parseQuery } from "./query.ts";
import { eachCompound, eachTerm, isPrefix, queryTerms, stem } from "./tokens.ts";

/** What to look for in texts: stems, and characters that stand for all that begins with them. */
export interface Wanted {
  readonly stems: ReadonlySet<string>;
  readonly prefixes: readonly string[];
  /** How all of these begin: most words of a text are passed over by their first two letters. */
  readonly initials: ReadonlySet<string>;
}

/** What the words of plain texts ask to highlight: keywords, or lines of a filter. */
export function wantedIn(texts: readonly string[]): Wanted {
  return wantedTerms(texts.flatMap((text) => queryTerms(text)));
}

/** What a query asks to highlight: every word that scores. */
export function wantedBy(query: ParsedQuery | string): Wanted {
  const { words, compounds } = typeof query === "string" ? parseQuery(query) : query;
  return wantedTerms([...words, ...compounds]);
}

function wantedTerms(terms: readonly string[]): Wanted {
  return {
    stems: new Set(terms.filter((t) => !isPrefix(t)).map(stem)),
    prefixes: terms.filter(isPrefix).map(stem),
    // A stem keeps the first two letters of its word: Porter's rules change endings.
    initials: new Set(terms.flatMap((t) => [t.slice(0, 2), stem(t).slice(0, 2)])),
  };
}

/** A range and the stem it is there for. */
interface Found {
  readonly start: number;
  readonly end: number;
  readonly root: string;
}

function find(text: string, { stems, prefixes, initials }: Wanted): Found[] {
  const found: Found[] = [];
  if (stems.size + prefixes.length === 0) return found;
  const visit = (term: string, start: number, end: number) => {
    // Traditional and Simplified characters begin otherwise; there are few of them in a text of words.
    if (prefixes.length === 0 && term.charCodeAt(0) < 0x2e80 && !initials.has(term.slice(0, 2))) return;
    const root = stem(term);
    if (stems.has(root)) found.push({ start, end, root });
    else {
      const prefix = prefixes.find((p) => root.startsWith(p));
      if (prefix !== undefined) found.push({ start, end: start + prefix.length, root: prefix });
    }
  };
  eachTerm(text, visit);
  const parts = found.length;
  eachCompound(text, visit);
  return found.length > parts ? found.sort((x, y) => x.start - y.start || x.end - y.end) : found;
}

/** The ranges of `text` to highlight: ascending and disjoint; touching ranges are one. */
export function marksOf(text: string, wanted: Wanted): Mark[] {
  return join(find(text, wanted));
}

function join(found: readonly Found[]): Mark[] {
  const marks: [number, number][] = [];
  for (const { start, end } of found) {
    const last = marks.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else marks.push([start, end]);
  }
  return marks;
}

/** Length of a snippet in UTF-16 units, before it is widened to whole words. */
const width = 240;
/** How far into an abstract a snippet may lie. */
const depth = 20_000;

/** The part of a text, about 240 units, with most of what is wanted; its beginning if it has none of it. */
export function snippetOf(text: string, wanted: Wanted): Marked {
  const found = find(text.slice(0, depth), wanted);
  let start = 0;
  let most = 0;
  for (const [i, first] of found.entries()) {
    const within = new Set<string>();
    let count = 0;
    for (let j = i; j < found.length && (found[j]?.end ?? 0) <= first.start + width; j++) {
      within.add(found[j]?.root ?? "");
      count++;
    }
    // Different words weigh more than the same word again.
    if (within.size * 8 + Math.min(count, 7) > most) {
      most = within.size * 8 + Math.min(count, 7);
      start = first.start;
    }
  }
  const from = start < width / 4 ? 0 : wordStart(text, start - width / 6);
  const to = from + width >= text.length ? text.length : wordStart(text, from + width);
  const head = from > 0 ? "… " : "";
  const body = text.slice(from, to).trimEnd();
  const shift = head.length - from;
  const marks = join(found.filter((f) => f.start >= from && f.end <= from + body.length));
  return {
    text: head + body + (to < text.length ? " …" : ""),
    marks: marks.map(([a, b]) => [a + shift, b + shift] as const),
  };
}

/** The first place at or after `at` that follows a space; `at` itself where spaces are far. Splits no surrogate pair. */
function wordStart(text: string, at: number): number {
  const from = Math.max(0, Math.floor(at));
  const space = text.slice(from, from + 24).search(/\s/);
  if (space >= 0) return from + space + 1;
  const code = text.charCodeAt(from);
  return code >= 0xdc00 && code < 0xe000 ? from + 1 : from;
}

/** A hit: a paper with its score, and what a query asks to highlight in it. */
export function mark(paper: Paper, query: ParsedQuery | string, score: number): Hit {
  const wanted = wantedBy(query);
  return {
    ...paper,
    score,
    markedTitle: { text: paper.title, marks: marksOf(paper.title, wanted) },
    snippet: snippetOf(paper.abstract, wanted),
  };
}
