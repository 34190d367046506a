import * as fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { american } from "../../src/papers/spelling.ts";
import { compounds, eachCompound, queryTerms, stem, terms, tokenise } from "../../src/papers/tokens.ts";
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

describe("spelling", () => {
  it("brings British and American words to one stem", () => {
    const pairs =
      "optimisation optimization, optimised optimized, organising organizing, behaviours behaviors, behavioural behavioral, neighbourhood neighborhood, modelling modeling, labelled labeled, analysed analyzed, defence defense, dialogues dialogs, catalogue catalog, centred centered, artefacts artifacts, tokenisers tokenizers, colour color, polarisation polarization, tumour tumor";
    for (const pair of pairs.split(", ")) {
      const [british = "", us = ""] = pair.split(" ");
      expect(stem(british), pair).toBe(stem(us));
    }
  });
  it("parts no word from its relatives, and makes none another", () => {
    for (const pair of "supervise supervision, supervised supervision, precise precision, revised revision".split(
      ", ",
    )) {
      const [x = "", y = ""] = pair.split(" ");
      expect(stem(x), pair).toBe(stem(y));
    }
    for (const word of "promise raise noise wise rise hour four source tour improvise exercise fence vogue rogue".split(
      " ",
    ))
      expect(american(word)).toBe(word);
  });
});

describe("compounds", () => {
  it("are hyphenated words written as one, with where they stand", () => {
    expect(compounds("Pre-training of multi-agent end-to-end systems; a-2-b, 3-4, -x y- ab--cd")).toEqual([
      "pretraining",
      "multiagent",
      "endtoend",
      "a2b",
    ]);
    const found: unknown[] = [];
    eachCompound("a Pre-Training", (...one) => found.push(one));
    expect(found).toEqual([["pretraining", 2, 14]]);
  });
  it("are those a pattern finds, in any text", () => {
    const pattern = (text: string) =>
      [...text.matchAll(/(?<![a-z0-9])[a-z0-9]+(?:-[a-z0-9]+)+/gi)]
        .map(([word]) => word.replaceAll("-", "").toLowerCase())
        .filter((word) => word.length <= 64 && /^[a-z]/.test(word));
    const piece = fc.constantFrom("-", "-", "a", "b2", "3", "É", " ", "--", "X", "学");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        expect(compounds(text)).toEqual(pattern(text));
      }),
      { seed: 31, numRuns: 3000 },
    );
  });
  it("are found in linear time, however long the chain", () => {
    expect(compounds("a-".repeat(500_000))).toEqual([]);
  });
});

describe.skipIf(dataMissing)(`stem${dataMissing ? `: ${dataMissing}` : ""}`, () => {
  it("agrees with SQLite's Porter stemmer on the words of the shared papers", () => {
    const words = new Set(arxivPapers(1000).flatMap(({ abstract }) => terms(abstract)));
    const plain = [...words].filter((word) => /^[a-z]{3,20}$/.test(word) && american(word) === word);
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
