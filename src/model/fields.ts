// What the fields of a configuration may hold, as data, so that each is checked and read from text by one rule.
import { checkOptions, OptionError } from "../errors.ts";

/** A whole number from `least` on, a number above zero, true or false, or one of some words. */
export type Field =
  | { readonly is: "whole"; readonly least: number; readonly optional?: true }
  | { readonly is: "positive"; readonly optional?: true }
  | { readonly is: "truth"; readonly optional?: true }
  | { readonly is: readonly string[]; readonly optional?: true };

/** The fields of a configuration `C`; the compiler keeps them complete. */
export type FieldsOf<C> = { readonly [K in Exclude<keyof C, "type">]-?: Field };

/** A whole number ≥ 1. */
export const WHOLE: Field = { is: "whole", least: 1 };

/** What must be said of `field` in an error, or nothing if `value` fits it. */
export function misfit(field: Field, value: unknown): string | undefined {
  if (value === undefined && field.optional) return undefined;
  switch (field.is) {
    case "whole":
      return Number.isSafeInteger(value) && (value as number) >= field.least
        ? undefined
        : `a whole number ≥ ${field.least}`;
    case "positive":
      return typeof value === "number" && value > 0 && value < Infinity ? undefined : "a number above 0";
    case "truth":
      return typeof value === "boolean" ? undefined : "true or false";
    default:
      return field.is.some((word) => word === value) ? undefined : `one of ${field.is.join(", ")}`;
  }
}

/** @throws OptionError for fields of `given` that are missing, unknown or out of range; `type` is passed over. */
export function checkFields(where: string, fields: Readonly<Record<string, Field>>, given: object): void {
  const values: Readonly<Record<string, unknown>> = { ...given };
  const { type: _, ...rest } = values;
  checkOptions(where, rest, Object.keys(fields));
  for (const [name, field] of Object.entries(fields)) {
    const must = misfit(field, values[name]);
    if (must === undefined) continue;
    throw new OptionError(`${where}: ${name} must be ${must}, got ${show(values[name])}.`);
  }
}

/** A value as an error shows it. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

/** The value that `text` stands for in `field`; nothing where it stands for none. */
export function fromText(field: Field | undefined, text: string): string | number | boolean | undefined {
  const word = text.trim();
  if (typeof field?.is === "object") return word === "" ? undefined : word;
  if (field?.is === "truth") return word === "true" ? true : word === "false" ? false : undefined;
  const number = word === "" ? Number.NaN : Number(word);
  return Number.isNaN(number) ? undefined : number;
}
