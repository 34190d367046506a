// What every store checks of a question before it answers, and how it points to the next page.
import { checkOptions, OptionError } from "../errors.ts";
import { type CategoryExpression, parseCategories } from "./categories.ts";
import { normaliseId } from "./identifier.ts";
import { type Filter, type Query, type Sort, sorts } from "./paper.ts";

/** A filter with its values in stored form. */
export interface CheckedFilter {
  readonly categories?: CategoryExpression;
  readonly from?: string;
  readonly to?: string;
  readonly venue?: string;
  readonly ids?: readonly string[];
}

const isDay = /^\d{4}-\d{2}-\d{2}$/;

/** Brings a filter into stored form. @throws OptionError for a value of the wrong form. */
export function checkFilter(where: string, filter: Filter = {}): CheckedFilter {
  checkOptions(where, filter, ["categories", "from", "to", "venue", "ids"]);
  const { categories, from, to, venue, ids } = filter;
  const expression = categories === undefined ? undefined : parseCategories(categories);
  if (categories !== undefined && !expression)
    throw new OptionError(
      `${where}: filter.categories must be a category expression, got "${categories}". Write cs.AI+cs.LG-cs.CY.`,
    );
  for (const [name, value] of Object.entries({ from, to }))
    if (value !== undefined && !isDay.test(value))
      throw new OptionError(`${where}: filter.${name} must be a day, got "${value}". Write YYYY-MM-DD.`);
  return {
    ...(expression && { categories: expression }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(venue !== undefined && { venue }),
    ...(ids !== undefined && { ids: [...new Set(ids.map(normaliseId))] }),
  };
}

/** A question whose options are known to be good. */
export interface Checked {
  readonly filter: CheckedFilter;
  readonly sort: Sort;
  readonly limit: number;
  /** Sort values of the last hit of the page before. */
  readonly after?: readonly (string | number)[];
}

/** Checks a query or listing and fills in defaults. @throws OptionError */
export function check(where: string, question: Omit<Query, "text">, plain: Sort): Checked {
  const { filter, sort = plain, limit = 20, cursor } = question;
  if (!sorts.includes(sort))
    throw new OptionError(`${where}: sort must be one of ${sorts.join(", ")}, got "${sort}".`);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new OptionError(`${where}: limit must be an integer from 1 to 1000, got ${limit}.`);
  const after = cursor === undefined ? undefined : readCursor(where, sort, cursor);
  return { filter: checkFilter(where, filter), sort, limit, ...(after && { after }) };
}

/** An opaque reference to the place after a hit with these sort values. */
export function writeCursor(sort: Sort, values: readonly (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify([sort, ...values]));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

const shapes: Readonly<Record<Sort, readonly string[]>> = {
  relevance: ["number", "any"],
  announced: ["string", "string"],
  newest: ["string", "string"],
  stars: ["number", "string", "string"],
};

function readCursor(where: string, sort: Sort, cursor: string): (string | number)[] {
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
    const values: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (Array.isArray(values) && values[0] === sort) {
      const rest: unknown[] = values.slice(1);
      const shape = shapes[sort];
      const fits = (v: unknown, i: number): v is string | number =>
        shape[i] === "any" ? typeof v === "string" || typeof v === "number" : typeof v === shape[i];
      if (rest.length === shape.length && rest.every(fits)) return rest;
    }
  } catch {
    // Falls through: whatever is not a cursor is reported in one way.
  }
  throw new OptionError(
    `${where}: cursor must be the \`next\` of a page with sort "${sort}", got "${cursor.slice(0, 40)}".`,
  );
}
