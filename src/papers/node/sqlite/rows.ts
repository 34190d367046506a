// Rows of the table `papers` and the plain objects they stand for.
import type { Paper } from "../../paper.ts";
import type { Row } from "./connection.ts";

/** The paper in a row. */
export function fromRow(row: Row): Paper {
  // A file of format 2 that may only be read has no such column.
  const reference = row["reference"];
  return {
    id: String(row["id"]),
    title: String(row["title"]),
    authors: list(row["authors"]),
    abstract: String(row["abstract"]),
    categories: list(row["categories"]),
    venue: String(row["venue"]),
    year: Number(row["year"]),
    announced: String(row["announced"]),
    url: String(row["url"]),
    stars: Number(row["stars"]),
    ...(typeof reference === "string" && reference !== "" && { reference: texts(reference) }),
  };
}

function texts(json: string): Record<string, string> {
  const value: unknown = JSON.parse(json);
  return Object.fromEntries(Object.entries(value ?? {}).map(([name, text]) => [name, String(text)]));
}

/** What the columns `reference` and `doi` hold of a paper. */
export function referenceColumns({ id, reference }: Paper): [reference: string, doi: string] {
  const doi = id.startsWith("doi:") ? "" : (reference?.["doi"] ?? "").toLowerCase();
  return [reference ? JSON.stringify(reference) : "", doi];
}

function list(json: Row[string] | undefined): string[] {
  const value: unknown = JSON.parse(String(json));
  return Array.isArray(value) ? value.map(String) : [];
}

/** The bytes in a column; none if it holds something else. */
export function blob(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** A `textKey` as the index of titles holds it: its head is enough to recognise a title. */
export function titleKey(key: string): string {
  return key.slice(0, 500);
}

/** 32 bits of a `titleKey` (FNV-1a over UTF-16 units): a small index of titles; what it finds is compared in full. */
export function titleHash(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
