// Numbers of methods over seeds, as rules ask for them.
import type { Words } from "./entry.ts";
import { meanOf, spread } from "./statistics.ts";

/** What rules ask of rows that have a method each. */
export interface Methods {
  /** Values of a method, one a seed. */
  values(method: string): readonly number[];
  /** Mean over seeds; `undefined` for a method without rows. */
  mean(method: string): number | undefined;
  /** `A 0.10 ± 0.01, B 0.90`. */
  shows(methods: readonly string[], digits?: number): string;
}

/** Reads the number `of` a row for each method of `rows`. */
export function byMethod<R extends { readonly method: string }>(
  rows: readonly R[],
  of: (row: R) => number,
): Methods {
  const values = (method: string): number[] => rows.filter((r) => r.method === method).map(of);
  return {
    values,
    mean(method) {
      const found = values(method);
      return found.length === 0 ? undefined : meanOf(found);
    },
    shows: (methods, digits = 2) => methods.map((m) => `${m} ${spread(values(m), digits)}`).join(", "),
  };
}

/** Names of methods in the order of their first rows. */
export function methodsOf(rows: readonly { readonly method: string }[]): string[] {
  return [...new Set(rows.map((r) => r.method))];
}

/** The same words in both languages, for formulas. */
export function same(text: string): Words {
  return { en: text, zh: text };
}

/** Whether `test` holds of every seed's rows; `null` where it cannot be answered for one. */
export function everySeed<R extends { readonly seed: number }>(
  rows: readonly R[],
  test: (rows: readonly R[]) => boolean | null,
): boolean | null {
  const answers = [...new Set(rows.map((r) => r.seed))].map((seed) =>
    test(rows.filter((r) => r.seed === seed)),
  );
  if (answers.length === 0 || answers.includes(null)) return null;
  return answers.every((answer) => answer === true);
}
