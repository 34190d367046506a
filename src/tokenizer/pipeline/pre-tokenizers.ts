// How tokenizer.json cuts a text before the model sees it (`pre_tokenizer`), as
// https://github.com/huggingface/tokenizers does it (src/pre_tokenizers, src/tokenizer/normalizer.rs).
import { byteLevelText } from "../formats/byte-level.ts";
import { utf8 } from "../utf8.ts";
import {
  type Fields,
  characterField,
  choiceField,
  countField,
  flagField,
  listField,
  madeFrom,
  refuse,
} from "./fields.ts";
import { matchesOf, patternField } from "./normalizers.ts";
import { jsPattern } from "./pattern.ts";
import { PUNCTUATION } from "./unicode.ts";

/** A part of a text; `first` if it begins where the original does. */
export interface Segment {
  readonly text: string;
  readonly first: boolean;
}

export type PreTokenizer = (segments: readonly Segment[]) => Segment[];

/** The pre-tokenizer that a file describes; null is none. @throws FileError that names the field at fault. */
export function preTokenizerOf(json: unknown, where: string): PreTokenizer {
  return json === null || json === undefined ? (s) => [...s] : madeFrom(json, where, PRE_TOKENIZERS, 0);
}

/** The pattern of GPT-2, which a ByteLevel pre-tokenizer implies. */
export const GPT2_SPLIT =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** What becomes of the matches of a split. */
const BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"] as const;
export type Behavior = (typeof BEHAVIORS)[number];

const PRE_TOKENIZERS: Readonly<Record<string, (f: Fields, depth: number) => PreTokenizer>> = {
  BertPreTokenizer: () => {
    const words = splitter(/\p{White_Space}/gu, "Removed");
    const marks = splitter(new RegExp(PUNCTUATION, "gv"), "Isolated");
    return (s) => marks(words(s));
  },
  ByteLevel: byteLevel,
  CharDelimiterSplit: (f) => splitter(exactly(characterField(f, "delimiter")), "Removed"),
  Digits: (f) => splitter(/\p{N}/gu, flagField(f, "individual_digits", false) ? "Isolated" : "Contiguous"),
  FixedLength: fixedLength,
  Metaspace: metaspace,
  Punctuation: (f) =>
    splitter(new RegExp(PUNCTUATION, "gv"), choiceField(f, "behavior", BEHAVIORS, "Isolated")),
  Sequence: (f, depth) => {
    const steps = listField(f, "pretokenizers").map((step, i) =>
      madeFrom(step, `${f.where}.pretokenizers[${i}]`, PRE_TOKENIZERS, depth + 1),
    );
    return (segments) => steps.reduce((now, step) => step(now), [...segments]);
  },
  Split: (f) => {
    const pattern = patternField(f, "pattern");
    return splitter(pattern, choiceField(f, "behavior", BEHAVIORS), flagField(f, "invert", false));
  },
  // \w and \s of the Rust crate `regex`.
  Whitespace: () =>
    splitter(
      /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d\p{White_Space}]+/gu,
      "Removed",
      true,
    ),
  WhitespaceSplit: () => splitter(/\p{White_Space}/gu, "Removed"),
};

function exactly(text: string): RegExp {
  return new RegExp(`\\u{${(text.codePointAt(0) ?? 0).toString(16)}}`, "gu");
}

/** Runs `cut` over every segment and drops what is empty. */
function each(cut: (segment: Segment) => readonly Segment[]): PreTokenizer {
  return (segments) => segments.flatMap((s) => cut(s).filter((part) => part.text !== ""));
}

function splitter(pattern: RegExp, behavior: Behavior, invert = false): PreTokenizer {
  return each((segment) => splitText(segment, pattern, behavior, invert));
}

/** `[from, to)` and whether it is a match. */
type Range = { from: number; to: number; readonly match: boolean };

/** Cuts a segment at the matches of a pattern. */
export function splitText(
  { text, first }: Segment,
  pattern: RegExp,
  behavior: Behavior,
  invert: boolean,
): Segment[] {
  const ranges: Range[] = [];
  let at = 0;
  for (const { from, to } of matchesOf(text, pattern)) {
    if (from > at) ranges.push({ from: at, to: from, match: invert });
    ranges.push({ from, to, match: !invert });
    at = to;
  }
  if (at < text.length || ranges.length === 0) ranges.push({ from: at, to: text.length, match: invert });
  const kept = behavior === "Removed" ? ranges.filter((r) => !r.match) : joined(ranges, behavior);
  return kept.map(({ from, to }) => ({ text: text.slice(from, to), first: first && from === 0 }));
}

/** Joins matches with their neighbours as the behavior says. */
function joined(ranges: readonly Range[], behavior: Exclude<Behavior, "Removed">): Range[] {
  if (behavior === "Isolated") return [...ranges];
  const backwards = behavior === "MergedWithNext";
  const result: Range[] = [];
  let previous = false;
  for (const range of backwards ? ranges.toReversed() : ranges) {
    const last = result.at(-1);
    const joins = behavior === "Contiguous" ? range.match === previous : range.match && !previous;
    if (!joins || last === undefined) result.push({ ...range });
    else if (backwards) last.from = range.from;
    else last.to = range.to;
    previous = range.match;
  }
  return backwards ? result.reverse() : result;
}

function byteLevel(f: Fields): PreTokenizer {
  const prefix = flagField(f, "add_prefix_space", true);
  const pattern = flagField(f, "use_regex", true) ? new RegExp(jsPattern(GPT2_SPLIT), "gv") : undefined;
  return (segments) =>
    segments.flatMap((segment) => {
      const spaced = prefix && !segment.text.startsWith(" ") ? ` ${segment.text}` : segment.text;
      const whole = { ...segment, text: spaced };
      const parts = pattern === undefined ? [whole] : splitText(whole, pattern, "Isolated", false);
      return parts.filter((p) => p.text !== "").map((p) => ({ ...p, text: byteLevelText(utf8(p.text)) }));
    });
}

function fixedLength(f: Fields): PreTokenizer {
  const length = countField(f, "length", 5);
  if (length === 0) refuse(`${f.where}.length`, "an integer ≥ 1", 0);
  return each(({ text, first }) => {
    const characters = Array.from(text);
    const parts: Segment[] = [];
    for (let i = 0; i < characters.length; i += length) {
      parts.push({ text: characters.slice(i, i + length).join(""), first: first && i === 0 });
    }
    return parts;
  });
}

function metaspace(f: Fields): PreTokenizer {
  const mark = characterField(f, "replacement");
  const scheme = prependScheme(f);
  const pattern = flagField(f, "split", true) ? exactly(mark) : undefined;
  return each((segment) => {
    const text = segment.text.replaceAll(" ", mark);
    const wanted = scheme === "always" || (scheme === "first" && segment.first);
    const whole = { ...segment, text: wanted && !text.startsWith(mark) ? mark + text : text };
    return pattern === undefined ? [whole] : splitText(whole, pattern, "MergedWithNext", false);
  });
}

/** `prepend_scheme`, and `add_prefix_space` of older files. */
export function prependScheme(f: Fields): "first" | "never" | "always" {
  const scheme = choiceField(f, "prepend_scheme", ["first", "never", "always"], "always");
  if (f.of["add_prefix_space"] !== false) return scheme;
  if (f.of["prepend_scheme"] !== undefined && scheme !== "never") {
    refuse(`${f.where}.prepend_scheme`, '"never" beside add_prefix_space: false', scheme);
  }
  return "never";
}
