// Which records are one paper: those with one DOI or arXiv identifier, which are its `id`; and of records that only a
// bibliography's key names, those that agree in title, authors and year. Keys are no identifiers: `smith2020` is
// another paper in another file.
import type { Paper } from "./paper.ts";
import { fold, textKey } from "./tokens.ts";

/** Title, last words of the authors' names, and year, without regard to case, accents and punctuation. */
export function workKey({ title, authors, year }: Pick<Paper, "title" | "authors" | "year">): string {
  const names = authors.map((author) => fold(author.trim().split(/\s+/).at(-1) ?? ""));
  return [textKey(title), names.join(" "), String(year)].join("\n");
}

/** Whether a record is named by a key only. */
export function isKeyed({ id }: Paper): boolean {
  return id.startsWith("bib:");
}

/** A paper under a name of its own, for one whose key another has: `bib:key-1k3f9a`. The same paper gets the same. */
export function renamed(paper: Paper): Paper {
  let hash = 0x811c9dc5;
  for (const c of workKey(paper)) hash = Math.imul(hash ^ (c.codePointAt(0) ?? 0), 0x01000193);
  const mark = (hash >>> 0).toString(36);
  return { ...paper, id: paper.id === "bib:" ? `bib:${mark}` : `${paper.id}-${mark}` };
}

/** Whether title, authors and year are all there: less does not tell one work from another. */
function isTold({ title, authors, year }: Paper): boolean {
  return title !== "" && authors.length > 0 && year > 0;
}

/** Gives papers that come one after the other different identifiers unless they are one paper. */
export function createApart(): (paper: Paper) => Paper {
  const works = new Map<string, string>();
  const ids = new Map<string, string>();
  return (paper) => {
    const work = workKey(paper);
    const known = isTold(paper) ? ids.get(work) : undefined;
    if (!isKeyed(paper)) {
      if (isTold(paper) && known === undefined) ids.set(work, paper.id);
      return paper;
    }
    if (known !== undefined) return { ...paper, id: known };
    const first = works.get(paper.id);
    const own = paper.id === "bib:" || (first !== undefined && first !== work) ? renamed(paper) : paper;
    if (!works.has(own.id)) works.set(own.id, work);
    if (isTold(paper)) ids.set(work, own.id);
    return own;
  };
}

/** What of a store tells which papers it has. */
export interface Known {
  get(ids: readonly string[]): Promise<readonly Paper[]>;
  /** Papers with this title, up to case, accents and punctuation. */
  titled(title: string): Promise<readonly Paper[]>;
}

/**
 * The papers under the identifiers they have, or are to have, in a store: a keyed record of a paper that is there
 * becomes that paper's; one whose key there names another paper gets a name of its own.
 */
export async function identify(papers: readonly Paper[], store: Known): Promise<Paper[]> {
  const apart = createApart();
  const named: Paper[] = [];
  for (const paper of papers) {
    if (!isKeyed(paper)) {
      named.push(apart(paper));
      continue;
    }
    const work = workKey(paper);
    const alike = isTold(paper) ? await store.titled(paper.title) : [];
    const same = alike.find((one) => workKey(one) === work);
    const [holder] = same ? [] : await store.get([paper.id]);
    if (same) named.push({ ...paper, id: same.id });
    else named.push(apart(holder && workKey(holder) !== work ? renamed(paper) : paper));
  }
  return named;
}
