// Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond", in Lucene's form of idf.
// https://doi.org/10.1561/1500000019
//
//   score(d) = Σ_t n_t · idf(t) · (k1 + 1) · (f / (f + k1 · (1 − b + b · |d| / avg)) + s_t)
//   idf(t)   = ln(1 + (N − df + ½) / (df + ½))
//   f        = Σ_forms w · (titleWeight · count in title + count in abstract + count in authors)
//
// t runs over the distinct stems of the query, n_t is how often the query has it (compounds, `compoundWeight`); w is 1
// for a form the query spells and `variantWeight` for other words of the same stem; s_t is what a paper gains for
// saying t as the query spells it, 1/n² of a query of n stems, and 0 for a paper that has other forms only. The
// quotient is below 1, so a sole word puts every paper that says it before all that say others of its stem, however
// often. df counts papers with any form; |d| is `lengthOf`. The in-memory scorer and the SQLite store share this file:
// they differ only in where the postings come from.
import { isPrefix, stem } from "./tokens.ts";

export const k1 = 1.2;
export const b = 0.75;
/** How many words of an abstract one word of a title is worth. */
export const titleWeight = 5;
/** Weight of a word that shares only its stem with the query. */
export const variantWeight = 0.8;
/**
 * What a paper gains for saying one of `n` words as the query spells it, in full terms: `1/n²`. The fewer words are
 * asked, the more each is meant. Cranfield's nDCG@10 is 0.385 without, 0.386 so, and 0.384 and 0.382 with the powers
 * 1.5 and 1.
 */
export function spelledGain(n: number): number {
  return 1 / n ** 2;
}
/**
 * Weight of a hyphenated word of the query as one word. Its parts score too, and where a text has the hyphen all
 * three are found: at full weight hyphens would decide the ranking.
 */
export const compoundWeight = 0.4;

/**
 * Length of a paper for BM25: its terms, weighted as their frequencies are, so that a record of a title alone
 * is no short paper. Authors do not count: a thousand of them make no paper verbose.
 */
export function lengthOf(titleTerms: number, abstractTerms: number): number {
  return titleWeight * titleTerms + abstractTerms;
}

/** `ln(1 + (N − df + ½) / (df + ½))`, positive for every df from 0 to N. */
export function idf(papers: number, df: number): number {
  return Math.log(1 + (papers - df + 0.5) / (df + 0.5));
}

/** What a query asks of one stem. */
export interface QueryTerm {
  readonly stem: string;
  /** Forms as the query spells them. */
  readonly forms: ReadonlySet<string>;
  /** How often the query has the stem; less for compounds. */
  readonly weight: number;
  /** Whether every term that begins with `stem` is meant: a single Chinese, Japanese or Korean character. */
  readonly prefix: boolean;
  /** What a paper gains for a form as the query spells it, in full terms. */
  readonly gain: number;
  /** Stems of the words that an unfinished one may become. */
  readonly also?: readonly string[];
}

/**
 * The terms of a query by stem, in order of first appearance; those of `compounds` weigh `compoundWeight`. Words that
 * every paper found must have (`required`) do not keep another from being the sole one.
 */
export function queryStems(
  words: readonly string[],
  compounds: readonly string[] = [],
  required: readonly string[] = [],
): QueryTerm[] {
  const byStem = new Map<string, { stem: string; forms: Set<string>; weight: number; prefix: boolean }>();
  const add = (word: string, weight: number) => {
    const root = stem(word);
    const known = byStem.get(root);
    if (known) {
      known.forms.add(word);
      known.weight += weight;
    } else byStem.set(root, { stem: root, forms: new Set([word]), weight, prefix: isPrefix(word) });
  };
  for (const word of words) add(word, 1);
  for (const word of compounds) add(word, compoundWeight);
  const settled = new Set(required.map(stem));
  const open = [...byStem.keys()].filter((root) => !settled.has(root)).length;
  const gain = spelledGain(Math.max(1, open));
  return [...byStem.values()].map((term) => ({ ...term, gain }));
}

/** Weight of a word that an unfinished one may become. */
export const completionWeight = 0.5;

/** Whether the query spells a term so. A single Chinese, Japanese or Korean character is no word by itself. */
export function isSpelled(term: QueryTerm, form: string): boolean {
  return !term.prefix && term.forms.has(form);
}

/** How much one occurrence of `form` counts for a query term. */
export function formWeight(term: QueryTerm, form: string): number {
  if (term.prefix || term.forms.has(form)) return 1;
  return term.also && stem(form) !== term.stem ? completionWeight : variantWeight;
}

/** Scores under construction: one slot a paper, and a list of the slots that are in use. */
export interface Accumulator {
  /** Score by slot; 0 where no term was found. */
  readonly scores: Float64Array;
  /** The slots with a score, unordered, each once: the first `found` entries. */
  readonly slots: Uint32Array;
  found: number;
  /** Weighted frequencies of the term under work, 0 elsewhere. */
  readonly frequencies: Float64Array;
  readonly termSlots: Uint32Array;
  termFound: number;
  /** How many of `termSlots` have the term as the query spells it: the first ones. */
  termSpelled: number;
}

/** An accumulator for slots below `size`. Reusable: call `clear` after reading it. */
export function createAccumulator(size: number): Accumulator {
  return {
    scores: new Float64Array(size),
    slots: new Uint32Array(size),
    found: 0,
    frequencies: new Float64Array(size),
    termSlots: new Uint32Array(size),
    termFound: 0,
    termSpelled: 0,
  };
}

/** Adds one posting of the term under work, those of forms as spelled first. `frequency` must be positive. */
export function addPosting(acc: Accumulator, slot: number, frequency: number): void {
  const before = acc.frequencies[slot];
  if (before === undefined) return; // beyond the accumulator: not part of this answer
  if (before === 0) acc.termSlots[acc.termFound++] = slot;
  acc.frequencies[slot] = before + frequency;
}

/** Says that the postings of the term's forms as spelled are all added; those of other forms may follow. */
export function endSpelled(acc: Accumulator): void {
  acc.termSpelled = acc.termFound;
}

/** Slopes of the length normalisation, `k1 · (1 − b + b · length / avg)`, by slot. */
export function lengthNorms(lengths: ArrayLike<number>, average: number): Float64Array {
  const norms = new Float64Array(lengths.length);
  const slope = (k1 * b) / Math.max(average, 1e-9);
  for (let i = 0; i < norms.length; i++) norms[i] = k1 * (1 - b) + slope * (lengths[i] ?? 0);
  return norms;
}

/** What of a term's score does not depend on the paper: `n · idf · (k1 + 1)`; `df` papers of `papers` have it. */
export function termFactor(papers: number, df: number, weight: number): number {
  return weight * idf(papers, df) * (k1 + 1);
}

/** Ends the term under work: turns its frequencies into scores. `gain` is `QueryTerm.gain`. */
export function endTerm(acc: Accumulator, norms: Float64Array, factor: number, gain: number): void {
  for (let i = 0; i < acc.termFound; i++) {
    const slot = acc.termSlots[i] ?? 0;
    const f = acc.frequencies[slot] ?? 0;
    const score = acc.scores[slot] ?? 0;
    acc.frequencies[slot] = 0;
    if (score === 0) acc.slots[acc.found++] = slot;
    acc.scores[slot] = score + factor * (f / (f + (norms[slot] ?? 0)) + (i < acc.termSpelled ? gain : 0));
  }
  acc.termFound = 0;
  acc.termSpelled = 0;
}

/** Makes an accumulator as new, in time proportional to what was found. */
export function clear(acc: Accumulator): void {
  for (let i = 0; i < acc.found; i++) acc.scores[acc.slots[i] ?? 0] = 0;
  acc.found = 0;
}
