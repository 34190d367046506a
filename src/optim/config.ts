// A rule as data: what a configuration file or a command line says of the optimizer.
import { nearest, OptionError } from "../errors.ts";
import { lazyRows } from "./lazy-rows.ts";
import { namedNumbers } from "./named-numbers.ts";
import { roleByShape, type RoleOf } from "./role.ts";
import { checkFields, type RuleOf } from "./rule.ts";
import * as all from "./rules/all.ts";
import { partition, type Schedule, type Transform } from "./transform.ts";

type ConfigOf<R> = R extends RuleOf<infer C> ? C : never;

/** The configuration of a rule, complete. */
export type OptimizerConfig = ConfigOf<(typeof all)[keyof typeof all]>;

type Some<C> = C extends { readonly type: infer T } ? { readonly type: T } & Partial<Omit<C, "type">> : never;

/** A rule with the fields that differ from what a training usually takes. */
export type OptimizerChoice = Some<OptimizerConfig>;

/** All rules by name. */
export const RULES: Readonly<Record<string, RuleOf<OptimizerConfig>>> = Object.fromEntries(
  Object.values(all).map((rule) => [rule.type, rule as unknown as RuleOf<OptimizerConfig>]),
);

/** The rule called `type`. @throws OptionError with the nearest name. */
export function ruleNamed(type: string): RuleOf<OptimizerConfig> {
  const rule = Object.hasOwn(RULES, type) ? RULES[type] : undefined;
  if (rule !== undefined) return rule;
  const near = nearest(type, Object.keys(RULES), 1)[0];
  const known = Object.keys(RULES).join(", ");
  throw new OptionError(
    `optimizer: type must be one of ${known}, got "${type}".${near ? ` Did you mean ${near}?` : ""}`,
  );
}

/** A complete configuration. @throws OptionError for an unknown rule or field, or a number out of range. */
export function optimizerConfig({ type, ...given }: OptimizerChoice): OptimizerConfig {
  const rule = ruleNamed(type);
  return { type, ...checkFields(`optimizer: ${type}`, rule.needs, given) } as OptimizerConfig;
}

/**
 * A rule from text: its name, then `field=number` after a colon, separated by commas.
 * @throws OptionError as `optimizerConfig`.
 * @example
 * parseOptimizer("lion:beta1=0.9,decay=1");
 */
export function parseOptimizer(text: string): OptimizerChoice {
  const { type, fields } = namedNumbers("optimizer", text);
  const choice = { type, ...fields } as OptimizerChoice;
  optimizerConfig(choice);
  return choice;
}

/** The rule of a configuration. @param rate Learning rate by step. @param role What each parameter is. */
export function makeOptimizer<P>(
  config: OptimizerConfig,
  rate: Schedule,
  role: RoleOf = roleByShape,
): Transform<P, Record<string, unknown>> {
  return ruleNamed(config.type).make<P>(rate, config, role);
}

/** Which rules a training takes. */
export interface RuleChoice {
  readonly optimizer: OptimizerConfig;
  /** Its highest rate; asked for where embeddings have another. */
  readonly rate?: number;
  /** Another rule for tables of embeddings, with its own highest rate; both rise and fall together. */
  readonly embedding?: { readonly optimizer: OptimizerConfig; readonly rate: number };
  /** Rows of tables without a gradient stay where they are. */
  readonly lazyRows?: boolean;
}

/** The rule of a choice. Each of two rules clips and decays its own parameters. @param rate Rate of the first. */
export function makeRule<P>(
  { optimizer, rate: peak, embedding, lazyRows: lazy = false }: RuleChoice,
  rate: Schedule,
  role: RoleOf = roleByShape,
): Transform<P, Record<string, unknown>> {
  const main = makeOptimizer<P>(optimizer, rate, role);
  const both =
    embedding === undefined
      ? main
      : (partition<P, Record<"tables" | "others", Transform<P, unknown>>>(
          (name, p) => (role(name, p) === "table" ? "tables" : "others"),
          {
            tables: makeOptimizer<P>(
              embedding.optimizer,
              (t) => rate(t).mul(embedding.rate / (peak ?? embedding.rate)),
              role,
            ),
            others: main,
          },
        ) as Transform<P, Record<string, unknown>>);
  return lazy ? (lazyRows(both, role) as unknown as Transform<P, Record<string, unknown>>) : both;
}
