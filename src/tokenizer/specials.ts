// Special tokens in text. By default text is only text: "<eos>" typed by a user is five ordinary
// characters and can never become the token. A caller who trusts a text names what may be read.
import { OptionError, nearest } from "../errors.ts";
import type { Special } from "./model.ts";

/** Which specials a text may spell: none (default), all, or those named by their text. */
export type AllowSpecials = false | true | readonly string[];

/** Part of a text: a special's id, or -1 for ordinary text; `[from, to)` in UTF-16 units. */
export interface TextPart {
  readonly special: number;
  readonly from: number;
  readonly to: number;
}

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

/** Cuts `text` at the allowed specials, leftmost first, the longest where several begin together. */
export function splitSpecials(text: string, allowed: readonly Special[]): TextPart[] {
  if (allowed.length === 0) return [{ special: -1, from: 0, to: text.length }];
  const byLength = [...allowed].sort((a, b) => b.text.length - a.text.length);
  const pattern = new RegExp(
    byLength.map((s) => s.text.replace(/[$()*+.?[\\\]^{|}/-]/g, "\\$&")).join("|"),
    "g",
  );
  const idOf = new Map(allowed.map((s) => [s.text, s.id]));
  const parts: TextPart[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > at) parts.push({ special: -1, from: at, to: match.index });
    at = match.index + match[0].length;
    parts.push({ special: idOf.get(match[0]) ?? -1, from: match.index, to: at });
  }
  if (at < text.length || parts.length === 0) parts.push({ special: -1, from: at, to: text.length });
  return parts;
}
