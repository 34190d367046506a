// What tokenizer.json does to a text before it is cut (`normalizer`), as https://github.com/huggingface/tokenizers
// does it (src/normalizers).
import { byteLevelText } from "../formats/byte-level.ts";
import { isInsideCharacter, utf8 } from "../utf8.ts";
import { type Fields, fieldsOf, flagField, listField, madeFrom, refuse, textField } from "./fields.ts";
import { jsPattern } from "./pattern.ts";
import { precompiled } from "./precompiled.ts";
import { CONTROL, MARK, NMT_REMOVED, NONSPACING_MARK, lowercase, normalForm } from "./unicode.ts";

export type Normalizer = (text: string) => string;

/** The normalizer that a file describes; null is none. @throws FileError that names the field at fault. */
export function normalizerOf(json: unknown, where: string): Normalizer {
  return json === null || json === undefined ? (text) => text : madeFrom(json, where, NORMALIZERS, 0);
}

const NORMALIZERS: Readonly<Record<string, (f: Fields, depth: number) => Normalizer>> = {
  NFC: () => (text) => normalForm(text, "NFC"),
  NFD: () => (text) => normalForm(text, "NFD"),
  NFKC: () => (text) => normalForm(text, "NFKC"),
  NFKD: () => (text) => normalForm(text, "NFKD"),
  Lowercase: () => lowercase,
  Strip: strip,
  StripAccents: () => (text) => text.replaceAll(MARK, ""),
  Nmt: () => nmt,
  Prepend: (f) => {
    const start = textField(f, "prepend");
    return (text) => (text === "" ? text : start + text);
  },
  Replace: replace,
  Precompiled: (f) => precompiled(textField(f, "precompiled_charsmap"), f.where),
  BertNormalizer: bert,
  ByteLevel: () => (text) => byteLevelText(utf8(text)),
  Sequence: (f, depth) => {
    const steps = listField(f, "normalizers").map((step, i) =>
      madeFrom(step, `${f.where}.normalizers[${i}]`, NORMALIZERS, depth + 1),
    );
    return (text) => steps.reduce((now, step) => step(now), text);
  },
};

function strip(f: Fields): Normalizer {
  const left = flagField(f, "strip_left", true);
  const right = flagField(f, "strip_right", true);
  return (text) => {
    const from = left ? text.replace(/^\p{White_Space}+/u, "") : text;
    return right ? from.slice(0, from.length - endSpaces(from)) : from;
  };
}

/** UTF-16 units of white space at the end; a pattern with `$` would try every space of the text. */
function endSpaces(text: string): number {
  let end = text.length;
  while (end > 0 && /\p{White_Space}/u.test(text.charAt(end - 1))) end--;
  return text.length - end;
}

/** The rules of Google's neural translation: control characters go, odd spaces become spaces. */
function nmt(text: string): string {
  return text
    .replaceAll(NMT_REMOVED, "")
    .replaceAll(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " ");
}

/** `{String}` or `{Regex}`: a pattern for `matchAll`. */
export function patternField(f: Fields, key: string): RegExp {
  const where = `${f.where}.${key}`;
  const p = fieldsOf(f.of[key], where);
  if (typeof p.of["Regex"] === "string") return new RegExp(jsPattern(p.of["Regex"], `load: ${where}`), "gv");
  if (typeof p.of["String"] !== "string") return refuse(where, "{ String } or { Regex }", f.of[key]);
  return new RegExp(p.of["String"].replaceAll(/[\\^$.*+?()[\]{}|/&\-!#%,:;<=>@`~]/g, "\\$&"), "gv");
}

function replace(f: Fields): Normalizer {
  const pattern = patternField(f, "pattern");
  const content = textField(f, "content");
  const plain = fieldsOf(f.of["pattern"], f.where).of["String"];
  if (typeof plain === "string" && plain !== "") return (text) => text.replaceAll(plain, () => content);
  return (text) => replaceMatches(text, pattern, content);
}

/** Oniguruma's matches, one after the other: an empty one is none where another has just ended. */
export function matchesOf(text: string, pattern: RegExp): { from: number; to: number }[] {
  const matches: { from: number; to: number }[] = [];
  if (text === "") return matches;
  let end = -1;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const { index } = match;
    const to = index + match[0].length;
    const isEmpty = to === index;
    if (isEmpty) pattern.lastIndex = to + ((text.codePointAt(to) ?? 0) > 0xffff ? 2 : 1);
    // V8 finds empty matches between the halves of a surrogate pair as well.
    if (isEmpty && (to === end || isInsideCharacter(text, to))) continue;
    end = to;
    matches.push({ from: index, to });
  }
  return matches;
}

/** `text` with every match replaced. */
export function replaceMatches(text: string, pattern: RegExp, content: string): string {
  let result = "";
  let done = 0;
  for (const { from, to } of matchesOf(text, pattern)) {
    result += text.slice(done, from) + content;
    done = to;
  }
  return result + text.slice(done);
}

/** Blocks of Chinese characters, as BERT lists them. */
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

function bert(f: Fields): Normalizer {
  const clean = flagField(f, "clean_text", true);
  const chinese = flagField(f, "handle_chinese_chars", true);
  const lower = flagField(f, "lowercase", true);
  const accents = flagField(f, "strip_accents", lower);
  return (text) => {
    let now = text;
    if (clean) now = now.replaceAll(CONTROL, "").replaceAll(/\p{White_Space}/gu, " ");
    if (chinese) now = now.replaceAll(CHINESE, " $& ");
    if (accents) now = normalForm(now, "NFD").replaceAll(NONSPACING_MARK, "");
    return lower ? lowercase(now) : now;
  };
}
