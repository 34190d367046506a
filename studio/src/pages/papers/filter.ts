// The filter within a list: terms to look for and terms to avoid, over title, authors and abstract.
import type { Paper } from "../../../../src/papers/paper.ts";

/** What to look for in the papers of a list. */
export interface ListFilter {
  /** One term a line. */
  readonly include: string;
  readonly exclude: string;
  /** Whether every included term must occur, rather than one. */
  readonly all: boolean;
  /** Whether papers that do not match are hidden, rather than only left unmarked. */
  readonly only: boolean;
}

/** A filter that lets everything through. */
export const noFilter: ListFilter = { include: "", exclude: "", all: false, only: false };

/** The terms of a text area: one a line, without surrounding space and repetitions. */
export function termsOf(text: string): string[] {
  return [
    ...new Set(
      text
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== ""),
    ),
  ];
}

/** Scripts written without spaces: a term may start anywhere. */
const unspaced = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** A term as a pattern: any case, any space between words; starts where a word starts (`art` is not in `smart`). */
function patternOf(term: string): string {
  const words = term.split(/\s+/).map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  const start = /^[\p{L}\p{N}]/u.test(term) && !unspaced.test(term) ? "(?<![\\p{L}\\p{N}])" : "";
  return start + words.join("\\s+");
}

/** An expression that finds any of some terms, or nothing if there are none. */
export function termPattern(terms: readonly string[]): RegExp | undefined {
  if (terms.length === 0) return undefined;
  // Longest first, so that `language model` is marked whole beside `language`.
  const longestFirst = [...terms].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(patternOf).join("|"), "giu");
}

/** Where a pattern occurs: ascending, disjoint ranges. */
export function findMarks(text: string, pattern: RegExp | undefined): [number, number][] {
  if (pattern === undefined) return [];
  return [...text.matchAll(pattern)].filter((m) => m[0] !== "").map((m) => [m.index, m.index + m[0].length]);
}

/** Joins two lists of ranges into one that is ascending and disjoint. */
export function mergeMarks(
  a: readonly (readonly [number, number])[],
  b: readonly (readonly [number, number])[],
): [number, number][] {
  const merged: [number, number][] = [];
  for (const [start, end] of [...a, ...b].sort((x, y) => x[0] - y[0])) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** Characters of an abstract that its short form shows for certain. */
const shortForm = 330;

/**
 * Where the short form of a text begins so that it shows the first mark: at the start, or at the sentence of a
 * mark further down.
 */
export function shortStart(text: string, marks: readonly (readonly [number, number])[]): number {
  const first = marks[0]?.[0] ?? 0;
  if (first < shortForm) return 0;
  const sentence = text.lastIndexOf(". ", first);
  if (sentence > first - shortForm) return sentence + 2;
  return text.lastIndexOf(" ", first - 80) + 1;
}

/** A filter made ready for many papers. */
export interface Matcher {
  /** Marks included terms; `undefined` if there are none. */
  readonly pattern: RegExp | undefined;
  /** Whether anything is asked at all. */
  readonly active: boolean;
  matches(paper: Paper): boolean;
}

/** Prepares a filter. */
export function matcherOf(filter: ListFilter): Matcher {
  const include = termsOf(filter.include);
  const exclude = termsOf(filter.exclude);
  const wanted = include.map((term) => new RegExp(patternOf(term), "iu"));
  const avoided = exclude.map((term) => new RegExp(patternOf(term), "iu"));
  return {
    pattern: termPattern(include),
    active: include.length + exclude.length > 0,
    matches(paper) {
      const text = `${paper.title}\n${paper.authors.join(", ")}\n${paper.abstract}`;
      if (avoided.some((term) => term.test(text))) return false;
      if (wanted.length === 0) return true;
      return filter.all ? wanted.every((term) => term.test(text)) : wanted.some((term) => term.test(text));
    },
  };
}
