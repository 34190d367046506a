// What the fields of an image method's configuration may hold, as data: checked and read from text by one rule, with
// what each is where nothing is said.
import { checkOptions, OptionError } from "../../errors.ts";

/** A number, a list of whole numbers (`8x6x5` as text), one of some words, or a switch. `about` is a line for `--help`. */
export type ImageField =
  | {
      readonly about: string;
      readonly low: number;
      readonly high: number;
      readonly usual: number;
      readonly whole?: true;
    }
  | {
      readonly about: string;
      readonly low: number;
      readonly high: number;
      readonly usual: readonly number[];
    }
  | { readonly about: string; readonly words: readonly string[]; readonly usual: string }
  | { readonly about: string; readonly usual: boolean };

/** The fields of a configuration `C`, but for its base; the compiler keeps them complete. */
export type ImageFieldsOf<C> = { readonly [K in Exclude<keyof C, "type" | "base">]-?: ImageField };

type Fields = Readonly<Record<string, ImageField>>;

/**
 * All fields: those given, and what the others usually hold.
 * @throws OptionError for unknown names and for values that do not fit, with both.
 */
export function completeFields(
  where: string,
  needs: Fields,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  checkOptions(where, given, Object.keys(needs));
  return Object.fromEntries(
    Object.entries(needs).map(([name, field]) => {
      const value = given[name] ?? field.usual;
      if (fits(field, value)) return [name, value];
      throw new OptionError(`${where}: ${name} must be ${demand(field)}, got ${JSON.stringify(value)}.`);
    }),
  );
}

/** Fields from `name=value,…`. @throws OptionError for a part that is none. */
export function fieldsFromText(where: string, needs: Fields, text: string): Record<string, unknown> {
  const parts = text.split(",").filter((part) => part !== "");
  return Object.fromEntries(
    parts.map((part) => {
      const [name = "", value] = part.split("=").map((word) => word.trim());
      if (value === undefined || value === "") {
        throw new OptionError(`${where}: "${part}" must be field=value. Separate fields by commas.`);
      }
      return [name, fromText(needs[name], value)];
    }),
  );
}

function fromText(field: ImageField | undefined, text: string): unknown {
  if (field === undefined || "words" in field) return text;
  if (typeof field.usual === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (typeof field.usual === "number") return Number.isNaN(Number(text)) ? text : Number(text);
  return text.split("x").map(Number);
}

function fits(field: ImageField, value: unknown): boolean {
  if ("words" in field) return field.words.some((word) => word === value);
  if (!("low" in field)) return typeof value === "boolean";
  const within = (n: unknown): boolean =>
    typeof n === "number" && Number.isFinite(n) && n >= field.low && n <= field.high;
  if (typeof field.usual === "number")
    return within(value) && (!("whole" in field) || Number.isInteger(value));
  return Array.isArray(value) && value.length > 0 && value.every((n) => within(n) && Number.isInteger(n));
}

/** What a field must be, in words. */
function demand(field: ImageField): string {
  if ("words" in field) return `one of ${field.words.join(", ")}`;
  if (!("low" in field)) return "true or false";
  const bounds = field.high === Infinity ? `≥ ${field.low}` : `between ${field.low} and ${field.high}`;
  if (typeof field.usual === "object") return `whole numbers ${bounds} with x between them`;
  return `a ${"whole" in field ? "whole " : ""}number ${bounds}`;
}
