import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bibtex, clipboardText, paperLink, pdfLink } from "../../studio/src/pages/papers/citation.ts";
import { dayName, monthGrid, shade, shiftMonth } from "../../studio/src/pages/papers/dates.ts";
import { readExchange, writeExchange } from "../../studio/src/pages/papers/exchange.ts";
import {
  findMarks,
  matcherOf,
  mergeMarks,
  noFilter,
  shortStart,
  termPattern,
  termsOf,
} from "../../studio/src/pages/papers/filter.ts";
import { actionOf, bindings } from "../../studio/src/pages/papers/keys.ts";
import { inOrder } from "../../studio/src/pages/papers/order.ts";
import { byPreference, cloudOf, keywordsOf } from "../../studio/src/pages/papers/preference.ts";
import { citationKey } from "../../src/papers/collect/bibtex-write.ts";
import { cutAtMarks, plainText, texPieces } from "../../src/papers/tex-pieces.ts";
import {
  addressOf,
  feedOf,
  jsonOf,
  questionOf,
  searchFrom,
  termsOfExpression,
  toggleTerm,
  viewOf,
  withLimits,
} from "../../studio/src/pages/papers/view.ts";
import { en } from "../../studio/src/shared/i18n/en.ts";
import { fill } from "../../studio/src/shared/i18n/fill.ts";
import { zh } from "../../studio/src/shared/i18n/zh.ts";
import { fixturePapers, hostile, paper } from "../server/fixture.ts";

const listed = fixturePapers.map((one) => ({ ...one, keywords: [] }));

/** Pieces in short: formulas in brackets, emphasised text in stars, links in angle brackets. */
const short = (text: string): string =>
  texPieces(text)
    .map((piece) => {
      if (piece.kind === "math") return piece.display ? `[[${piece.value}]]` : `[${piece.value}]`;
      if (piece.kind === "link") return `<${piece.value}>`;
      return piece.style === "plain" ? piece.value : `*${piece.value}*`;
    })
    .join("");

/** The places for values in a text of the interface. */
const places = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

describe("TeX in texts", () => {
  it.each([
    ["a $x^2$ b", "a [x^2] b"],
    ["$$x$$ and \\[y\\] and \\(z\\)", "[[x]] and [[y]] and [z]"],
    ["costs $5 or $10", "costs $5 or $10"],
    ["costs \\$5 and $x$", "costs $5 and [x]"],
    ["$a\\$b$", "[a\\$b]"],
    ["open $x", "open $x"],
    ["\\emph{very \\textbf{bold} indeed} end", "*very **bold** indeed* end"],
    ["\\texttt{a{b}c}", "*a**{**b**}**c*"],
    ["{braces} stay}", "{braces} stay}"],
    ["50\\% of A \\& B~C", "50% of A & B\u00a0C"],
    ["``quoted'' pages 1--2 --- yes", "“quoted” pages 1–2 — yes"],
    ["see https://a.org/x_(1).", "see <https://a.org/x_(1)>."],
    ["(https://a.org/b).", "(<https://a.org/b>)."],
    ["\\url{https://a.org} \\href{https://b.org}{B}", "<https://a.org> <B>"],
    ["\\href{javascript:alert(1)}{B} \\url{data:x}", "B data:x"],
    [hostile, hostile],
  ])("%s", (text, expected) => {
    expect(short(text)).toBe(expected);
  });

  it("shows every character once, in order, and never throws", () => {
    const parts = fc.array(
      fc.constantFrom(
        "$",
        "$$",
        "\\",
        "{",
        "}",
        "\\emph{",
        "\\href{",
        "https://a.b/",
        "a",
        " ",
        "%",
        "\\(",
        "\\)",
        "中",
        "--",
        "<b>",
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(parts, (list) => {
        const text = list.join("");
        let at = 0;
        for (const piece of texPieces(text)) {
          expect(piece.start).toBeGreaterThanOrEqual(at);
          expect(piece.end).toBeGreaterThan(piece.start);
          // What is skipped between two pieces is only a command or its closing brace.
          expect(text.slice(at, piece.start)).toMatch(/^(?:\\emph\{|\})*$/);
          at = piece.end;
        }
        expect(text.slice(at)).toMatch(/^(?:\\emph\{|\})*$/);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it("takes a megabyte of anything", () => {
    for (const part of ["$", "$ ", "{", "\\emph{x", "https://", "$x$ ", "\\("]) {
      expect(texPieces(part.repeat(1_000_000 / part.length)).length).toBeGreaterThan(0);
    }
  });

  it("marks cut text, not formulas", () => {
    const [piece] = texPieces("attention is all");
    if (piece?.kind !== "text") throw new Error("no text");
    expect(
      cutAtMarks(piece, [
        [0, 4],
        [10, 12],
      ]),
    ).toEqual([
      { value: "atte", marked: true },
      { value: "ntion ", marked: false },
      { value: "is", marked: true },
      { value: " all", marked: false },
    ]);
    expect(plainText("\\emph{a} $x$ 5\\%")).toBe("a $x$ 5%");
  });
});

describe("the filter", () => {
  const one = paper({
    id: "1",
    title: "Smart LLMs",
    abstract: "Large\nlanguage   models (C++)",
    authors: ["José"],
  });

  it.each([
    ["llm", true],
    ["art", false],
    ["large language models", true],
    ["c++", true],
    ["JOSÉ", true],
    ["(c", true],
    ["modelling", false],
  ])("%s", (include, expected) => {
    expect(matcherOf({ ...noFilter, include }).matches(one)).toBe(expected);
  });

  it("any, all, and none", () => {
    expect(matcherOf({ ...noFilter, include: "llm\nnothing" }).matches(one)).toBe(true);
    expect(matcherOf({ ...noFilter, include: "llm\nnothing", all: true }).matches(one)).toBe(false);
    expect(matcherOf({ ...noFilter, exclude: "smart" }).matches(one)).toBe(false);
    expect([matcherOf(noFilter).active, matcherOf(noFilter).matches(one)]).toEqual([false, true]);
    expect(termsOf(" a \r\n\n b\na")).toEqual(["a", "b"]);
    expect(findMarks("扩散模型", termPattern(["模型"]))).toEqual([[2, 4]]);
    expect(
      mergeMarks(
        [
          [0, 2],
          [8, 9],
        ],
        [[1, 4]],
      ),
    ).toEqual([
      [0, 4],
      [8, 9],
    ]);
  });

  it("the short form of a text begins where it shows a match", () => {
    const text = `${"Nothing here. ".repeat(40)}Here is a match. And more.`;
    expect(shortStart(text, findMarks(text, termPattern(["match"])))).toBe(text.indexOf("Here is"));
    expect(shortStart(text, findMarks(text, termPattern(["nothing"])))).toBe(0);
    expect(shortStart(text, [])).toBe(0);
    const unbroken = `${"word ".repeat(100)}match`;
    expect(unbroken.slice(shortStart(unbroken, [[500, 505]]))).toMatch(/^word (?:word )+match$/);
  });

  it("any text is a term, and is found in itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
        const [term] = termsOf(text);
        fc.pre(term !== undefined);
        expect(findMarks(` ${term} `, termPattern([term ?? ""])).length).toBeGreaterThan(0);
      }),
      { numRuns: 300, seed: 4 },
    );
  });
});

describe("orders", () => {
  const reader = {
    starredAt: (id: string): number | undefined => (id === "2606.12402" ? 1 : undefined),
    rank: <T>(some: readonly T[]): readonly T[] => [...some].reverse(),
  };

  it.each(["list", "stars", "preference", "newest"] as const)("%s is a permutation", (order) => {
    const ordered = inOrder(fixturePapers, order, reader);
    expect([...ordered].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
      [...fixturePapers].sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
  });

  it("own stars, then the collection's", () => {
    expect(
      inOrder(fixturePapers, "stars", reader)
        .slice(0, 2)
        .map(({ id }) => id),
    ).toEqual(["2606.12402", "2606.90002"]);
  });

  it("a preference left empty is the cloud's first 20 words; papers without a match keep their order", () => {
    const keywords = [["a", "b"], ["b"]];
    const words = cloudOf(listed.slice(0, 2).map((one, i) => ({ ...one, keywords: keywords[i] ?? [] })));
    expect(words).toEqual([
      { word: "b", count: 2 },
      { word: "a", count: 1 },
    ]);
    expect(cloudOf(listed.slice(0, 2).map((one) => ({ ...one, keywords: ["z", "a"] })))[0]?.word).toBe("z");
    expect(keywordsOf("", words)).toEqual(["b", "a"]);
    expect(keywordsOf("x\ny", words)).toEqual(["x", "y"]);
    expect(
      keywordsOf(
        "",
        Array.from({ length: 30 }, (_, i) => ({ word: `w${i}`, count: 1 })),
      ),
    ).toHaveLength(20);
    const ordered = byPreference(listed, ["tactile"]);
    expect(ordered.slice(0, 9).every(({ title }) => title.startsWith("Robot"))).toBe(true);
    expect(ordered.slice(9)).toEqual(listed.filter(({ title }) => !title.startsWith("Robot")));
    expect(byPreference(listed, [])).toBe(listed);
  });

  it("papers kept without keywords are given some", () => {
    expect(cloudOf(listed.slice(0, 20)).length).toBeGreaterThan(3);
  });
});

describe("citations", () => {
  it("BibTeX of an arXiv paper", () => {
    expect(
      bibtex(
        paper({
          id: "2406.00001",
          title: "A 50% gain & $x_1$ in {NLP",
          authors: ["José Müller", "A B"],
          year: 2024,
          categories: ["cs.CL"],
        }),
      ),
    ).toBe(
      [
        "@misc{muller2024gain,",
        "  title = {{A 50\\% gain \\& $x_1$ in NLP}},",
        "  author = {José Müller and A B},",
        "  year = {2024},",
        "  eprint = {2406.00001},",
        "  archivePrefix = {arXiv},",
        "  primaryClass = {cs.CL},",
        "  url = {https://arxiv.org/abs/2406.00001},",
        "}",
        "",
      ].join("\n"),
    );
  });

  it("of a venue, of hardly anything", () => {
    expect(bibtex(paper({ id: "x", venue: "ICML", url: "" }))).toMatch(
      /^@inproceedings\{lovelace2026paper,\n(?:.*\n)*? {2}booktitle = \{ICML\},/,
    );
    expect(citationKey(paper({ id: "2406.00001", title: "图像", authors: ["张三"], year: 0 }))).toBe(
      "paper240600001",
    );
    expect(clipboardText(paper({ id: "2406.00001", abstract: "" }))).toBe(
      "Paper 2406.00001\n\nAda Lovelace, Charles Babbage\n\nhttps://arxiv.org/abs/2406.00001\nhttps://arxiv.org/pdf/2406.00001",
    );
  });

  it("only web addresses are links", () => {
    expect(paperLink(paper({ id: "x", url: "javascript:alert(1)" }))).toBeUndefined();
    expect(pdfLink(paper({ id: "x", url: "https://a.org/b.pdf" }))).toBe("https://a.org/b.pdf");
    expect(pdfLink(paper({ id: "hep-th/9901001", url: "" }))).toBe("https://arxiv.org/pdf/hep-th/9901001");
  });
});

describe("views", () => {
  it.each([
    "/",
    "/starred",
    "/history",
    "/arxiv/cs.CL+cs.CV?date=2026-06-30",
    "/arxiv/search?query=a+b&categories=cs.CL",
    "/arxiv/2401.00001",
    "/venue/ICML%202025",
  ])("%s there and back", (address) => {
    const url = new URL(address, "http://localhost");
    expect(addressOf(viewOf(url.pathname, url.search))).toBe(address);
  });

  it("an order asks again only where the page cannot make it", () => {
    const search = { kind: "search", query: "x", categories: "", date: "" } as const;
    expect(questionOf(search, "list")).toBe("/arxiv/search/json?query=x");
    expect(questionOf(search, "stars")).toBe("/arxiv/search/json?query=x");
    expect(questionOf(search, "newest")).toBe("/arxiv/search/json?query=x&sort=newest");
    expect(questionOf(search, "preference")).toBe("/arxiv/search/json?query=x&limit=200");
    expect(questionOf({ kind: "list", categories: "cs", date: "" }, "preference")).toBe("/arxiv/cs/json");
  });

  it("limits, searches, expressions", () => {
    const list = viewOf("/arxiv/cs.CL", "?date=2026-06-30");
    expect(addressOf(withLimits(list, { date: "all" }))).toBe("/arxiv/cs.CL?date=all");
    expect(addressOf(searchFrom(list, "x"))).toBe("/arxiv/search?query=x");
    expect(addressOf(searchFrom(viewOf("/arxiv/search", "?query=a&categories=cs.CL"), "b"))).toBe(
      "/arxiv/search?query=b&categories=cs.CL",
    );
    expect(addressOf(withLimits({ kind: "starred" }, { categories: "cs.CL" }))).toBe("/arxiv/cs.CL");
    expect(toggleTerm("cs.CL", "cs.CV", false)).toBe("cs.CL+cs.CV");
    expect(toggleTerm("cs.CL+cs.CV", "cs.CV", true)).toBe("cs.CL-cs.CV");
    expect(toggleTerm("cs.CL-cs.CV", "cs.CV", true)).toBe("cs.CL");
    expect(termsOfExpression("???")).toEqual([]);
    expect([
      jsonOf({ kind: "venue", venue: "A/B" }),
      feedOf({ kind: "list", categories: "", date: "" }),
    ]).toEqual(["/venue/A%2FB/json", "/arxiv/feed"]);
  });
});

describe("small things", () => {
  it("keys: one meaning each, none while typing, none of the browser's", () => {
    const keys = bindings.flatMap((binding) => binding.keys);
    expect(new Set(keys).size).toBe(keys.length);
    const press = { key: "s", ctrlKey: false, metaKey: false, altKey: false };
    expect(actionOf(press, "page")).toBe("star");
    expect(actionOf(press, "field")).toBeUndefined();
    expect(actionOf({ ...press, metaKey: true }, "page")).toBeUndefined();
    expect(actionOf({ ...press, key: "Enter" }, "control")).toBeUndefined();
    expect(actionOf({ ...press, key: "Escape" }, "field")).toBe("close");
  });

  it("both languages have the same texts with the same places", () => {
    const chinese = Object.fromEntries(Object.entries(zh));
    for (const [name, text] of Object.entries(en))
      expect([name, places(chinese[name] ?? "")]).toEqual([name, places(text)]);
    expect(fill("{n} of {total} {x}", { n: 1234, total: "ten" }, "en")).toBe("1,234 of ten {x}");
  });

  it("dates", () => {
    expect(monthGrid("2026-02").filter((day) => day !== "")).toHaveLength(28);
    expect(monthGrid("2026-07").slice(0, 4)).toEqual(["", "", "2026-07-01", "2026-07-02"]);
    expect([shiftMonth("2026-01", -1), shiftMonth("2026-12", 1)]).toEqual(["2025-12", "2027-01"]);
    expect([dayName("2026-06-30", "en-GB", "short"), dayName("soon", "en-GB")]).toEqual([
      "30 Jun 2026",
      "soon",
    ]);
    expect([shade(0, 9), shade(1, 100), shade(100, 100)]).toEqual([0, 1, 4]);
  });

  it("an exported file is read back; others are not", () => {
    const entries = [{ id: "1", paper: { ...paper({ id: "1" }), keywords: ["a"] }, starredAt: 5 }];
    expect(readExchange(writeExchange({ entries, keywords: "k" }))).toEqual({ entries, keywords: "k" });
    expect(
      readExchange(
        '{"kind":"athanor-papers-reader","entries":[{"paper":{"id":7}},null,{"paper":{"id":"x"}}]}',
      ),
    ).toEqual({ entries: [], keywords: "" });
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(readExchange(text)).toBeUndefined();
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});
