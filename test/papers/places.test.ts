// Postings and places as bytes, and the phrases and fields that are answered from them.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScorer, type Paper } from "../../src/papers/index.ts";
import { openStore } from "../../src/papers/node/index.ts";
import { createOccurrenceLog, placeBits } from "../../src/papers/occurrences.ts";
import {
  createEncoder,
  eachPosting,
  type Postings,
  readPostings,
} from "../../src/papers/node/sqlite/postings.ts";
import { queryTerms } from "../../src/papers/tokens.ts";
import { paper } from "./sample.ts";

const words = ["alpha", "beta", "gamma", "delta", "networks", "network"];
const text = fc.array(fc.constantFrom(...words), { maxLength: 8 });
interface Record {
  readonly title: readonly string[];
  readonly abstract: readonly string[];
  readonly authors: readonly (readonly string[])[];
}
const record: fc.Arbitrary<Record> = fc.record({
  title: text.filter((list) => list.length > 0),
  abstract: text,
  authors: fc.array(text, { maxLength: 3 }),
});
const paperOf = ({ title, abstract, authors }: Record, i: number): Paper => ({
  ...paper({ id: `p:${i}`, title: title.join(" "), abstract: abstract.join(" ") }),
  authors: authors.map((name) => name.join(" ")),
});

/** Where a word stands: field (abstract 0, title 1, authors 2) and position; a gap of one between two authors. */
function placesIn({ title, abstract, authors }: Record, word: string): [field: number, position: number][] {
  const names = authors.flatMap((name, i) => (i > 0 ? ["", ...name] : name));
  return [abstract, title, names].flatMap((list, field) =>
    list.flatMap((w, i): [number, number][] => (w === word ? [[field, i]] : [])),
  );
}

function read(postings: Postings): { slot: number; frequency: number; places: [number, number][] }[] {
  const found: ReturnType<typeof read> = [];
  for (const cursor = readPostings(postings); cursor.next(); ) {
    const places = cursor
      .places()
      .map((place): [number, number] => [place >>> placeBits, place & ((1 << placeBits) - 1)]);
    found.push({ slot: cursor.slot, frequency: cursor.frequency, places });
  }
  return found;
}
const copy = ({ data, places }: Postings): Postings => ({ data: data.slice(), places: places.slice() });

describe("postings", () => {
  it("give back every slot, frequency and place, also joined and without some papers", () => {
    const scene = fc.tuple(fc.array(record, { minLength: 1, maxLength: 12 }), fc.nat(12), fc.nat(300));
    fc.assert(
      fc.property(scene, ([records, cut, first]) => {
        const encoder = createEncoder();
        const encodeFrom = (from: number, to: number, word: string): Postings[] => {
          const log = createOccurrenceLog();
          for (let i = from; i < to; i++)
            log.add(paperOf(records[i] ?? { title: [], abstract: [], authors: [] }, i));
          const all = log.byTerm();
          const term = all.names.indexOf(word);
          return term < 0 ? [] : [copy(encoder.encode(all, term, first + from))];
        };
        const split = Math.min(cut, records.length);
        for (const word of words) {
          const wanted = records.flatMap((r, i) => {
            const places = placesIn(r, word);
            const frequency = places.reduce((sum, [field]) => sum + (field === 1 ? 5 : 1), 0);
            return places.length > 0 ? [{ slot: first + i, frequency, places }] : [];
          });
          const [whole] = encodeFrom(0, records.length, word);
          expect(whole ? read(whole) : []).toEqual(wanted);
          const parts = [...encodeFrom(0, split, word), ...encodeFrom(split, records.length, word)];
          expect(read(copy(encoder.join(parts)))).toEqual(wanted);
          const odd = new Set(wanted.map(({ slot }) => slot).filter((slot) => slot % 2 === 1));
          const even = whole ? read(copy(encoder.without(whole, odd))) : [];
          expect(even).toEqual(wanted.filter(({ slot }) => slot % 2 === 0));
          const plain: number[] = [];
          if (whole) eachPosting(whole.data, (slot) => plain.push(slot));
          expect(plain).toEqual(wanted.map(({ slot }) => slot));
        }
      }),
      { seed: 23, numRuns: 100 },
    );
  });
  it("hold positions and frequencies of any size", () => {
    const log = createOccurrenceLog();
    const authors = Array.from({ length: 70_000 }, (_, i) => (i % 20_000 === 0 ? "rare" : "other"));
    log.add({ title: "rare", abstract: `${"x ".repeat(300_000)} rare`, authors });
    const all = log.byTerm();
    const [only] = read(createEncoder().encode(all, all.names.indexOf("rare"), 2 ** 31 - 5));
    expect(only?.slot).toBe(2 ** 31 - 5);
    expect(only?.frequency).toBe(1 + 5 + 4);
    expect(only?.places).toEqual([
      [0, 300_000],
      [1, 0],
      [2, 0],
      [2, 40_000],
      [2, 80_000],
      [2, 120_000],
    ]);
  });
});

describe("phrases and fields", () => {
  /** By looking at every text. `networks` is a form of `network`. */
  function stands(r: Record, field: string, phrase: readonly string[], anyForm: boolean): boolean {
    const same = (w: string | undefined, p: string) =>
      w === p || (anyForm && w !== undefined && w.startsWith("network") && p.startsWith("network"));
    const inList = (list: readonly string[]) =>
      list.some((_, i) => phrase.every((p, j) => same(list[i + j], p)));
    const lists = { title: [r.title], abstract: [r.abstract], author: r.authors };
    return Object.entries(lists).some(([name, all]) => (field === "" || field === name) && all.some(inList));
  }
  it("find the papers that a look at every text finds, over segments, merges and removals", async () => {
    const phrase = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 });
    const field = fc.constantFrom("", "title", "abstract", "author");
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 20 }),
        fc.array(fc.tuple(field, phrase, fc.boolean()), { minLength: 1, maxLength: 6 }),
        async (records, questions) => {
          const store = await openStore(":memory:");
          for (const [i, r] of records.entries()) {
            // One at a time: many segments, which are merged at the eighth.
            await store.add([paperOf(r, i), paper({ id: `gone:${i}`, title: words.join(" ") })]);
          }
          await store.remove(records.map((_, i) => `gone:${i}`));
          for (const [name, list, quoted] of questions) {
            const exact = quoted || list.length > 1;
            const said = exact ? `"${list.join(" ")}"` : (list[0] ?? "");
            const query = `${name === "" ? (exact ? "" : "+") : `${name}:`}${said}`;
            const { hits } = await store.search({ text: query, limit: 100 });
            const wanted = records.flatMap((r, i) => (stands(r, name, list, !exact) ? [`p:${i}`] : []));
            expect(hits.map(({ id }) => id).toSorted(), query).toEqual(wanted.toSorted());
            const without = await store.search({ text: `-${query.replace(/^\+/, "")}`, limit: 100 });
            expect(without.total, `-${query}`).toBe(records.length - wanted.length);
          }
          await store.close();
        },
      ),
      { seed: 29, numRuns: 60 },
    );
  });
});

describe("a collection of several windows of slots", () => {
  const papers = Array.from({ length: 20_000 }, (_, i) =>
    paper({
      id: `w:${String(i).padStart(5, "0")}`,
      title: `Item ${i}`,
      abstract: `${i % 3 === 0 ? "alpha networks " : ""}${i % 7 === 0 ? "beta network " : ""}${"gamma ".repeat(i % 5)}`,
    }),
  );
  it("is ranked as in memory, and counted whole", async () => {
    const store = await openStore(":memory:");
    for (let at = 0; at < papers.length; at += 3000) await store.add(papers.slice(at, at + 3000));
    const scorer = createScorer(papers);
    for (const query of ["alpha beta", "networks gamma", "item 17 beta", "gamma"]) {
      const wanted = scorer.score(queryTerms(query), papers.length);
      const { hits, total } = await store.search({ text: query, limit: 1000 });
      expect(total).toBe(wanted.length);
      for (const [i, { score }] of hits.entries()) expect(score % 1000).toBeCloseTo(wanted[i]?.score ?? 0, 6);
    }
    await store.close();
  });
  it("gives the same hits page by page as at once, raised titles included", async () => {
    const store = await openStore(":memory:");
    const raised = Array.from({ length: 130 }, (_, i) =>
      paper({ id: `r:${i}`, title: `A${" long".repeat(i % 9)} note on alpha beta`, abstract: "gamma" }),
    );
    await store.add([...papers.slice(0, 9000), ...raised, ...papers.slice(9000, 9500)]);
    for (const limit of [7, 60, 400]) {
      const { hits } = await store.search({ text: "alpha beta", limit: 1000 });
      const paged: string[] = [];
      for (
        let cursor: string | undefined, first = true;
        paged.length < 1000 && (first || cursor);
        first = false
      ) {
        const page = await store.search({
          text: "alpha beta",
          limit,
          ...(cursor !== undefined && { cursor }),
        });
        paged.push(...page.hits.map(({ id }) => id));
        cursor = page.next;
      }
      expect(paged.slice(0, 1000)).toEqual(hits.map(({ id }) => id));
    }
    await store.close();
  });
});
