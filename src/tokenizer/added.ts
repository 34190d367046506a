// Tokens that a text may hold as they are written, beside a vocabulary of pieces (tokenizer.json, `added_tokens`).
// They are cut out before anything else looks at the text: those that stand for the text as it is first, those
// that are normalised with it afterwards.
import { OptionError, nearest } from "../errors.ts";
import type { AddedToken, Special } from "./model.ts";

/** Which specials a text may spell: none (default), all, or those named by their text. */
export type AllowSpecials = false | true | readonly string[];

/** The specials that `allow` names. @throws OptionError for a text that is no special. */
export function allowedSpecials(specials: readonly Special[], allow: AllowSpecials): readonly Special[] {
  if (allow === false) return [];
  if (allow === true) return specials;
  return allow.map((text) => {
    const special = specials.find((s) => s.text === text);
    if (special !== undefined) return special;
    const known = specials.map((s) => s.text);
    const near = nearest(text, known);
    const hint = near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Known: ${known.join(", ")}.`;
    throw new OptionError(`encode: allowSpecials must name specials, got "${text}". ${hint}`);
  });
}

/** Part of a text: a token's id, or -1 for ordinary text; `[from, to)` in UTF-16 units. */
export interface TextPart {
  readonly id: number;
  readonly from: number;
  readonly to: number;
}

/** Tokens compiled for searching. */
export interface Finder {
  /** Finds one of their first UTF-16 units. */
  readonly start: RegExp;
  readonly byText: ReadonlyMap<string, AddedToken>;
  /** Their lengths, longest first. */
  readonly lengths: readonly number[];
}

/** Compiles `tokens`; `written` is how a token stands in the text that is searched. */
function finder(
  tokens: readonly AddedToken[],
  written: (token: AddedToken) => string = (t) => t.text,
): Finder | undefined {
  const byText = new Map(tokens.map((t) => [written(t), t] as const).filter(([text]) => text !== ""));
  if (byText.size === 0) return undefined;
  const firsts = new Set(Array.from(byText.keys(), (text) => text.charCodeAt(0)));
  const starts = Array.from(firsts, (unit) => `\\u${unit.toString(16).padStart(4, "0")}`);
  return {
    start: new RegExp(`[${starts.join("")}]`, "g"),
    byText,
    lengths: [...new Set(Array.from(byText.keys(), (text) => text.length))].sort((a, b) => b - a),
  };
}

/** Searchers for what may stand in a text: one for the original, one for the normalised. */
export interface Finders {
  readonly original: Finder | undefined;
  readonly normal: Finder | undefined;
}

/** The searchers for each choice of specials, compiled once. @param added Tokens that are always found. */
export function findersFor(
  specials: readonly Special[],
  added: readonly AddedToken[],
  normalize: (text: string) => string,
): (allow: AllowSpecials) => Finders {
  const of = (allow: AllowSpecials): Finders => {
    const tokens = [...allowedSpecials(specials, allow), ...added];
    return {
      original: finder(tokens.filter((t) => t.normalized !== true)),
      normal: finder(
        tokens.filter((t) => t.normalized === true),
        (t) => normalize(t.text),
      ),
    };
  };
  const known = new Map<boolean, Finders>();
  return (allow) => {
    if (typeof allow !== "boolean") return of(allow);
    const finders = known.get(allow) ?? of(allow);
    known.set(allow, finders);
    return finders;
  };
}

/** Rust's `\w` of the crate `regex`: it counts the two joiners in. */
const WORD_BEFORE = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]$/u;
const WORD_AFTER = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]/u;
const SPACE = /\p{White_Space}/u;

/** Cuts `text` at the tokens, leftmost first, the longest where several begin together. */
export function splitAdded(text: string, find: Finder | undefined): TextPart[] {
  if (find === undefined) return [{ id: -1, from: 0, to: text.length }];
  const parts: TextPart[] = [];
  let done = 0;
  const { start } = find;
  start.lastIndex = 0;
  while (start.test(text)) {
    let from = start.lastIndex - 1;
    const token = tokenAt(text, from, find);
    if (token === undefined) continue;
    const { added, length } = token;
    const at = from + length;
    start.lastIndex = at;
    const touches = WORD_BEFORE.test(lastCharacter(text, from)) || WORD_AFTER.test(text.slice(at, at + 2));
    if (added.singleWord === true && touches) continue;
    let to = at;
    if (added.lstrip === true) while (from > done && SPACE.test(text.charAt(from - 1))) from--;
    if (added.rstrip === true) while (to < text.length && SPACE.test(text.charAt(to))) to++;
    if (from > done) parts.push({ id: -1, from: done, to: from });
    parts.push({ id: added.id, from, to });
    done = to;
  }
  if (done < text.length || parts.length === 0) parts.push({ id: -1, from: done, to: text.length });
  return parts;
}

/** The longest token that begins at `at`. */
function tokenAt(
  text: string,
  at: number,
  { byText, lengths }: Finder,
): { added: AddedToken; length: number } | undefined {
  for (const length of lengths) {
    const added = byText.get(text.slice(at, at + length));
    if (added !== undefined) return { added, length };
  }
  return undefined;
}

function lastCharacter(text: string, end: number): string {
  return text.slice(Math.max(0, end - 2), end);
}
