// `crossref` and `xdata`: what an entry has from another one. Lehman et al., biblatex, appendix B; BibTeX's own rule is
// the part of it that renames nothing.
import type { BibEntry, BibProblem } from "./bibtex-parse.ts";

/** Fields by key of the entries that others may refer to. */
export type Parents = ReadonlyMap<string, BibEntry>;

/** Fields that say what an entry is or how it is identified: no one has them from another. */
const own =
  /^(?:abstract|crossref|xref|xdata|doi|eprint|eprinttype|eprintclass|archiveprefix|arxivid|ids|keywords|label|paperid|primaryclass|sort.*|stars|url|urldate)$/;

const parts =
  /^(?:inproceedings|conference|incollection|inbook|bookinbook|suppbook|suppcollection|inreference)$/;

/** The entries that others refer to. */
export function parentsOf(found: readonly (BibEntry | BibProblem)[]): Parents {
  const wanted = new Set(found.flatMap((one) => ("key" in one ? targets(one) : [])));
  const parents = new Map<string, BibEntry>();
  if (wanted.size === 0) return parents;
  for (const one of found)
    if ("key" in one && wanted.has(one.key.toLowerCase())) parents.set(one.key.toLowerCase(), one);
  return parents;
}

/** Keys that an entry refers to, in lower case. */
export function targets({ fields }: BibEntry): string[] {
  return `${fields.get("crossref") ?? ""},${fields.get("xdata") ?? ""}`
    .split(",")
    .map((key) => key.trim().toLowerCase())
    .filter((key) => key !== "");
}

/** An entry with what it has from those it refers to, and they from theirs; its own fields count first. */
export function inherited(entry: BibEntry, parents: Parents, depth = 4): BibEntry {
  const fields = new Map(entry.fields);
  for (const key of targets(entry)) {
    const parent = parents.get(key);
    if (!parent || depth === 0) continue;
    const { fields: theirs } = inherited(parent, parents, depth - 1);
    for (const [name, value] of theirs) {
      if (own.test(name)) continue;
      const renamed = parts.test(entry.type) && parent.type !== "xdata" ? rename(name, theirs) : name;
      if (renamed !== undefined && !fields.has(renamed)) fields.set(renamed, value);
    }
    // A child with a year of its own takes no date, and the other way round.
    if (entry.fields.has("year")) fields.delete("date");
    if (entry.fields.has("date")) fields.delete("year");
  }
  return { ...entry, fields };
}

/** The title of the whole is the `booktitle` of a part; who wrote the whole did not write the part. */
function rename(name: string, theirs: ReadonlyMap<string, string>): string | undefined {
  if (name === "title") return theirs.has("booktitle") ? undefined : "booktitle";
  if (name === "subtitle" || name === "author" || name === "shorttitle") return undefined;
  return name;
}
