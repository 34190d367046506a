// How options are read: one parser a kind. A refusal says what the value must be; `verb.ts` adds the option's name.
import { OptionError } from "../errors.ts";

/** A text that a parser does not take: what it must be, and an example where one helps. */
class Refusal extends Error {
  readonly wayOut: string;
  constructor(what: string, wayOut = "") {
    super(what);
    this.wayOut = wayOut;
  }
}

/** Reads an option's text. @throws Refusal that completes the sentence "… must be". */
export type Parse<T> = (text: string) => T;

/**
 * Reads `text` as the value of `name`, such as `train: --minutes`.
 * @throws OptionError that names it, what it must be, and what it was.
 */
export function read<T>(name: string, parse: Parse<T>, text: string): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new OptionError(`${name} must be ${error.message}, got "${text}". ${error.wayOut}`.trim());
  }
}

/** Any finite number, written as JavaScript reads one; blanks are none. */
function finite(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

function numberThat(what: string, holds: (value: number) => boolean): Parse<number> {
  return (text) => {
    const value = finite(text);
    if (Number.isFinite(value) && holds(value)) return value;
    throw new Refusal(what);
  };
}

/** A finite number. */
export const number: Parse<number> = numberThat("a number", () => true);

/** 0, 1, 2 …: seeds, ids, layers. */
export const whole: Parse<number> = numberThat("a whole number", (n) => Number.isSafeInteger(n) && n >= 0);

/** 1, 2, 3 …: sizes and amounts. */
export const count: Parse<number> = numberThat(
  "a whole number ≥ 1",
  (n) => Number.isSafeInteger(n) && n >= 1,
);

/** Above 0: minutes, learning rates. */
export const positive: Parse<number> = numberThat("a number above 0", (n) => n > 0);

/** 0 or above: temperatures. */
export const notNegative: Parse<number> = numberThat("a number ≥ 0", (n) => n >= 0);

/** A part of a whole, 0 to 1. */
export const share: Parse<number> = numberThat("a number from 0 to 1", (n) => n >= 0 && n <= 1);

/** A part of a whole that is not nothing. */
export const shareAboveZero: Parse<number> = numberThat(
  "a number above 0 and at most 1",
  (n) => n > 0 && n <= 1,
);

/** A whole number from `low` to `high`. */
export function between(low: number, high: number): Parse<number> {
  return numberThat(
    `a whole number from ${low} to ${high}`,
    (n) => Number.isInteger(n) && n >= low && n <= high,
  );
}

/** One of a few numbers. */
export function oneOf(...numbers: readonly number[]): Parse<number> {
  return numberThat(numbers.join(" or "), (n) => numbers.includes(n));
}

const UNITS: Readonly<Record<string, number>> = { "": 2 ** 20, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

/** Memory: `512` is megabytes; `512MB`, `2 GB` and `64KB` name their unit. In bytes. */
export const bytes: Parse<number> = (text) => {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmg]b)?$/i.exec(text.trim()) ?? [];
  const value = finite(amount) * (UNITS[unit.toUpperCase()] ?? Number.NaN);
  if (Number.isFinite(value)) return Math.floor(value);
  throw new Refusal("an amount of memory such as 512MB or 2GB");
};

/** Values separated by commas; `what` names several of them, such as `whole numbers`, and `example` shows some. */
export function list<T>(parse: Parse<T>, what: string, example: string): Parse<T[]> {
  return (text) =>
    text.split(",").map((part) => {
      try {
        return parse(part);
      } catch {
        throw new Refusal(`${what} separated by commas`, `For example ${example}.`);
      }
    });
}

/** An option given several times: each adds to the list. */
export function repeated(text: string, before: readonly string[]): string[] {
  return [...before, text];
}
