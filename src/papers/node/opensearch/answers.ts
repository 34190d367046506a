// Reading the server's answers, which are data from outside: whatever is not there reads as empty.
import { normalisePaper } from "../../normalise.ts";
import type { Paper } from "../../paper.ts";

/** A JSON object. */
export type Json = Record<string, unknown>;
/** The body of a search's answer. */
export type Found = object;

function at(value: unknown, path: readonly string[]): unknown {
  let here = value;
  for (const name of path)
    here =
      typeof here === "object" && here !== null
        ? new Map<string, unknown>(Object.entries(here)).get(name)
        : undefined;
  return here;
}

/** The number at a path; 0 if there is none. */
export function numberAt(value: unknown, ...path: readonly string[]): number {
  const found = readProperty(value, path);
  return typeof found === "number" ? found : 0;
}

/** The text at a path; empty if there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, path);
  return typeof found === "string" ? found : "";
}

/** Whether something is at a path. */
export function hasAt(value: unknown, ...path: readonly string[]): boolean {
  return at(value, path) !== undefined;
}

/** As `at`, but through getters too: the client's errors have some. */
function readProperty(value: unknown, path: readonly string[]): unknown {
  let here = value;
  for (const name of path)
    here = typeof here === "object" && here !== null ? (Reflect.get(here, name) as unknown) : undefined;
  return here;
}

function listAt(value: unknown, ...path: readonly string[]): unknown[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}

/** One hit of a search. */
export interface FoundPaper {
  readonly paper: Paper;
  readonly score: number;
  readonly sort: readonly (string | number)[];
}

/** The hits of a search and how many there are in all. */
export function hitsOf(found: Found): { hits: FoundPaper[]; total: number } {
  const hits = listAt(found, "hits", "hits").map((hit) => ({
    paper: normalisePaper(at(hit, ["_source", "paper"])),
    score: numberAt(hit, "_score"),
    sort: listAt(hit, "sort").filter((v) => typeof v === "string" || typeof v === "number"),
  }));
  return { hits, total: numberAt(found, "hits", "total", "value") };
}

/** The papers of a multiple get that exist. */
export function papersOf(body: object): Paper[] {
  return listAt(body, "docs").flatMap((doc) =>
    at(doc, ["found"]) === true ? [normalisePaper(at(doc, ["_source", "paper"]))] : [],
  );
}

/** The buckets of an aggregation. */
export function bucketsOf(found: Found, name: string): { key: string; count: number }[] {
  return listAt(found, "aggregations", name, "buckets").map((bucket) => ({
    key: textAt(bucket, "key"),
    count: numberAt(bucket, "doc_count"),
  }));
}
