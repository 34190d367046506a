// How papers lie in an OpenSearch index. Terms are made here, by the analyser of the other store, and the server
// splits at spaces only: so both stores agree on what a word is, and no analysis plugin is needed.
import { analyse, authorGap } from "../../analyse.ts";
import { b, k1, titleWeight } from "../../bm25.ts";
import { parentOf } from "../../categories.ts";
import { nameKeys } from "../../names.ts";
import type { Paper } from "../../paper.ts";
import { isPair, stem } from "../../tokens.ts";

const terms = { type: "text", analyzer: "terms", similarity: "papers" } as const;
const listed = { ...terms, position_increment_gap: 100 } as const;
const keyword = { type: "keyword" } as const;

/** Fields that an index made before them lacks; papers added before are found by them once they are added again. */
export const laterFields: Readonly<Record<"doi" | "url" | "names", typeof keyword>> = {
  doi: keyword,
  url: keyword,
  names: keyword,
};

/** The field `said` in an index made before it, whose similarities cannot be added to. */
export const laterSaid: typeof terms = terms;

/** Settings and mapping of an index in some shards. */
export const indexBody = (shards: number): Record<string, unknown> => ({
  settings: {
    index: {
      number_of_shards: shards,
      // `said`: without frequency and length BM25 is the idf alone.
      similarity: { papers: { type: "BM25", k1, b }, said: { type: "BM25", k1: 0, b: 0 } },
      analysis: { analyzer: { terms: { type: "custom", tokenizer: "whitespace" } } },
    },
  },
  mappings: {
    dynamic: "strict",
    properties: {
      id: keyword,
      title_key: keyword,
      // Ranking: stems and forms, those of the title repeated, so that one field is BM25F over two.
      stems: terms,
      forms: terms,
      // The forms once each.
      said: { ...terms, similarity: "said" },
      // Conditions: consecutive forms. Lists (of authors; of a text and its compounds) have gaps that no phrase crosses.
      title: listed,
      abstract: listed,
      authors: listed,
      // What an identifier or a name with initials is looked up by.
      ...laterFields,
      categories: keyword,
      own_categories: keyword,
      announced: keyword,
      venue_key: keyword,
      venue: keyword,
      stars: { type: "long" },
      // The paper itself, not indexed.
      paper: { type: "object", enabled: false },
    },
  },
});

/** What is indexed of a paper. */
export interface Document {
  readonly id: string;
  readonly title_key: string;
  readonly stems: string;
  readonly forms: string;
  readonly said: string;
  readonly title: readonly string[];
  readonly abstract: readonly string[];
  readonly authors: readonly string[];
  /** A DOI besides the identifier; empty if there is none. */
  readonly doi: string;
  readonly url: string;
  /** See `nameKeys`. */
  readonly names: readonly string[];
  readonly categories: readonly string[];
  readonly own_categories: readonly string[];
  readonly announced: string;
  readonly venue_key: string;
  readonly venue: string;
  readonly stars: number;
  readonly paper: Paper;
}

/** The document of a paper. */
export function toDocument(paper: Paper): Document {
  const { title, abstract, authors, titleCompounds, abstractCompounds } = analyse(paper);
  const heading = [...title, ...titleCompounds];
  const forms = [
    ...Array.from({ length: titleWeight }, () => heading).flat(),
    ...abstract,
    ...abstractCompounds,
    ...authors,
  ];
  const scored = forms.filter((term) => term !== authorGap);
  return {
    id: paper.id,
    title_key: keyOf(title.join(" ")),
    stems: scored.map(stem).join(" "),
    forms: scored.join(" "),
    said: [...new Set(scored)].join(" "),
    title: [written(title), ...titleCompounds],
    abstract: [written(abstract), ...abstractCompounds],
    authors: written(authors).split(` ${authorGap} `),
    doi: keyOf((paper.reference?.["doi"] ?? "").toLowerCase()),
    url: keyOf(paper.url),
    names: [...new Set(paper.authors.flatMap(nameKeys))].map(keyOf),
    categories: [...new Set(paper.categories.flatMap((c) => [c, parentOf(c) ?? c]))],
    own_categories: paper.categories,
    announced: paper.announced,
    venue_key: paper.venue.toLowerCase(),
    venue: paper.venue,
    stars: paper.stars,
    paper,
  };
}

/** Terms as conditions find them: as they stand, but Chinese in one kind of characters. */
export function written(terms: readonly string[]): string {
  return terms.map((term) => (isPair(term) ? stem(term) : term)).join(" ");
}

/** A text as a key, short enough for a keyword (32,766 bytes). */
export function keyOf(key: string): string {
  return key.slice(0, 500);
}
