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
