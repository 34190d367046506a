// What a bibliography says of a paper besides what every record has: kept, so that an entry leaves as it came.

/** Fields of `Paper.reference`, besides `type`, in the order in which they are written. */
export const referenceFields = [
  "volume",
  "number",
  "pages",
  "series",
  "edition",
  "chapter",
  "editor",
  "publisher",
  "address",
  "month",
  "isbn",
  "issn",
  "doi",
] as const;

const known: ReadonlySet<string> = new Set(["type", ...referenceFields]);

/** The known fields with a text; nothing if none has. Values are cut at 1,000 characters. */
export function referenceOf(
  value: unknown,
  clean: (text: unknown) => string,
): Readonly<Record<string, string>> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value)
    .filter(([name]) => known.has(name))
    .map(([name, text]) => [name, clean(text).slice(0, 1000)] as const)
    .filter(([name, text]) => text !== "" && (name !== "type" || /^[a-z]+$/.test(text)))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
