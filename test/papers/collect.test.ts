import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { normalisePaper, readBibtex, toBibtex } from "../../src/papers/index.ts";
import { fileSource, importPapers, openStore } from "../../src/papers/node/index.ts";
import { createBibParser, parseBibtex } from "../../src/papers/collect/bibtex-parse.ts";
import { texToUnicode } from "../../src/papers/tex.ts";
import { plainTex } from "../../src/papers/tex-pieces.ts";
import { anyText, nine, paper } from "./sample.ts";

let folder = "";
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "papers-"))));
afterEach(() => rm(folder, { recursive: true }));

describe("JSONL", () => {
  const lines = [
    JSON.stringify({
      id: "2401.00001v2",
      title: "  One \n two ",
      authors: ["A. B"],
      categories: ["cs.NA", "68T45", "I.2"],
      announced: "2026-01-02T10:00:00Z",
    }),
    "{broken",
    "",
    '{"id": "2401.00002"}',
    "[1,2]",
    JSON.stringify({
      id: "2401.0003",
      title: "Schr\\\"odinger's $\\alpha$",
      authors: "Erd{\\H{o}}s and P. Q.",
      url: "javascript:alert(1)",
      year: "x",
    }),
    "\u0000\u0001",
  ];
  it("imports what can be read and reports the rest by line", async () => {
    const path = join(folder, "papers.jsonl");
    await writeFile(path, lines.join("\n"));
    const store = await openStore(":memory:");
    const done = await importPapers(store, await fileSource(path));
    expect(done).toMatchObject({ added: 2, failed: 4, resumed: false });
    expect(done.problems.map(({ line }) => line)).toEqual([2, 4, 5, 7]);
    expect(done.problems[1]?.message).toBe(
      "normalisePaper: record 2401.00002 must have a title or an abstract, got neither.",
    );
    expect(await store.get(["2401.00001", "2401.00003"])).toEqual([
      {
        id: "2401.00001",
        title: "One two",
        authors: ["A. B"],
        abstract: "",
        categories: ["math.NA"],
        venue: "",
        year: 2024,
        announced: "2026-01-02",
        url: "https://arxiv.org/abs/2401.00001",
        stars: 0,
      },
      {
        id: "2401.00003",
        title: "Schrödinger's $\\alpha$",
        authors: ["Erdős", "P. Q."],
        abstract: "",
        categories: [],
        venue: "",
        year: 2024,
        announced: "",
        url: "https://arxiv.org/abs/2401.00003",
        stars: 0,
      },
    ]);
    await store.close();
  });
  it("reads gzip, and says what is wrong with a file that cannot be read", async () => {
    const path = join(folder, "papers.jsonl.gz");
    await writeFile(path, gzipSync(lines.join("\n")));
    const store = await openStore(":memory:");
    expect(await importPapers(store, await fileSource(path))).toMatchObject({ added: 2, failed: 4 });
    await writeFile(path, gzipSync(nine.map((p) => JSON.stringify(p)).join("\n")).subarray(0, 300));
    await expect(importPapers(store, await fileSource(path))).rejects.toThrow(
      /must be readable, got unexpected end of file/,
    );
    await expect(fileSource(join(folder, "none"))).rejects.toThrow(
      /none must be readable, got no such file\.$/,
    );
    await store.close();
  });
  it("goes on after an interruption, and starts again when the file has changed", async () => {
    const path = join(folder, "papers.jsonl");
    const progress = join(folder, "progress.json");
    const many = Array.from({ length: 95 }, (_, i) => JSON.stringify(paper({ id: `n:${i}` })));
    await writeFile(path, many.join("\n"));
    const store = await openStore(":memory:");
    const stop = new AbortController();
    const interrupted = importPapers(store, await fileSource(path, 10), {
      progress,
      signal: stop.signal,
      onBatch: ({ added }) => void (added >= 30 && stop.abort(new Error("stopped"))),
    });
    await expect(interrupted).rejects.toThrow("stopped");
    expect(await store.count()).toBe(30);
    expect(Object.values(JSON.parse(await readFile(progress, "utf8")))).toEqual(["31"]);
    expect(await importPapers(store, await fileSource(path, 10), { progress })).toMatchObject({
      added: 65,
      unchanged: 0,
      resumed: true,
    });
    expect(await store.count()).toBe(95);
    await expect(readFile(progress)).rejects.toThrow();
    await utimes(path, 1, 1);
    expect(await importPapers(store, await fileSource(path, 10), { progress })).toMatchObject({
      added: 0,
      unchanged: 95,
      resumed: false,
    });
    await store.close();
  });
});

describe("normalisePaper", () => {
  it("gives a paper or a RecordError for anything, and changes nothing the second time", () => {
    const value = fc.oneof(
      anyText,
      fc.integer(),
      fc.constant(null),
      fc.array(anyText, { maxLength: 3 }),
      fc.boolean(),
    );
    const record = fc.dictionary(
      fc.constantFrom(
        "id",
        "title",
        "authors",
        "abstract",
        "categories",
        "venue",
        "year",
        "announced",
        "url",
        "stars",
      ),
      value,
    );
    fc.assert(
      fc.property(record, (raw) => {
        try {
          const once = normalisePaper(raw);
          expect(normalisePaper(once)).toEqual(once);
        } catch (error) {
          expect(error).toMatchObject({ name: "RecordError" });
        }
      }),
      { numRuns: 2000, seed: 23 },
    );
  });
});

describe("TeX", () => {
  it("turns accents into letters outside formulas, once", () => {
    const cases: [string, string][] = [
      ['Schr\\"odinger', "Schrödinger"],
      ["Erd{\\H{o}}s", "Erdős"],
      ["{\\L}ukasz \\'{E}mile", "Łukasz Émile"],
      ["\\'\\i", "í"],
      ['G{\\"o}del', "Gödel"],
      ["\\v{S}koda \\v s", "Škoda š"],
      ["\\c{c}a \\o re", "ça øre"],
      ["$\\'x$ \\'e", "$\\'x$ é"],
      ["Stra{\\ss}e", "Straße"],
      ["\\~n \\^{\\i}", "ñ î"],
      ["\\alpha \\lambda", "\\alpha \\lambda"],
    ];
    for (const [tex, text] of cases) expect(texToUnicode(tex), tex).toBe(text);
    fc.assert(
      fc.property(
        fc.oneof(anyText, fc.stringMatching(/^[\\'"{}a-c$ ivo]{0,12}$/)),
        (t) => void texToUnicode(t),
      ),
      { seed: 3, numRuns: 1000 },
    );
    expect(plainTex("The {BERT} \\& \\emph{GPT}---of $x_{1}$~2")).toBe("The BERT & GPT—of $x_{1}$ 2");
  });
});

describe("BibTeX", () => {
  const text = `
% a comment with user@example.org
@string{jml = "Journal of " # {Machine Learning}}
@comment{ @article{no, title={no}} }
@article{knuth84, author = {Knuth, Donald E. and {The TeX Group} and van der Berg, Jr, Ada}, title = "The {TeX}book \\"uber {\\'e}",
  journal = jml # ", vol. 1", year = 1984, abstract = {Braces {in} braces}, }
@misc{x, title={Preprint}, eprint={2401.00001v3}, archivePrefix={arXiv}, primaryClass={cs.NA}, author={A B}, url={https://example.org/a}}
@inproceedings{broken, title = {Never closed, author = {A}
@book{after, title = {After the break}, doi = {https://doi.org/10.1000/ABC}, year = 2001}
@article{noyear title = {Missing comma}}
@article{empty, author = {No Title}}
@article(paren, title = {In parentheses}, journal = {arXiv preprint arXiv:2402.00002})`;
  it("reads entries, reports broken ones by line, and goes on", () => {
    const items = readBibtex(text);
    const papers = items.flatMap((item) => ("paper" in item ? [item.paper] : []));
    expect(papers.map(({ id }) => id)).toEqual([
      "bib:knuth84",
      "2401.00001",
      "doi:10.1000/abc",
      "2402.00002",
    ]);
    expect(papers[0]).toMatchObject({
      title: "The TeXbook über é",
      authors: ["Donald E. Knuth", "The TeX Group", "Ada van der Berg Jr"],
      venue: "Journal of Machine Learning, vol. 1",
      year: 1984,
      abstract: "Braces in braces",
    });
    expect(papers[1]).toMatchObject({
      categories: ["math.NA"],
      venue: "arXiv",
      url: "https://example.org/a",
    });
    expect(papers[2]).toMatchObject({ url: "https://doi.org/10.1000/ABC", year: 2001 });
    const problems = items.flatMap((item) => ("problem" in item ? [item.problem] : []));
    expect(problems.map(({ line }) => line)).toEqual([8, 10, 11]);
    expect(problems[0]?.message).toBe("a brace is not closed");
  });
  it("reads the same in pieces of any size", () => {
    const whole = readBibtex(text);
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 });
    const inPieces = (body: string, lengths: readonly number[]) => {
      const parser = createBibParser();
      const found = [];
      for (let at = 0, i = 0; at < body.length; i++) {
        const length = lengths[i % lengths.length] ?? 1;
        found.push(...parser.push(body.slice(at, at + length)));
        at += length;
      }
      return [...found, ...parser.end()];
    };
    // Long enough that entries are handed over before the end.
    const filler = Array.from({ length: 40 }, (_, i) => `@misc{f${i}, title = {Filler ${i}}}\n`).join("");
    const body = `${text}\n${filler.repeat(3)}${text}`;
    fc.assert(
      fc.property(sizes, (lengths) => {
        expect(inPieces(text, lengths)).toEqual(parseBibtex(text));
        expect(inPieces(body, lengths)).toEqual(parseBibtex(body));
      }),
      { seed: 11, numRuns: 60 },
    );
    expect(parseBibtex(body).length).toBe(2 * whole.length + 120);
  });
  it("imports a compressed file in batches, goes on after an interruption, and holds one entry at a time", async () => {
    const path = join(folder, "papers.bib.gz");
    const entry = (i: number) =>
      `@misc{e${i}, title = name # " ${i}", abstract = {${"word ".repeat(2000)}}}\n`;
    const body = `@string{name = "Entry"}\n${Array.from({ length: 200 }, (_, i) => entry(i)).join("")}`;
    await writeFile(path, gzipSync(`${body}@misc{bad, title = }\n${entry(200)}`));
    const progress = join(folder, "progress.json");
    const store = await openStore(":memory:");
    const stop = new AbortController();
    const interrupted = importPapers(store, await fileSource(path, 50), {
      progress,
      signal: stop.signal,
      onBatch: ({ added }) => void (added >= 100 && stop.abort(new Error("stopped"))),
    });
    await expect(interrupted).rejects.toThrow("stopped");
    expect(await store.count()).toBe(100);
    const done = await importPapers(store, await fileSource(path, 50), { progress });
    expect(done).toMatchObject({ added: 101, failed: 1, resumed: true });
    expect(done.problems[0]).toMatchObject({ line: 202 });
    // The macro of the first line, which the second import did not start after.
    expect(await store.get(["bib:e200"])).toMatchObject([{ title: "Entry 200" }]);
    await store.close();
  });
  it("passes over an entry that never ends, and holds no more than a bound of it", () => {
    const parser = createBibParser();
    const found = [...parser.push("@misc{endless, title = {")];
    for (let i = 0; i < 90 && found.length === 0; i++) found.push(...parser.push("word ".repeat(10_000)));
    expect(found).toEqual([{ line: 1, message: "entry is longer than 4194304 characters" }]);
    found.push(...parser.push("\n@misc{next, title = {Next}}"), ...parser.end());
    expect(found[1]).toMatchObject({ line: 2, key: "next" });
  });
  it("reads back what it writes", () => {
    for (const one of [
      ...nine,
      paper({
        id: "2402.1234",
        title: "100% of $a_b$ & {C_d} #1",
        abstract: "x_y {z} \\alpha",
        authors: ["Erdős Pál", "Fermi and Sons"],
      }),
    ]) {
      const [item] = readBibtex(toBibtex(one));
      const back = item && "paper" in item ? item.paper : undefined;
      expect(back).toMatchObject({
        title: one.title,
        authors: one.authors,
        abstract: one.abstract,
        categories: one.categories,
        announced: one.announced,
      });
      expect(back?.id).toBe(one.id);
    }
  });
  it("never throws", () => {
    const piece = fc.constantFrom(
      "@article{",
      "key,",
      "title",
      "=",
      "{",
      "}",
      '"',
      "#",
      ",",
      "\n",
      "@",
      "\\",
      "@string(",
      "x",
      "%",
      ")",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => void readBibtex(pieces.join(""))),
      { seed: 5, numRuns: 2000 },
    );
  });
});
