// What every paper store must do, as tests.
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Filter, Paper, PaperStore, Query, Sort } from "../../src/papers/index.ts";
import { anyText, nine, paper } from "./sample.ts";

/** How a store is tried. */
export interface Trial {
  /** Random queries; default 60. */
  readonly runs?: number;
  /** Waits until removed papers are gone from the statistics, where that takes time. */
  readonly settle?: () => Promise<void>;
}

/** Runs the contract over stores that `open` gives, each empty. */
export function storeContract(name: string, open: () => Promise<PaperStore>, trial: Trial = {}): void {
  const { runs = 60, settle } = trial;
  describe(`${name}: contract`, () => {
    let store: PaperStore;
    beforeEach(async () => {
      store = await open();
      await store.add(nine);
    });
    afterEach(() => store.close());
    const ids = async (text: string, rest: Omit<Query, "text"> = {}) =>
      (await store.search({ text, ...rest })).hits.map(({ id }) => id);
    const listed = async (filter: Filter, sort: Sort = "announced") =>
      (await store.list({ filter, sort, limit: 100 })).hits.map(({ id }) => id);

    it("gives back what was added, by any form of the identifier", async () => {
      expect(await store.count()).toBe(9);
      const got = await store.get(["https://arxiv.org/abs/2401.00001v3", "missing", "arXiv:hep-th/9901001"]);
      expect(got).toEqual([nine[0], nine[5]]);
    });

    it("adds again without change, updates what changed, keeps what a later record leaves out", async () => {
      expect(await store.add(nine)).toEqual({ added: 0, updated: 0, unchanged: 9 });
      const changed = paper({ id: "2401.00002", title: "A Review of Attention", announced: "2026-02-02" });
      expect(await store.add([changed])).toEqual({ added: 0, updated: 1, unchanged: 0 });
      expect(await ids("review")).toEqual(["2401.00002"]);
      const [now] = await store.get(["2401.00002"]);
      expect(now).toMatchObject({ abstract: nine[1]?.abstract, announced: "2026-01-02", stars: 5 });
      expect(await store.count()).toBe(9);
    });

    it("merges records of one paper within a call", async () => {
      const twice = [
        paper({ id: "2401.0005v1", title: "Old title" }),
        paper({ id: "2401.00005v2", title: "New title" }),
      ];
      expect(await store.add(twice)).toEqual({ added: 0, updated: 1, unchanged: 0 });
    });

    it("puts an exact title first, and an identifier", async () => {
      for (const { title, id } of nine) expect((await ids(title))[0]).toBe(id);
      expect((await ids("attention is all you need!"))[0]).toBe("2401.00001");
      expect((await ids("arXiv:2401.00003v2"))[0]).toBe("2401.00003");
    });

    it("finds by a second DOI and by address, or says that there is none", async () => {
      await store.add([
        paper({ id: "1406.2661", title: "Adversarial nets", url: "https://example.org/gan" }),
        paper({ id: "doi:10.1000/abc", title: "By DOI" }),
        paper({ id: "2402.00001", title: "Both", reference: { doi: "10.2000/Both" } }),
      ]);
      const forms = {
        "arXiv:1406.2661v1 [stat.ML]": "1406.2661",
        "https://example.org/gan": "1406.2661",
        "HTTPS://EXAMPLE.org/gan": "1406.2661",
        "https://doi.org/10.1000/ABC": "doi:10.1000/abc",
        "10.2000/both": "2402.00001",
        "https://dx.doi.org/10.2000/BOTH": "2402.00001",
        "ICLR.2025/7": "ICLR.2025/7",
      };
      for (const [form, id] of Object.entries(forms)) {
        expect((await ids(form))[0], form).toBe(id);
        expect(
          (await store.get([form])).map((one) => one.id),
          form,
        ).toEqual([id]);
      }
      for (const absent of ["https://arxiv.org/abs/2101.99999", "2101.00009", "10.9999/none"])
        expect(await store.search({ text: absent })).toEqual({ hits: [], total: 0 });
      expect(await store.get(["https://example.org/none", "10.9999/none", ""])).toEqual([]);
      expect(await store.remove(["10.2000/both"])).toBe(1);
      expect(await store.get(["2402.00001"])).toEqual([]);
    });

    it("finds an author by initials", async () => {
      await store.add([
        paper({ id: "b1", authors: ["Yoshua Bengio"] }),
        paper({ id: "b2", authors: ["Samy Bengio", "Yann Lecun"] }),
        paper({ id: "h", authors: ["Geoffrey Hinton"] }),
        paper({ id: "hh", authors: ["Geoffrey Adam Hinton"] }),
        paper({ id: "w", authors: ["Johannes Diderik van der Waals"] }),
      ]);
      const asked: [string, string[]][] = [
        ['author:"Y. Bengio"', ["b1"]],
        ['author:"Bengio, Y."', ["b1"]],
        ['author:"Z. Bengio"', []],
        ['author:"Y. Lecun" author:"S. Bengio"', ["b2"]],
        ['author:"G. E. Hinton"', ["h"]],
        ['author:"G. Hinton"', ["h", "hh"]],
        ['author:"J. van der Waals"', ["w"]],
        ['author:"J. D. van der Waals"', ["w"]],
        ['paper -author:"Y. Bengio" author:bengio', ["b2"]],
      ];
      for (const [text, wanted] of asked) expect((await ids(text)).toSorted(), text).toEqual(wanted);
    });

    it("puts titles with the phrase before other papers", async () => {
      await store.add([
        paper({ id: "1", title: "Zero of attention", abstract: "networks networks networks attention" }),
      ]);
      expect((await ids("attention networks"))[0]).toBe("2401.00002");
    });

    it("finds other forms of a word, the form asked for first", async () => {
      expect(await ids("universe")).toEqual(["2401.00003", "2401.00002"]);
      await store.add([
        paper({ id: "u", title: "The University in Numbers", abstract: "Networks of galaxies span it." }),
      ]);
      expect((await ids("university")).slice(0, 2)).toEqual(["u", "2401.00003"]);
      expect((await ids("universe")).slice(0, 2)).toEqual(["2401.00003", "u"]);
      expect((await ids("network")).sort()).toEqual(["2401.00002", "2401.00003", "2401.00009", "u"]);
    });

    it("puts every paper that says a sole word before all that say other forms of it only", async () => {
      const families = [
        ["university", "universal", "universe"],
        ["transformer", "transform", "transformed"],
        ["import", "importance", "important"],
        ["marketing", "market", "markets"],
        ["policy", "policies", "police"],
        ["behaviour", "behaviors", "behavior"],
      ];
      const many = "many words that say nothing of it stand around ".repeat(30);
      for (const [asked = "", ...others] of families) {
        const other = others.join(" ");
        await store.add([
          ...Array.from({ length: 12 }, (_, i) =>
            paper({ id: `${asked}:${i}`, title: `${other} ${other}`, abstract: `${other} `.repeat(9) }),
          ),
          paper({ id: `${asked}:x`, title: "Said once", abstract: `${many} ${asked}` }),
          paper({ id: `${asked}:y`, title: "By its author", authors: [`Ada ${asked}`], abstract: many }),
        ]);
      }
      for (const [asked = ""] of families)
        for (const text of [asked, `${asked.toUpperCase()} `, `+${asked}`, `${asked} -nowhere`]) {
          const { hits } = await store.search({ text, limit: 100 });
          const says = hits.map((hit) =>
            `${hit.title} ${hit.abstract} ${hit.authors.join(" ")}`
              .toLowerCase()
              .split(/\W+/)
              .includes(asked),
          );
          expect(hits.length, text).toBeGreaterThanOrEqual(14);
          expect(says.lastIndexOf(true), text).toBe(says.filter(Boolean).length - 1);
          expect(says.filter(Boolean).length, text).toBeGreaterThanOrEqual(2);
        }
      // What all must have anyway leaves the other word the sole one.
      await store.add([
        paper({ id: "m", title: "Universal universes", categories: ["cs.XX"], abstract: "marketing" }),
        paper({ id: "n", title: "University", categories: ["cs.XX"], abstract: `${many} marketing` }),
      ]);
      expect(await ids('"marketing" university cat:cs.XX')).toEqual(["n", "m"]);
      expect(await ids("university cat:cs.XX")).toEqual(["n", "m"]);
    });

    it("finds Chinese titles by word, phrase and single character", async () => {
      expect((await ids("机器学习"))[0]).toBe("2401.00004");
      expect(await ids('"机器学习"')).toEqual(["2401.00004"]);
      expect((await ids("语言模型"))[0]).toBe("2401.00004");
      expect((await ids("学")).sort()).toEqual(["2401.00004", "2401.00005"]);
      expect(await ids("author:王小明")).toEqual(["2401.00004"]);
      expect(await ids("title:理论 learning")).toEqual(["2401.00005"]);
    });

    it("obeys phrases, fields, exclusions and requirements", async () => {
      expect(await ids('"all you need"')).toEqual(["2401.00001"]);
      expect(await ids('"you all need"')).toEqual([]);
      expect((await ids('"attention networks"')).sort()).toEqual(["2401.00002"]);
      expect(await ids("author:need")).toEqual(["2401.00003"]);
      expect(await ids('author:"albert einstein"')).toEqual(["2401.00003"]);
      expect(await ids('author:"einstein bob"')).toEqual([]);
      expect((await ids("attention -survey")).sort()).toEqual(["2401.00001", "ICLR.2025/7"]);
      expect((await ids("title:attention networks")).sort()).toEqual(["2401.00001", "2401.00002"]);
      expect(await ids("attention +galaxies")).toEqual(["2401.00003"]);
      expect(await ids("neural-network")).toContain("2401.00009");
    });

    it("finds either spelling of a word, and hyphenated words written as one", async () => {
      await store.add([
        paper({ id: "uk", title: "Pre-training of Behaviour", abstract: "Optimisation." }),
        paper({ id: "us", title: "Pretraining of Behavior", abstract: "Optimization." }),
      ]);
      for (const text of ["pre-training", "pretraining", "behaviour", "behavior", "optimising", "optimizing"])
        expect((await ids(text)).sort(), text).toEqual(["uk", "us"]);
      for (const [text, first] of Object.entries({ behaviour: "uk", behavior: "us", optimization: "us" }))
        expect((await ids(text))[0], text).toBe(first);
      expect((await ids("title:pretraining")).sort()).toEqual(["uk", "us"]);
      // What stands in quotes stands as written.
      expect(await ids('"pre training"')).toEqual(["uk"]);
      expect(await ids('"behaviour pretraining"')).toEqual([]);
      const { hits } = await store.search({ text: "pretraining" });
      expect(hits.find(({ id }) => id === "uk")?.markedTitle.marks).toEqual([[0, 12]]);
    });

    it("obeys categories, days and venues, in the text and in the filter", async () => {
      expect((await ids("attention cat:cs.LG")).sort()).toEqual(["2401.00001", "2401.00002", "ICLR.2025/7"]);
      expect(await ids("attention cat:cs.LG-cs.CL venue:iclr")).toEqual(["ICLR.2025/7"]);
      expect((await ids("attention -cat:cs.CL")).sort()).toEqual(["2401.00002", "ICLR.2025/7"]);
      expect(await ids("attention", { filter: { categories: "cs", to: "2026-01-01" } })).toEqual([
        "2401.00001",
      ]);
      expect((await ids("from:2026-01-04")).sort()).toEqual(["2401.00009", "ICLR.2025/7"]);
      expect(await ids("cat:hep-th")).toEqual(["hep-th/9901001"]);
      expect((await listed({ categories: "cs.LG+astro-ph" })).sort()).toEqual(
        ["2401.00001", "2401.00002", "2401.00003", "ICLR.2025/7"].sort(),
      );
      expect(await listed({ ids: ["2401.0009", "2401.00001v7"] })).toEqual(["2401.00009", "2401.00001"]);
      expect(await listed({ to: "2026-01-01" })).toEqual(["2401.00001", "hep-th/9901001"]);
    });

    it("sorts by announcement, newest and stars", async () => {
      const all = nine.map(({ id }) => id);
      expect((await listed({}, "announced")).slice(0, 4)).toEqual([
        "2401.00009",
        "ICLR.2025/7",
        "2401.00004",
        "2401.00005",
      ]);
      expect((await listed({}, "newest")).slice(0, 4)).toEqual([
        "ICLR.2025/7",
        "2401.00009",
        "2401.00005",
        "2401.00004",
      ]);
      expect((await listed({}, "stars")).slice(0, 3)).toEqual(["2401.00001", "hep-th/9901001", "2401.00002"]);
      expect((await listed({})).toSorted()).toEqual(all.toSorted());
      expect(await ids("attention", { sort: "newest" })).toEqual(["ICLR.2025/7", "2401.00002", "2401.00001"]);
      expect(await ids("attention", { sort: "stars" })).toEqual(["2401.00001", "2401.00002", "ICLR.2025/7"]);
    });

    it("pages without gaps or repeats, also under equal scores", async () => {
      const same = Array.from({ length: 25 }, (_, i) =>
        paper({ id: `same:${i}`, title: "Equal words", announced: "2026-03-03" }),
      );
      await store.add(same);
      for (const sort of ["relevance", "announced", "newest", "stars"] as const)
        for (const text of ["equal words", "date:2026-03-03"]) {
          const seen: string[] = [];
          let cursor: string | undefined;
          do {
            const page = await store.search({
              text,
              sort,
              limit: 7,
              ...(cursor !== undefined && { cursor }),
            });
            expect(page.total).toBe(25);
            seen.push(...page.hits.map(({ id }) => id));
            cursor = page.next;
          } while (cursor !== undefined);
          expect(new Set(seen).size).toBe(25);
          expect(seen.length).toBe(25);
        }
    });

    it("forgets removed papers: every ranking is as before", async () => {
      const queries = ["attention networks", "universe", "学习", "neural cat:cs.LG"];
      const state = async () =>
        Promise.all(
          queries.map(async (text) =>
            (await store.search({ text })).hits.map(({ id, score }) => [id, score]),
          ),
        );
      const before = await state();
      const more = Array.from({ length: 20 }, (_, i) =>
        paper({ id: `x:${i}`, title: "Attention networks of the universe 学习" }),
      );
      await store.add(more);
      expect(await state()).not.toEqual(before);
      expect(await store.remove([...more.map(({ id }) => id), "missing"])).toBe(20);
      await settle?.();
      expect(await state()).toEqual(before);
      expect(await store.count()).toBe(9);
    });

    it("tells days, categories and venues", async () => {
      expect(await store.days()).toEqual([
        { value: "2026-01-04", count: 2 },
        { value: "2026-01-03", count: 2 },
        { value: "2026-01-02", count: 2 },
        { value: "2026-01-01", count: 2 },
      ]);
      expect(await store.days("cs.LG")).toEqual([
        { value: "2026-01-04", count: 1 },
        { value: "2026-01-02", count: 1 },
        { value: "2026-01-01", count: 1 },
      ]);
      expect((await store.categories()).slice(0, 2)).toEqual([
        { value: "cs.LG", count: 3 },
        { value: "cs.CL", count: 2 },
      ]);
      expect(await store.categories("2026-01-02")).toEqual([
        { value: "astro-ph.CO", count: 1 },
        { value: "cs.LG", count: 1 },
      ]);
      expect((await store.venues())[0]).toEqual({ value: "arXiv", count: 7 });
      expect(await store.documents(["attention", "networks", "nowhere"])).toEqual([3, 3, 0]);
    });

    it("walks over all papers, and its version moves with every change", async () => {
      const all: Paper[] = [];
      for await (const one of store.all()) all.push(one);
      expect(all.map(({ id }) => id)).toEqual(nine.map(({ id }) => id).toSorted());
      const before = await store.version();
      await store.remove(["bib:knuth"]);
      expect(await store.version()).not.toBe(before);
    });

    it("marks what it found", async () => {
      const [hit] = (await store.search({ text: "transformers graph" })).hits;
      expect(hit?.markedTitle).toEqual({
        text: "Graph Transformers",
        marks: [
          [0, 5],
          [6, 18],
        ],
      });
      expect(hit?.snippet).toEqual({ text: "Attention on graphs.", marks: [[13, 19]] });
    });

    it("keeps markup as text", async () => {
      const title = '<script>alert(1)</script> & "quotes"';
      await store.add([paper({ id: "html", title, abstract: "<b onclick=x>bold</b>" })]);
      const [hit] = (await store.search({ text: "alert" })).hits;
      expect(hit?.title).toBe(title);
      expect(hit?.markedTitle.text).toBe(title);
    });

    it("refuses wrong options in words", async () => {
      await expect(store.search({ text: "x", limit: 0 })).rejects.toThrow(
        "search: limit must be an integer from 1 to 1000, got 0.",
      );
      await expect(store.search({ text: "x", cursor: "nonsense" })).rejects.toThrow(
        'search: cursor must be the `next` of a page with sort "relevance", got "nonsense".',
      );
      await expect(store.list({ filter: { categories: "??" } })).rejects.toThrow(
        'list: filter.categories must be a category expression, got "??". Write cs.AI+cs.LG-cs.CY.',
      );
      await expect(store.list({ filter: { from: "1st May" } })).rejects.toThrow(
        'list: filter.from must be a day, got "1st May". Write YYYY-MM-DD.',
      );
    });

    it("answers any text, never with an exception", async () => {
      const nasty = [
        "c++ AND",
        "neural-network",
        "foo:bar",
        '"open',
        "*",
        "",
        "'",
        "a:",
        "-",
        "+",
        "cat:",
        "cat:??",
        "AND OR NOT",
        "NEAR(a b)",
        "{title}: x",
        "\0",
        "\ud800",
        "title:",
        'title:"',
        "-cat:x-",
        "from:2026",
        "id:,,",
        "^a",
        "学*",
        "%",
        'a"b"c',
        "\u{10ffff}",
      ];
      for (const text of nasty) expect((await store.search({ text })).total).toBeGreaterThanOrEqual(0);
      const word = fc.constantFrom(
        "attention",
        "title:",
        "-",
        "+",
        '"',
        "cat:cs",
        "学",
        "(",
        ")",
        "*",
        "AND",
        ":",
        "from:2026-01-01",
        "\0",
        "need",
      );
      const text = fc.oneof(
        anyText,
        fc.string(),
        fc.array(word).map((w) => w.join("")),
        fc.array(word).map((w) => w.join(" ")),
      );
      await fc.assert(
        fc.asyncProperty(text, async (query) => {
          const page = await store.search({ text: query });
          expect(page.hits.length).toBeLessThanOrEqual(page.total);
        }),
        { numRuns: runs, seed: 7 },
      );
    });

    it("answers a query of a megabyte, and keeps an abstract of one", async () => {
      const long = `zebra ${"lorem ipsum dolor ".repeat(60_000)}`;
      await store.add([paper({ id: "long", title: "Long", abstract: long })]);
      expect((await ids("zebra"))[0]).toBe("long");
      expect((await store.search({ text: `attention ${"x y ".repeat(250_000)}` })).total).toBeGreaterThan(0);
      expect((await store.search({ text: "a".repeat(1 << 20) })).total).toBe(0);
      const [back] = await store.get(["long"]);
      expect(back?.abstract.length).toBe(long.trim().length);
    });
  });
}
