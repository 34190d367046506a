// A filter as SQL over the table `papers p`.
import type { CheckedFilter } from "../../ask.ts";
import type { CategoryExpression } from "../../categories.ts";

/** A condition and the values of its question marks. */
export interface Where {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** The conjunction of conditions. */
export function allOf(conditions: readonly Where[]): Where {
  if (conditions.length === 0) return { sql: "1", values: [] };
  return {
    sql: conditions.map(({ sql }) => `(${sql})`).join(" AND "),
    values: conditions.flatMap(({ values }) => values),
  };
}

/** Papers that satisfy a category expression. Lists travel as JSON, so that one statement serves every length. */
export function whereCategories({ plus, minus }: CategoryExpression): Where {
  const member =
    "EXISTS (SELECT 1 FROM paper_categories c WHERE c.slot = p.slot AND c.category IN (SELECT value FROM json_each(?)))";
  return allOf([
    ...(plus.length > 0 ? [{ sql: member, values: [JSON.stringify(plus)] }] : []),
    ...(minus.length > 0 ? [{ sql: `NOT ${member}`, values: [JSON.stringify(minus)] }] : []),
  ]);
}

/** Papers that pass a filter. */
export function whereFilter({ categories, from, to, venue, ids }: CheckedFilter): Where {
  return allOf([
    ...(categories ? [whereCategories(categories)] : []),
    ...(from !== undefined ? [{ sql: "p.announced >= ?", values: [from] }] : []),
    // Papers without a day are empty texts, which come before every day.
    ...(to !== undefined ? [{ sql: "p.announced <= ? AND p.announced <> ''", values: [to] }] : []),
    ...(venue !== undefined ? [{ sql: "p.venue = ? COLLATE NOCASE", values: [venue] }] : []),
    ...(ids !== undefined
      ? [{ sql: "p.id IN (SELECT value FROM json_each(?))", values: [JSON.stringify(ids)] }]
      : []),
  ]);
}
