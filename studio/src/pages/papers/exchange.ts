// The file a reader takes from one browser to another. Read as what it is: a text from anywhere.
import type { Listed } from "../../../../src/server/answers.ts";
import type { Entry } from "./database.ts";

const kind = "athanor-papers-reader";

/** What the file holds. */
export interface Exchange {
  readonly entries: readonly Entry[];
  readonly keywords: string;
}

/** Writes the file. */
export function writeExchange({ entries, keywords }: Exchange): string {
  return `${JSON.stringify({ kind, version: 1, keywords, entries }, null, 1)}\n`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function paper(value: Record<string, unknown>): Listed {
  return {
    id: text(value["id"]),
    title: text(value["title"]),
    authors: texts(value["authors"]),
    abstract: text(value["abstract"]),
    categories: texts(value["categories"]),
    venue: text(value["venue"]),
    year: number(value["year"]),
    announced: text(value["announced"]),
    url: text(value["url"]),
    stars: number(value["stars"]),
    keywords: texts(value["keywords"]),
  };
}

function entry(value: unknown): Entry | undefined {
  if (!isRecord(value) || !isRecord(value["paper"])) return undefined;
  const read = paper(value["paper"]);
  const starred = number(value["starredAt"]);
  const readTime = number(value["readAt"]);
  if (read.id === "" || (starred === 0 && readTime === 0)) return undefined;
  return {
    id: read.id,
    paper: read,
    ...(starred > 0 && { starredAt: starred }),
    ...(readTime > 0 && { readAt: readTime }),
  };
}

/** Reads the file, or nothing if it is another kind of file. Entries that cannot be read are left out. */
export function readExchange(content: string): Exchange | undefined {
  try {
    const value: unknown = JSON.parse(content);
    if (!isRecord(value) || value["kind"] !== kind || !Array.isArray(value["entries"])) return undefined;
    return {
      keywords: text(value["keywords"]),
      entries: value["entries"].map(entry).filter((e) => e !== undefined),
    };
  } catch {
    return undefined;
  }
}
