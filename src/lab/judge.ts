// What rows say: each rule asked, and one verdict from all of them.
import type { Rule, Seeded, Words } from "./entry.ts";

/** All that can be said of a claim. */
export const VERDICTS = {
  holds: { en: "holds", zh: "成立" },
  "holds in part": { en: "holds in part", zh: "部分成立" },
  "does not hold here": { en: "does not hold here", zh: "此处不成立" },
  "cannot be had at this size": { en: "cannot be had at this size", zh: "此规模下无法验证" },
} as const;
export type Verdict = keyof typeof VERDICTS;

/** One rule's answer. */
export interface Finding {
  readonly says: Words;
  readonly premise: boolean;
  /** `null`: the rows do not hold what it asks about. */
  readonly holds: boolean | null;
  /** The numbers that it looked at. */
  readonly shows: string;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

/** What judging asks of an entry. */
export interface Judged<R> {
  readonly rules: readonly Rule<R>[];
}

/**
 * Asks every rule. A premise that fails, or no part of the claim that can be answered: cannot be had at this size. Else
 * all parts that can be answered hold (holds), some (in part) or none (does not hold here).
 */
export function judge<R>({ rules }: Judged<R>, rows: readonly Seeded<R>[]): Judgement {
  const findings = ask(rules, rows, (rule) => rule.holds(rows));
  const parts = findings.filter((f) => !f.premise && f.holds !== null);
  const held = parts.filter((f) => f.holds).length;
  if (findings.some((f) => f.premise && f.holds !== true) || parts.length === 0) {
    return { verdict: "cannot be had at this size", findings };
  }
  if (held === parts.length) return { verdict: "holds", findings };
  return { verdict: held > 0 ? "holds in part" : "does not hold here", findings };
}

/** What a quick run says, which is never a verdict: whether every rule that can be asked points the claim's way. */
export function lean<R>(
  { rules }: Judged<R>,
  rows: readonly Seeded<R>[],
): { readonly agrees: boolean; readonly findings: readonly Finding[] } {
  const findings = ask(rules, rows, (rule) =>
    rule.direction === undefined ? rule.holds(rows) : rule.direction(rows),
  );
  const asked = findings.filter((f) => f.holds !== null);
  return { agrees: asked.length > 0 && asked.every((f) => f.holds), findings };
}

function ask<R>(
  rules: readonly Rule<R>[],
  rows: readonly Seeded<R>[],
  holds: (rule: Rule<R>) => boolean | null,
): Finding[] {
  return rules.map((rule) => ({
    says: rule.says,
    premise: rule.premise ?? false,
    holds: holds(rule),
    shows: rule.shows?.(rows) ?? "",
  }));
}
