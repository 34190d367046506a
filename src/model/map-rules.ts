// Which kind of map each matrix of a model is: what a configuration says of it, in patterns.
import { OptionError } from "../errors.ts";
import { matches } from "../nn/index.ts";
import { type MapConfig, mapOf } from "./linear.ts";

export { matches };

/**
 * Matrices whose names end like `match` are of this kind. Names are those of files without leaves
 * (`model.layers.3.mlp.up_proj`); a pattern has the last parts of them, with `*` for any text without a dot:
 * `mlp.*`, `layers.0.self_attn.q_proj`, `*_proj`, `lm_head`. The first rule that matches counts.
 */
export type MapRule = MapConfig & { readonly match: string };

/** What the rules say of the matrix `name`; a plain one where they say nothing. */
export function mapConfigOf(rules: readonly MapRule[] | undefined, name: string): MapConfig {
  const rule = rules?.find(({ match }) => matches(match, name));
  if (rule === undefined) return { type: "dense" };
  const { match: _, ...config } = rule;
  return config;
}

/** @throws OptionError for rules of no kind, and for patterns that match none of `names`, listing what there is. */
export function checkRules(rules: readonly MapRule[], names: readonly string[]): void {
  if (!Array.isArray(rules)) {
    throw new OptionError(`maps: rules must be a list, got ${JSON.stringify(rules)}.`);
  }
  for (const rule of rules) {
    mapOf(rule);
    if (typeof rule.match !== "string") {
      throw new OptionError(
        `maps: match must be the end of a matrix's name, got ${JSON.stringify(rule.match)}.`,
      );
    }
    if (names.some((name) => matches(rule.match, name))) continue;
    const kinds = [...new Set(names.map((name) => name.replace(/\.\d+\./, ".N.")))];
    throw new OptionError(
      `maps: match must fit some matrix, got "${rule.match}". There are ${kinds.join(", ")}.`,
    );
  }
}
