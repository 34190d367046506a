// The contract of an update rule that a training names: `rules/<name>.ts` gives one, `rules/all.ts` lists it.
import { checkOptions, OptionError } from "../errors.ts";
import type { RoleOf } from "./role.ts";
import type { Schedule, Transform } from "./transform.ts";

/** A number of a rule's configuration: between `low` and `high`, both allowed. */
export interface NumberField {
  /** One line for `--help` and documentation. */
  readonly about: string;
  readonly low: number;
  readonly high: number;
  /** What a training takes where nothing is said. */
  readonly usual: number;
  readonly whole?: boolean;
}

/** A rule that can be asked for by name. `C` is its configuration: its type, and numbers. */
export interface RuleOf<C extends { readonly type: string }> {
  readonly type: C["type"];
  /** One line: what it is. */
  readonly about: string;
  /** Learning rate of a training that says none. */
  readonly rate: number;
  /** Every field, with what it may be. */
  readonly needs: { readonly [K in Exclude<keyof C, "type">]-?: NumberField };
  /** The rule itself goes on after a gradient that is not finite; other trainings stop there. */
  readonly mends?: true;
  /** @param rate Learning rate by step. @param role What each parameter is; by shape where nobody tells. */
  make<P>(rate: Schedule, config: C, role?: RoleOf): Transform<P, Record<string, unknown>>;
}

/** The fields of `needs`: those given, and what a training usually takes. @throws OptionError for bad ones, by name. */
export function checkFields(
  where: string,
  needs: Readonly<Record<string, NumberField>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, number> {
  checkOptions(where, given, Object.keys(needs));
  return Object.fromEntries(
    Object.entries(needs).map(([name, field]) => {
      const value = given[name] ?? field.usual;
      if (typeof value !== "number" || !fits(value, field)) {
        throw new OptionError(`${where}: ${name} must be ${bounds(field)}, got ${JSON.stringify(value)}.`);
      }
      return [name, value];
    }),
  );
}

function fits(value: number, { low, high, whole }: NumberField): boolean {
  return value >= low && value <= high && Number.isFinite(value) && (!whole || Number.isInteger(value));
}

function bounds({ low, high, whole }: NumberField): string {
  const kind = whole ? "a whole number" : "a number";
  return high === Infinity ? `${kind} ≥ ${low}` : `${kind} between ${low} and ${high}`;
}

/** Fields that several rules have. */
export const FIELDS = {
  /** A decay of a moving average, below 1. */
  beta: (about: string, usual: number): NumberField => ({ about, low: 0, high: 1 - 1e-9, usual }),
  decay: (usual: number): NumberField => ({
    about: "decoupled weight decay of matrices and tables; gains and biases have none",
    low: 0,
    high: Infinity,
    usual,
  }),
  clip: (usual: number): NumberField => ({
    about: "global norm that gradients are clipped to; 0 clips nothing",
    low: 0,
    high: Infinity,
    usual,
  }),
} as const;
