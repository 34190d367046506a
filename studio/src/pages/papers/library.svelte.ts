// A reader's stars and reading record as state; kept in IndexedDB, the same in every tab.
import { SvelteMap } from "svelte/reactivity";
import type { Listed } from "../../../../src/server/answers.ts";
import { type Database, type Entry, openDatabase } from "./database.ts";

const entries = new SvelteMap<string, Entry>();
const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("athanor-papers");
let database: Promise<Database> | undefined;

/** Other tabs of this site read the database again. */
function tellOtherTabs(): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target, a window has
  channel?.postMessage("changed");
}

/** Plain data of a paper, without what a search added to it. */
function record(paper: Listed): Listed {
  const { id, title, authors, abstract, categories, venue, year, announced, url, stars, keywords } = paper;
  // Kept papers are for the reader's lists: a monstrous abstract is cut.
  return structuredClone({
    id,
    title,
    authors: [...authors],
    abstract: abstract.slice(0, 20_000),
    categories: [...categories],
    venue,
    year,
    announced,
    url,
    stars,
    keywords: [...keywords],
  });
}

async function refresh(): Promise<void> {
  const all = await (await (database ??= openDatabase())).all();
  const known = new Set(all.map(({ id }) => id));
  for (const id of entries.keys()) if (!known.has(id)) entries.delete(id);
  for (const entry of all) entries.set(entry.id, entry);
}

/** Reads what was kept, and follows other tabs. Call once. */
export async function openLibrary(): Promise<void> {
  channel?.addEventListener("message", () => void refresh());
  await refresh();
}

/** Shows a change at once and keeps it. */
async function keep(entry: Entry): Promise<void> {
  const nothing = entry.starredAt === undefined && entry.readAt === undefined;
  if (nothing) entries.delete(entry.id);
  else entries.set(entry.id, entry);
  const place = await (database ??= openDatabase());
  await (nothing ? place.remove(entry.id) : place.put([entry]));
  tellOtherTabs();
}

/** Whether and when a paper was starred. */
export function starredAt(id: string): number | undefined {
  return entries.get(id)?.starredAt;
}

/** Whether and when a paper was read. */
export function readAt(id: string): number | undefined {
  return entries.get(id)?.readAt;
}

/** Stars a paper, or takes the star away. */
export async function toggleStar(paper: Listed): Promise<void> {
  const { starredAt: was, ...rest } = entries.get(paper.id) ?? { id: paper.id, paper: record(paper) };
  await keep(was === undefined ? { ...rest, starredAt: Date.now() } : rest);
}

/** Notes that a paper was opened. */
export async function noteRead(paper: Listed): Promise<void> {
  await keep({ ...(entries.get(paper.id) ?? { id: paper.id, paper: record(paper) }), readAt: Date.now() });
}

/** Starred papers, latest star first. */
export function starredPapers(): Listed[] {
  const starred = [...entries.values()].filter((entry) => entry.starredAt !== undefined);
  return starred.sort((a, b) => (b.starredAt ?? 0) - (a.starredAt ?? 0)).map(({ paper }) => paper);
}

/** Read papers, latest first. */
export function readPapers(): Listed[] {
  const read = [...entries.values()].filter((entry) => entry.readAt !== undefined);
  return read.sort((a, b) => (b.readAt ?? 0) - (a.readAt ?? 0)).map(({ paper }) => paper);
}

/** Papers that tell what a reader likes: read or starred. */
export function keptPapers(): Listed[] {
  return [...entries.values()].map(({ paper }) => paper);
}

/** Everything kept, for a file. */
export function exportLibrary(): Entry[] {
  return $state.snapshot([...entries.values()]) as Entry[];
}

/** Adds entries from a file; those already here win. */
export async function importLibrary(imported: readonly Entry[]): Promise<void> {
  const fresh = imported.filter(({ id }) => !entries.has(id));
  for (const entry of fresh) entries.set(entry.id, entry);
  await (await (database ??= openDatabase())).put(fresh);
  tellOtherTabs();
}

/** Forgets stars and record. */
export async function forgetLibrary(): Promise<void> {
  entries.clear();
  await (await (database ??= openDatabase())).clear();
  tellOtherTabs();
}
