// A record from outside made into a `Paper`.
import { UserError } from "../errors.ts";
import { normaliseCategory } from "./categories.ts";
import { isArxivId, normaliseId, yearOfId } from "./identifier.ts";
import type { Paper } from "./paper.ts";
import { referenceOf } from "./reference.ts";
import { texToUnicode } from "./tex.ts";

/** A record that cannot become a paper; says why in one sentence. */
export class RecordError extends UserError {
  override name = "RecordError";
}

/**
 * Brings a record into the one form of the stores: identifiers without versions, categories without aliases,
 * TeX accents as letters, single spaces, days as `YYYY-MM-DD`, web addresses only. Other fields are ignored;
 * missing ones become empty, and a title that is missing becomes the identifier. Markup stays text.
 * @throws RecordError for a record without an identifier, or with neither title nor abstract.
 */
export function normalisePaper(record: unknown): Paper {
  if (typeof record !== "object" || record === null || Array.isArray(record))
    throw new RecordError(`normalisePaper: record must be an object, got ${describe(record)}.`);
  const fields = new Map<string, unknown>(Object.entries(record));
  const field = (name: string): unknown => fields.get(name);
  const id = normaliseId(clean(field("id"))).slice(0, 500);
  if (id === "") throw new RecordError("normalisePaper: record must have an id, got none.");
  const abstract = texToUnicode(clean(field("abstract") ?? field("summary")));
  const title = texToUnicode(clean(field("title"))) || (abstract === "" ? "" : id);
  if (title === "")
    throw new RecordError(`normalisePaper: record ${id} must have a title or an abstract, got neither.`);
  const year = Number(field("year"));
  const reference = referenceOf(field("reference"), (text) => texToUnicode(clean(text)));
  return {
    id,
    title,
    authors: strings(field("authors"), /\s+and\s+|;/).map(texToUnicode),
    abstract,
    categories: categoriesOf(field("categories")),
    venue: texToUnicode(clean(field("venue"))),
    year: Number.isInteger(year) && year > 0 && year < 10_000 ? year : yearOfId(id),
    announced: day(field("announced")),
    url: webAddress(clean(field("url"))) || (isArxivId(id) ? `https://arxiv.org/abs/${id}` : ""),
    stars: count(field("stars")),
    ...(reference && { reference }),
  };
}

function describe(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

/** A text in one line: control characters, byte-order marks and lone surrogates gone, white space single. */
function clean(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") return "";
  // Most texts are clean already, and one look tells.
  if (!/[^ -~]| {2}|^ | $/.test(value)) return value;
  return (
    value
      .toWellFormed()
      // oxlint-disable-next-line no-control-regex
      .replace(/[\u0000-\u0008\u000e-\u001f\u007f\ufeff\ufffd\u202a-\u202e\u2066-\u2069]/g, "")
      .replace(/\s+/g, " ")
      .trim()
      .normalize("NFC")
  );
}

function strings(value: unknown, separator: RegExp): string[] {
  const list: unknown[] = Array.isArray(value)
    ? value
    : typeof value === "string"
      ? value.split(separator)
      : [];
  return list.map(clean).filter((text) => text !== "");
}

function categoriesOf(value: unknown): string[] {
  const names = strings(value, /[\s,;]+/).map(normaliseCategory);
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** `YYYY-MM-DD` of a date or time; empty for a day that does not exist. */
function day(value: unknown): string {
  const text = clean(value).slice(0, 10);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return "";
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? text : "";
}

/** An address that a link may lead to; anything but http and https (`javascript:`, say) is dropped. */
function webAddress(text: string): string {
  if (!URL.canParse(text)) return "";
  const { protocol, href } = new URL(text);
  return protocol === "http:" || protocol === "https:" ? (text.length > 2000 ? "" : href) : "";
}

function count(value: unknown): number {
  const n = Number(value);
  return Number.isSafeInteger(n) && n > 0 ? n : 0;
}
