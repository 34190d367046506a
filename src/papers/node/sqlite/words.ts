// Words of the collection by how they begin: what an unfinished word may become, what a misspelt one was meant to be.
import { type QueryTerm, queryStems } from "../../bm25.ts";
import { nearest, otherHeads, slipsAllowed } from "../../nearest.ts";
import { type ParsedQuery, requiredTerms } from "../../query.ts";
import { eachTerm, stem } from "../../tokens.ts";
import type { Database } from "./connection.ts";
import type { Lookup } from "./lookup.ts";

/** The part of a state of the file that tells its words. */
export interface Words {
  readonly papers: number;
  readonly segments: readonly number[];
  readonly lookup: Lookup;
}

/** Words that an unfinished one may become. */
const mostCompletions = 16;
/** A word in one of so many papers, or of its own beginnings' postings, stands for itself. */
const common = 50;
const rarer = 8;

/**
 * The terms of a query, its last word with those that begin with it if it is unfinished: `transfor` is unknown, and
 * `tran` far rarer than the words that begin so.
 */
export function completed(
  db: Database,
  at: Words,
  query: ParsedQuery,
  unfinished: string | undefined,
): QueryTerm[] {
  const terms = queryStems(query.words, query.compounds, requiredTerms(query));
  const last = terms.find((term) => unfinished !== undefined && term.forms.has(unfinished));
  if (unfinished === undefined || last === undefined) return terms;
  if (at.lookup(last).documents * common > at.papers) return terms;
  const sizes = beginning(db, at.segments, unfinished);
  const own = sizes.get(last.stem) ?? 0;
  sizes.delete(last.stem);
  const also = [...sizes].sort((a, b) => b[1] - a[1]).slice(0, mostCompletions);
  if (also.length === 0 || own * rarer > (also[0]?.[1] ?? 0)) return terms;
  return terms.map((term) => (term === last ? { ...term, also: also.map(([root]) => root) } : term));
}

/** Stems of the words that begin so, with the sizes of their postings, which are about as their frequencies. */
function beginning(db: Database, segments: readonly number[], word: string): Map<string, number> {
  const sizes = new Map<string, number>();
  // A stem keeps the first letters of its word.
  const head = word.slice(0, 3);
  for (const segment of segments)
    for (const { stem: root, size } of db.all(
      `SELECT stem, sum(length(data)) AS size FROM postings
       WHERE segment = ? AND stem >= ? AND stem < ? AND form >= ? AND form < ? GROUP BY stem`,
      segment,
      head,
      `${head}\u{10ffff}`,
      word,
      `${word}\u{10ffff}`,
    ))
      sizes.set(String(root), (sizes.get(String(root)) ?? 0) + Number(size));
  return sizes;
}

/** The text with each word that no paper has replaced by the nearest that some have; nothing if there is none. */
export function suggested(
  db: Database,
  at: Words,
  text: string,
  terms: readonly QueryTerm[],
  unfinished: string | undefined,
): string | undefined {
  const unknown = new Set<string>();
  for (const term of terms)
    if (!term.prefix && at.lookup(term).documents === 0) for (const form of term.forms) unknown.add(form);
  if (unknown.size === 0) return undefined;
  let better = "";
  let from = 0;
  eachTerm(text, (term, start, end) => {
    const typed = term === unfinished && end === text.length;
    const near =
      unknown.has(term) && /^[a-z]+$/.test(term) ? nearestTo(db, at.segments, term, typed) : undefined;
    if (near === undefined) return;
    better += text.slice(from, start) + near;
    from = end;
  });
  return from === 0 ? undefined : better + text.slice(from);
}

/** The known word that one was meant to be, or to become if it is still being typed. */
function nearestTo(
  db: Database,
  segments: readonly number[],
  word: string,
  typed: boolean,
): string | undefined {
  const most = slipsAllowed(word.length);
  if (most === 0) return undefined;
  const sizes = new Map<string, number>();
  for (const head of [word.slice(0, 1), ...otherHeads(word)])
    for (const segment of segments)
      for (const { form, size } of db.all(
        `SELECT form, length(data) AS size FROM postings
         WHERE segment = ? AND stem >= ? AND stem < ? AND length(form) BETWEEN ? AND ?`,
        segment,
        head,
        `${head}\u{10ffff}`,
        word.length - most,
        typed ? 64 : word.length + most,
      ))
        sizes.set(String(form), (sizes.get(String(form)) ?? 0) + Number(size));
  const near = nearest(word, sizes, typed);
  return near !== undefined && stem(near) !== stem(word) ? near : undefined;
}
