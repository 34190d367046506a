// How text becomes index terms: one analyser for the stores, the in-memory scorer and the highlighter.
// Alphabetic words: case and accents folded; stemmed by Porter 1980 where asked.
// Chinese, Japanese and Korean: overlapping pairs of characters, plus the last character of a run alone, so
// that every character starts exactly one term: a phrase is consecutive terms, and a single character is a
// prefix. No dictionary, because titles coin words faster than dictionaries learn them.
// `C++` and `C#` are `cplusplus` and `csharp`: other words than `C`.
// Hyphenated words: their parts, and for ranking the whole as one word.
import { stemmer } from "stemmer";
import { simplified } from "./simplified.ts";
import { american } from "./spelling.ts";

/** Receives one term and the UTF-16 range `[start, end)` of the text it came from. */
export type Visit = (term: string, start: number, end: number) => void;

/** One term and its range. */
export interface Token {
  readonly term: string;
  readonly start: number;
  readonly end: number;
}

const paired =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\u3005\u30fc\uff66-\uff9f";
const letter = `(?![${paired}])[\\p{L}\\p{N}\\p{M}]`;
const word: RegExp = new RegExp(`[${paired}]+|(?:${letter})(?:['\u2019]?${letter})*`, "uy");
const startsPaired: RegExp = new RegExp(`^[${paired}]`, "u");

/** Longest term kept, in UTF-16 units: a megabyte without a space is one term, cut here. */
const longest = 64;

/** Case, compatibility forms and accents removed: `Poincaré` is `poincare`, `ﬁ` is `fi`, `ß` is `ss`. */
export function fold(text: string): string {
  const plain = text
    .normalize("NFKD")
    .replace(/[\p{Mn}'\u2019]/gu, "")
    .toLowerCase();
  return plain
    .replace(/ß/g, "ss")
    .replace(/[øŁł]/g, (c) => (c === "ø" ? "o" : "l"))
    .replace(/[æœ]/g, (c) => (c === "æ" ? "ae" : "oe"))
    .normalize("NFC");
}

const isWord = new Uint8Array(128);
for (const c of "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") isWord[c.charCodeAt(0)] = 1;

/** Calls `visit` with the terms of a text in order, unstemmed. Linear in the text, never throws. */
export function eachTerm(text: string, visit: Visit): void {
  const n = text.length;
  for (let i = 0; i < n; ) {
    const c = text.charCodeAt(i);
    if (c >= 128) i = unicodeWord(text, i, visit);
    else if (isWord[c] === 0) i++;
    else {
      let end = i + 1;
      let quoted = false;
      for (; end < n; end++) {
        const d = text.charCodeAt(end);
        if (d < 128 && isWord[d] === 1) continue;
        if (d !== 39 || isWord[text.charCodeAt(end + 1)] !== 1) break; // 39: the apostrophe of "Newton's"
        quoted = true;
      }
      // A word that runs into a letter outside ASCII, or into a typographic apostrophe, takes the slow road.
      if (end < n && text.charCodeAt(end) >= 128) i = unicodeWord(text, i, visit);
      else {
        const signs = end - i <= mostSigned ? signsAt(text, i, end) : 0;
        const term = text.slice(i, end).toLowerCase() + (signedAs[signs] ?? "");
        visit((quoted ? term.replaceAll("'", "") : term).slice(0, longest), i, end + signs);
        i = end + signs;
      }
    }
  }
}

/** Longest word that signs may follow. */
const mostSigned = 12;

/** How one sign (`#`) or two (`++`) are read. */
const signedAs: readonly string[] = ["", "sharp", "plusplus"];

/** How many signs belong to the word before `end`: `++` or `#` behind letters alone, with no word behind them. */
function signsAt(text: string, start: number, end: number): number {
  const first = text.charCodeAt(end);
  const length = first === 35 ? 1 : first === 43 && text.charCodeAt(end + 1) === 43 ? 2 : 0; // 35: #, 43: +
  if (length === 0) return 0;
  for (let i = start; i < end; i++) if (text.charCodeAt(i) < 65) return 0; // a figure or an apostrophe
  const next = text.charCodeAt(end + length);
  return next === 35 || next === 43 || next >= 128 || isWord[next] === 1 ? 0 : length;
}

/** One word found by Unicode properties at `at`; returns where to go on. */
function unicodeWord(text: string, at: number, visit: Visit): number {
  word.lastIndex = at;
  const found = word.exec(text)?.[0];
  if (found === undefined) return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
  if (startsPaired.test(found)) pair(found, at, visit);
  else {
    // Folding can lay bare what is no letter: `⑴` becomes `(1)`.
    const term = fold(found)
      .replace(/[^\p{L}\p{N}\p{M}]/gu, "")
      .slice(0, longest);
    if (term !== "") visit(term, at, at + found.length);
  }
  return at + found.length;
}

function pair(run: string, at: number, visit: Visit): void {
  const characters = Array.from(run);
  let start = at;
  for (const [i, character] of characters.entries()) {
    const next = characters[i + 1] ?? "";
    visit(plainForm(character) + plainForm(next), start, start + character.length + next.length);
    start += character.length;
  }
}

/** A half-width or compatibility character as the usual one; one that stands for several stays. */
function plainForm(character: string): string {
  const plain = character.normalize("NFKC");
  return plain === "" || isOneCharacter(plain) ? plain : character;
}

/** The terms of a text in order, with their ranges. */
export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  eachTerm(text, (term, start, end) => tokens.push({ term, start, end }));
  return tokens;
}

/** The terms of a text in order. */
export function terms(text: string): string[] {
  const list: string[] = [];
  eachTerm(text, (term) => list.push(term));
  return list;
}

/**
 * Calls `visit` with each hyphenated word of a text written as one: `pre-training` is also `pretraining`, because
 * authors are divided over it. These are terms besides those of `eachTerm`. Goes from hyphen to hyphen, since most
 * of a text is none.
 */
export function eachCompound(text: string, visit: Visit): void {
  const inWord = (i: number) => isWord[text.charCodeAt(i)] === 1;
  for (let i = text.indexOf("-"), from = 0; i >= 0; i = text.indexOf("-", from)) {
    let start = i;
    while (start > from && inWord(start - 1)) start--;
    let end = i;
    if (start < i) while (inWord(end) || (text[end] === "-" && inWord(end + 1))) end++;
    from = Math.max(end, i + 1);
    if (end === i) continue;
    const whole = text.slice(start, end).replaceAll("-", "").toLowerCase();
    // A long chain is the name of a file or a sequence, and figures joined are another figure.
    if (whole.length <= longest && /^[a-z]/.test(whole)) visit(whole, start, end);
  }
}

/** The hyphenated words of a text written as one. */
export function compounds(text: string): string[] {
  const list: string[] = [];
  eachCompound(text, (term) => list.push(term));
  return list;
}

/** Whether a term is made of Chinese, Japanese or Korean characters. */
export function isPair(term: string): boolean {
  return term.charCodeAt(0) > 0x2e7f && startsPaired.test(term);
}

function isOneCharacter(term: string): boolean {
  return term.length === ((term.codePointAt(0) ?? 0) > 0xffff ? 2 : 1);
}

/**
 * The terms to look for when a person types `text`: as `terms`, but the lone last character of a longer
 * Chinese, Japanese or Korean run is left out (in texts it marks the end of a run, which a query need not
 * meet).
 */
export function queryTerms(text: string): string[] {
  const list: string[] = [];
  let end = -1;
  eachTerm(text, (term, start, stop) => {
    const tail = isPair(term) && stop === end && isOneCharacter(term);
    end = isPair(term) ? stop : -1;
    if (!tail) list.push(term);
  });
  return list;
}

/** Whether a term of a query stands for every term that begins with it: a single such character. */
export function isPrefix(term: string): boolean {
  return isPair(term) && isOneCharacter(term);
}

/** One string for texts equal up to case, accents, punctuation and white space; empty if they have no word. */
export function textKey(text: string): string {
  return terms(text).join(" ");
}

const stems = new Map<string, string>();

/**
 * Porter's stem of a term in American spelling; Chinese in Simplified characters; other terms are their own stem.
 */
export function stem(term: string): string {
  let root = stems.get(term);
  if (root === undefined) {
    const key = kept(term);
    root = /^[a-z]+$/.test(key) ? stemmer(american(key)) : isPair(key) ? simplified(key) : key;
    if (stems.size > 200_000) stems.clear(); // a bound, not a tuning: English needs far fewer
    stems.set(key, root);
  }
  return root;
}

/**
 * A term for keeping. V8 makes a slice of 13 characters or more a view of its text: as long as the word is kept, so is
 * the abstract it was cut from.
 */
export function kept(term: string): string {
  return term.length < 13 ? term : Array.from(term).join("");
}
