// Which terms stand where in a run of papers. Words are written down as numbers in reading order and sorted by term
// once, at the end: a list a term, grown word by word, touches the memory in as many places as there are words.
import { titleWeight } from "./bm25.ts";
import type { Paper } from "./paper.ts";
import { eachCompound, eachTerm, kept, terms } from "./tokens.ts";

/** The fields of a paper's text, in the order in which its places ascend. */
export const fieldNames = ["abstract", "title", "authors"] as const;
/** How much one occurrence counts, by field. */
export const fieldWeights: readonly number[] = [1, titleWeight, 1];

/** A place in a paper: `field << placeBits | position`, the position counting the terms of that field from 0. */
export const placeBits = 24;
const lastPosition = (1 << placeBits) - 1;

/** The occurrences of a run of papers, by term. */
export interface Occurrences {
  /** The terms, in order of first appearance. */
  readonly names: readonly string[];
  /** Those of term `t` are the entries `starts[t]` to `starts[t + 1] - 1` of the two lists below. */
  readonly starts: Uint32Array;
  /** Index of the paper, from 0, ascending within a term. */
  readonly papers: Uint32Array;
  /** Place in that paper, ascending within a paper. */
  readonly places: Uint32Array;
}

/** What `add` saw of a paper besides its occurrences. */
export interface Counted {
  readonly title: readonly string[];
  readonly abstractTerms: number;
}

/** Occurrences under construction. */
export interface OccurrenceLog {
  /** Writes down the next paper. */
  add(paper: Pick<Paper, "title" | "abstract" | "authors">): Counted;
  /** Everything written down, by term. */
  byTerm(): Occurrences;
}

/** Ends a field in the log. */
const fieldEnd = 0xffffffff;
/** One position that no term has: no phrase goes across, say from one author to the next. */
const gap = 0xfffffffe;

/** An empty log. */
export function createOccurrenceLog(): OccurrenceLog {
  const numbers = new Map<string, number>();
  let log = new Uint32Array(1 << 16);
  let size = 0;
  const write = (entry: number) => {
    if (size === log.length) {
      const larger = new Uint32Array(2 * size);
      larger.set(log);
      log = larger;
    }
    log[size++] = entry;
  };
  const visit = (term: string) => {
    let number = numbers.get(term);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(kept(term), number);
    }
    write(number);
  };
  /** Compounds stand after a field's text, where they part no phrase and are in none. They make no text longer. */
  const visitApart = (term: string) => {
    write(gap);
    visit(term);
  };
  return {
    add({ title, abstract, authors }) {
      const before = size;
      eachTerm(abstract, visit);
      const abstractTerms = size - before;
      eachCompound(abstract, visitApart);
      write(fieldEnd);
      const titleTerms = terms(title);
      for (const term of titleTerms) visit(term);
      eachCompound(title, visitApart);
      write(fieldEnd);
      for (const [i, author] of authors.entries()) {
        if (i > 0) write(gap);
        eachTerm(author, visit);
      }
      write(fieldEnd);
      return { title: titleTerms, abstractTerms };
    },
    byTerm: () => sort([...numbers.keys()], log.subarray(0, size)),
  };
}

/** A counting sort of the log by term; stable, so papers and places stay ascending. */
function sort(names: readonly string[], log: Uint32Array): Occurrences {
  const starts = new Uint32Array(names.length + 1);
  // Writing beyond a typed array does nothing, which is what the two marks above need here.
  for (const entry of log) starts[entry + 1] = (starts[entry + 1] ?? 0) + 1;
  for (let t = 0; t < names.length; t++) starts[t + 1] = (starts[t + 1] ?? 0) + (starts[t] ?? 0);
  const next = starts.slice();
  const papers = new Uint32Array(starts[names.length] ?? 0);
  const places = new Uint32Array(papers.length);
  let paper = 0;
  let field = 0;
  let position = 0;
  for (const entry of log) {
    if (entry === fieldEnd) {
      position = 0;
      if (++field === fieldNames.length) {
        field = 0;
        paper++;
      }
      continue;
    }
    if (entry !== gap) {
      const at = next[entry] ?? 0;
      next[entry] = at + 1;
      papers[at] = paper;
      places[at] = (field << placeBits) | position;
    }
    if (position < lastPosition) position++;
  }
  return { names, starts, papers, places };
}
