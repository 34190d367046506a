// Whether an author is who a query names: `Y. Bengio` and `Bengio, Y.` are Yoshua Bengio.
import { terms } from "./tokens.ts";

/** The terms of a name in reading order: what stands before a comma goes to the end. */
export function nameInOrder(text: string): string {
  const [family = "", given, ...more] = text.split(",");
  return given === undefined || more.length > 0 ? text : `${given.trim()} ${family.trim()}`.trim();
}

const isInitial = (term: string): boolean => /^[a-z]$/.test(term);

/** Whether terms name a person by initials: a letter that stands for a name, beside a name. */
export function hasInitials(name: readonly string[]): boolean {
  return name.some(isInitial) && name.some((term) => term.length > 1);
}

/**
 * Whether an author has all names asked for, in order, and given names that begin as the initials do. An initial
 * beyond the author's given names is passed over: `G. E. Hinton` is Geoffrey Hinton.
 */
export function isNamed(author: string, asked: readonly string[]): boolean {
  const own = terms(author);
  let at = 0;
  const places: number[] = [];
  for (const name of asked.filter((term) => !isInitial(term))) {
    const place = own.indexOf(name, at);
    if (place < 0) return false;
    places.push(place);
    at = place + 1;
  }
  const given = own.filter((_, i) => !places.includes(i));
  const initials = asked.filter(isInitial);
  if (given.length === 0) return false;
  return initials.every((letter, i) => given[i] === undefined || given[i].startsWith(letter));
}

/** Most words of a name that stand together (`van der Waals`). */
const longestName = 3;

/**
 * An author's names with the initials of the other names behind them, for engines that look up texts instead of reading
 * names: `yoshua bengio` is `bengio|y|` and `yoshua|b|`.
 */
export function nameKeys(author: string): string[] {
  const own = terms(author);
  const keys: string[] = [];
  for (let at = 0; at < own.length; at++)
    for (let n = 1; n <= longestName && at + n <= own.length && n < own.length; n++) {
      const others = [...own.slice(0, at), ...own.slice(at + n)];
      keys.push(
        keyOf(
          own.slice(at, at + n),
          others.map((term) => term[0] ?? ""),
        ),
      );
    }
  return [...new Set(keys)];
}

/**
 * The keys an author has who `isNamed` by terms with initials: one of `exact`, or one that begins with `beginning`. Of
 * several names those that stand together count.
 */
export function askedKeys(asked: readonly string[]): { exact: string[]; beginning: string } {
  const names = asked.filter((term) => !isInitial(term));
  const initials = asked.filter(isInitial);
  return {
    // Fewer given names than initials: what is beyond them is passed over.
    exact: initials.map((_, i) => keyOf(names, initials.slice(0, i + 1))),
    beginning: keyOf(names, initials),
  };
}

const keyOf = (names: readonly string[], initials: readonly string[]): string =>
  `${names.join(" ")}|${initials.map((letter) => `${letter}|`).join("")}`;
