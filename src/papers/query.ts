// What a person typed, made into plain data. Every text is a query: whatever does not read as a condition is
// words. There is no AND, OR or NOT: those are words too, so that a title can be pasted as it stands.
import { parseCategories } from "./categories.ts";
import type { Filter } from "./paper.ts";
import { nameInOrder } from "./names.ts";
import { isStopWord } from "./stopwords.ts";
import { compounds, queryTerms, textKey } from "./tokens.ts";

/** Where a condition looks. */
export type Field = "any" | "title" | "abstract" | "authors";

/** A requirement on the text of a paper. */
export interface Condition {
  readonly field: Field;
  /** Consecutive terms, unstemmed. */
  readonly terms: readonly string[];
  /** Whether the words must stand as written; otherwise other forms of a single word count too. */
  readonly exact: boolean;
  /** Whether papers that satisfy it are left out. */
  readonly exclude: boolean;
}

/** A query text as data. */
export interface ParsedQuery {
  /** Terms that score, in order, repeated if repeated: the bare words and the words of positive conditions. */
  readonly words: readonly string[];
  /** Hyphenated bare words written as one, which score a little: their parts are among `words` already. */
  readonly compounds: readonly string[];
  readonly conditions: readonly Condition[];
  /** Category expressions to be in or, with `exclude`, not to be in. */
  readonly categories: readonly { readonly expression: string; readonly exclude: boolean }[];
  readonly filter: Filter;
  /** `textKey` of the whole text, to recognise a pasted title. */
  readonly key: string;
}

/** Longer queries are cut here (UTF-16 units): more than any abstract that is pasted whole. */
const longestQuery = 10_000;
/** Terms beyond these add nothing to a ranking but time. */
const mostTerms = 256;
const mostConditions = 32;

const fields: ReadonlyMap<string, Field> = new Map([
  ["title", "title"],
  ["ti", "title"],
  ["abstract", "abstract"],
  ["abs", "abstract"],
  ["author", "authors"],
  ["authors", "authors"],
  ["au", "authors"],
]);

// sign, name of a field, then a quoted text (closed or not) or a run without space.
const piece = /([+-](?=["“a-z\p{L}]))?(?:([a-z]+):(?=[^\s:]))?(?:["“”]([^"“”]*)["“”]?|([^\s"“”]+))/giu;

/**
 * Reads a query:
 * - `word`: scores; papers with any of the words are found, those with more and rarer ones come first;
 * - `"some words"`: required, consecutive and as written; `+word`: required in some form; `-word`, `-"…"`: excluded;
 * - `title:`, `abstract:`, `author:` (`ti:`, `abs:`, `au:`) before a word or a quotation: required there;
 * - `cat:cs.AI+cs.LG-cs.CY`, `-cat:cs.CV`, `venue:"…"`, `id:…`, `from:2026-01-01`, `to:…`, `date:…`.
 *
 * Function words do not score where other words do. Never throws.
 */
export function parseQuery(text: string): ParsedQuery {
  const cut = text.slice(0, longestQuery);
  const bare: string[] = [];
  const scored: string[] = [];
  const joined: string[] = [];
  const conditions: Condition[] = [];
  const categories: { expression: string; exclude: boolean }[] = [];
  let filter: Filter = {};
  for (const [whole, sign, name, quoted, run] of cut.matchAll(piece)) {
    const value = quoted ?? run ?? "";
    const exclude = sign === "-";
    const key = name?.toLowerCase();
    const field = key === undefined ? undefined : fields.get(key);
    if (key === "cat" || key === "category") {
      if (parseCategories(value)) {
        categories.push({ expression: value, exclude });
        continue;
      }
    } else if (key !== undefined && field === undefined && !exclude) {
      const narrowed = narrow(filter, key, value);
      if (narrowed) {
        filter = narrowed;
        continue;
      }
    }
    const required = sign !== undefined || field !== undefined || quoted !== undefined;
    const known = key === undefined || field !== undefined;
    const found = queryTerms(known ? value : whole);
    if (found.length === 0) continue;
    if (!required || !known) {
      bare.push(...found);
      joined.push(...compounds(whole));
    } else if (conditions.length < mostConditions) {
      const exact = quoted !== undefined || found.length > 1;
      const named = field === "authors" ? queryTerms(nameInOrder(value)) : found;
      conditions.push({ field: field ?? "any", terms: named.slice(0, mostTerms), exact, exclude });
      if (!exclude) scored.push(...found);
    }
  }
  const all = [...bare, ...scored];
  const telling = all.filter((term) => !isStopWord(term));
  const words = (telling.length > 0 ? telling : all).slice(0, mostTerms);
  return { words, compounds: joined.slice(0, mostTerms), conditions, categories, filter, key: textKey(cut) };
}

/** Terms that every paper found must have somewhere. */
export function requiredTerms({ conditions }: ParsedQuery): string[] {
  return conditions.filter(({ exclude }) => !exclude).flatMap(({ terms }) => terms);
}

/** The last word of a text that is still being typed: letters of a bare word, with nothing behind them. */
export function unfinishedWord(text: string, { words }: ParsedQuery): string | undefined {
  const run = /(?:^|\s)(?:[\p{L}\p{N}]+-)*([a-z]{2,})$/iu.exec(text.slice(-200))?.[1]?.toLowerCase();
  return run !== undefined && words.includes(run) && !isStopWord(run) ? run : undefined;
}

const day = /^\d{4}-\d{2}-\d{2}$/;

/** `filter` with one more condition, or undefined if `name:value` is none. */
function narrow(filter: Filter, name: string, value: string): Filter | undefined {
  if (name === "from" && day.test(value)) return { ...filter, from: later(filter.from, value) };
  if (name === "to" && day.test(value)) return { ...filter, to: earlier(filter.to, value) };
  if (name === "date" && day.test(value))
    return { ...filter, from: later(filter.from, value), to: earlier(filter.to, value) };
  if (name === "venue" && value.trim() !== "") return { ...filter, venue: value };
  if (name === "id") return { ...filter, ids: [...(filter.ids ?? []), ...value.split(",")] };
  return undefined;
}

const later = (a: string | undefined, b: string) => (a !== undefined && a > b ? a : b);
const earlier = (a: string | undefined, b: string) => (a !== undefined && a < b ? a : b);

/** Whether a parsed query asks for anything at all. */
export function isEmptyQuery({ words, conditions, categories, filter }: ParsedQuery): boolean {
  return words.length + conditions.length + categories.length + Object.keys(filter).length === 0;
}
