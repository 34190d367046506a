import * as fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { queryTerms, stem, terms, tokenise } from "../../src/papers/tokens.ts";
import { anyText, arxivPapers, dataMissing } from "./sample.ts";

describe("tokenise", () => {
  it("folds case and accents, splits at punctuation, pairs Chinese", () => {
    expect(terms("Poincaré's GPT-4: STRAẞE, Łódź & naïve ﬁts")).toEqual([
      "poincares",
      "gpt",
      "4",
      "strasse",
      "lodz",
      "naive",
      "fits",
    ]);
    expect(terms("大模型 GPT模型")).toEqual(["大模", "模型", "型", "gpt", "模型", "型"]);
    expect(queryTerms("大模型 型")).toEqual(["大模", "模型", "型"]);
    expect(terms("한국어 ひらがな カタカナー")).toContain("カタ");
  });
  it("gives ranges of the text, in order, whatever the text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        let last = -1;
        for (const { term, start, end } of tokenise(text)) {
          expect(term).not.toBe("");
          expect(start).toBeGreaterThan(last);
          expect(end).toBeLessThanOrEqual(text.length);
          last = start;
        }
      }),
      { numRuns: 2000, seed: 13 },
    );
  });
  it("gives terms that are their own only term", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const term of queryTerms(text)) expect(terms(term)[0]).toBe(term);
      }),
      { numRuns: 2000, seed: 17 },
    );
  });
});

describe.skipIf(dataMissing)(`stem${dataMissing ? `: ${dataMissing}` : ""}`, () => {
  it("agrees with SQLite's Porter stemmer on the words of the shared papers", () => {
    const words = new Set(arxivPapers(1000).flatMap(({ abstract }) => terms(abstract)));
    const plain = [...words].filter((word) => /^[a-z]{3,20}$/.test(word));
    const db = new DatabaseSync(":memory:");
    db.exec(
      "CREATE VIRTUAL TABLE t USING fts5(x, tokenize='porter ascii'); CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)",
    );
    const insert = db.prepare("INSERT INTO t(rowid, x) VALUES (?, ?)");
    for (const [i, word] of plain.entries()) insert.run(i, word);
    let differing = 0;
    for (const row of db.prepare("SELECT term, doc FROM v").all())
      if (stem(plain[Number(row["doc"])] ?? "") !== row["term"]) differing++;
    db.close();
    // Both follow Porter 1980; they differ in a handful of revisions that his site lists.
    expect(differing / plain.length).toBeLessThan(0.01);
  });
});
