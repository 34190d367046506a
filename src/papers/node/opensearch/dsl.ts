// Queries in OpenSearch's own language. https://docs.opensearch.org/latest/query-dsl/
import type { CheckedFilter } from "../../ask.ts";
import { checkFilter } from "../../ask.ts";
import { type CategoryExpression, parseCategories } from "../../categories.ts";
import { identifierIn, normaliseId } from "../../identifier.ts";
import { k1, queryStems, variantWeight } from "../../bm25.ts";
import type { Sort } from "../../paper.ts";
import { askedKeys, hasInitials } from "../../names.ts";
import { type Condition, type ParsedQuery, requiredTerms, unfinishedWord } from "../../query.ts";
import { isPrefix, queryTerms, stem } from "../../tokens.ts";
import { keyOf, written } from "./mapping.ts";

/** A clause; the client's own types are far wider than what is used here. */
export type Clause = Readonly<Record<string, unknown>>;

/** Clauses that a filter stands for. */
export function filterClauses({ categories, from, to, venue, ids }: CheckedFilter): Clause[] {
  return [
    ...(categories ? [categoryClause(categories)] : []),
    ...(from !== undefined ? [{ range: { announced: { gte: from } } }] : []),
    // Papers without a day are empty texts, which come before every day.
    ...(to !== undefined ? [{ range: { announced: { lte: to, gt: "" } } }] : []),
    ...(venue !== undefined ? [{ term: { venue_key: { value: venue.toLowerCase() } } }] : []),
    ...(ids !== undefined ? [{ terms: { id: ids } }] : []),
  ];
}

function categoryClause({ plus, minus }: CategoryExpression): Clause {
  return {
    bool: {
      ...(plus.length > 0 && { filter: [{ terms: { categories: plus } }] }),
      ...(minus.length > 0 && { must_not: [{ terms: { categories: minus } }] }),
    },
  };
}

/** The query body of a parsed text under a filter. */
export function searchClause(text: string, query: ParsedQuery, filter: CheckedFilter): Clause {
  const required = query.conditions.filter(({ exclude }) => !exclude).map(conditionClause);
  const excluded = query.conditions.filter(({ exclude }) => exclude).map(conditionClause);
  for (const { expression, exclude } of query.categories) {
    const parsed = parseCategories(expression);
    if (parsed) (exclude ? excluded : required).push(categoryClause(parsed));
  }
  const facts = filterClauses(checkFilter("search", query.filter));
  const unfinished = unfinishedWord(text, query);
  const scored = [...rankingClauses(query), ...beginnings(unfinished)];
  const main = {
    bool: {
      filter: [...required, ...facts],
      must_not: excluded,
      ...(scored.length > 0 && { should: scored, minimum_should_match: 1 }),
    },
  };
  const id = identifierIn(text);
  // A text that is an identifier asks for that paper and no other.
  if (id !== undefined)
    return {
      bool: {
        filter: filterClauses(filter),
        should: [constant(term("id", id), 2), ...aliasClauses(id)],
        minimum_should_match: 1,
      },
    };
  if (scored.length === 0) return { bool: { filter: [...filterClauses(filter), main] } };
  return {
    bool: {
      filter: filterClauses(filter),
      // A pasted title counts even if it reads like a condition that leaves its own paper out.
      should: [main, ...boosts(text, query)],
      minimum_should_match: 1,
    },
  };
}

const term = (field: string, value: string): Clause => ({ term: { [field]: { value } } });

/** Papers that have a DOI besides their identifier, or an address. */
export function aliasClauses(text: string): Clause[] {
  const id = normaliseId(text);
  const address = addressIn(text);
  return [
    ...(id.startsWith("doi:") ? [constant(term("doi", keyOf(id.slice(4))), 1)] : []),
    ...(address === undefined ? [] : [constant(term("url", keyOf(address)), 1)]),
  ];
}

/** The address that a text is, as papers hold it. */
export function addressIn(text: string): string | undefined {
  const written = text.trim().slice(0, 2000);
  return /^https?:\/\//i.test(written) && URL.canParse(written) ? new URL(written).href : undefined;
}

/** Papers with words that begin as the one being typed, behind those with the word. */
function beginnings(word: string | undefined): Clause[] {
  return word === undefined || word.length < 3 ? [] : [{ prefix: { forms: { value: word, boost: 0.01 } } }];
}

/**
 * Ranking: a word's stem, the word as it is spelled, and what a paper gains for saying it at all, so that the form asked
 * for comes first; strictly so where a word is all that is asked.
 */
function rankingClauses(query: ParsedQuery): Clause[] {
  return queryStems(query.words, query.compounds, requiredTerms(query)).flatMap(
    ({ stem: root, forms, weight, prefix, gain }): Clause[] => {
      if (prefix) return [{ prefix: { stems: { value: root, boost: weight } } }];
      const share = (weight * (1 - variantWeight)) / forms.size;
      return [
        { term: { stems: { value: root, boost: weight * variantWeight } } },
        ...[...forms].flatMap((form) => [
          { term: { forms: { value: form, boost: share } } },
          { term: { said: { value: form, boost: weight * gain * (k1 + 1) } } },
        ]),
      ];
    },
  );
}

const constant = (filter: Clause, boost: number): Clause => ({ constant_score: { filter, boost } });

function boosts(text: string, { key, conditions }: ParsedQuery): Clause[] {
  const words = queryTerms(text.slice(0, 10_000));
  const phrase = words.length >= 2 && words.length <= 100 && conditions.length === 0;
  const one = text.trim();
  const named = /\s/.test(one) || one.length > 500 ? [] : [term("id", one), ...aliasClauses(one)];
  return [
    ...named.map((filter) => constant(filter, 2000)),
    ...(key !== "" ? [constant({ term: { title_key: { value: keyOf(key) } } }, 2000)] : []),
    ...(phrase ? [constant({ match_phrase: { title: { query: words.join(" ") } } }, 1000)] : []),
  ];
}

function conditionClause({ field, terms, exact }: Condition): Clause {
  const fields = field === "any" ? ["title", "abstract", "authors"] : [field];
  const [single = ""] = terms;
  const last = terms.at(-1) ?? "";
  // A single word in some form: stems are indexed for the whole paper, so within a field the field's forms decide.
  if (terms.length === 1 && !exact && !isPrefix(single) && field === "any")
    return { term: { stems: { value: stem(single) } } };
  if (field === "authors" && hasInitials(terms)) {
    const { exact, beginning } = askedKeys(terms);
    const should = [{ terms: { names: exact } }, { prefix: { names: { value: beginning } } }];
    return { bool: { should, minimum_should_match: 1 } };
  }
  const query = written(terms);
  const clauses = fields.map((name) =>
    isPrefix(last)
      ? { match_phrase_prefix: { [name]: { query, max_expansions: 10_000 } } }
      : { match_phrase: { [name]: { query } } },
  );
  return clauses.length === 1 ? (clauses[0] ?? {}) : { bool: { should: clauses, minimum_should_match: 1 } };
}

/** The sort of a search; identifiers decide among equals, so that pages have no gaps. */
export function sortClause(sort: Sort): Clause[] {
  if (sort === "relevance") return [{ _score: "desc" }, { id: "asc" }];
  if (sort === "announced") return [{ announced: "desc" }, { id: "asc" }];
  if (sort === "newest") return [{ announced: "desc" }, { id: "desc" }];
  return [{ stars: "desc" }, { announced: "desc" }, { id: "desc" }];
}
