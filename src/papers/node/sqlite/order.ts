// The orders other than relevance: keys, SQL, and what comes after a given hit.
import type { Sort } from "../../paper.ts";
import type { Row } from "./connection.ts";
import type { Where } from "./filter.ts";

/** Every order but relevance. */
export type ListSort = Exclude<Sort, "relevance">;

type Key = readonly [column: string, direction: "ASC" | "DESC"];

const keys: Readonly<Record<ListSort, readonly Key[]>> = {
  announced: [
    ["announced", "DESC"],
    ["id", "ASC"],
  ],
  newest: [
    ["announced", "DESC"],
    ["id", "DESC"],
  ],
  stars: [
    ["stars", "DESC"],
    ["announced", "DESC"],
    ["id", "DESC"],
  ],
};

/** `ORDER BY` of a sort. */
export function orderBy(sort: ListSort): string {
  return keys[sort].map(([column, direction]) => `p.${column} ${direction}`).join(", ");
}

/** The values by which a row is sorted, for a cursor. */
export function sortValues(sort: ListSort, row: Row): (string | number)[] {
  return keys[sort].map(([column]) => (column === "stars" ? Number(row[column]) : String(row[column])));
}

/** What comes after a row with these sort values. */
export function whereAfter(sort: ListSort, after: readonly (string | number)[]): Where {
  const tests: string[] = [];
  const values: (string | number)[] = [];
  for (const [i, [column, direction]] of keys[sort].entries()) {
    const equal = keys[sort].slice(0, i).map(([earlier]) => `p.${earlier} = ?`);
    tests.push([...equal, `p.${column} ${direction === "ASC" ? ">" : "<"} ?`].join(" AND "));
    values.push(...after.slice(0, i + 1));
  }
  // The first test alone lets SQLite enter its index at the right place; the rest decides among equals.
  const [first = "", bound = "DESC"] = keys[sort][0] ?? [];
  return {
    sql: `p.${first} ${bound === "ASC" ? ">=" : "<="} ? AND (${tests.map((t) => `(${t})`).join(" OR ")})`,
    values: [after[0] ?? "", ...values],
  };
}
