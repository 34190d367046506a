import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQuery } from "../../src/papers/index.ts";
import { anyText } from "./sample.ts";

describe("parseQuery", () => {
  it("reads words, phrases, fields, signs and facts", () => {
    const q = parseQuery(
      'deep learning "neural network" -survey ti:graph au:"Ada Lovelace" +proof cat:cs.LG-cs.CY -cat:cs.CV from:2025-01-01 to:2025-12-31 venue:ICLR id:2401.1,x',
    );
    expect(q.words).toEqual(["deep", "learning", "neural", "network", "graph", "ada", "lovelace", "proof"]);
    expect(q.conditions).toEqual([
      { field: "any", terms: ["neural", "network"], exact: true, exclude: false },
      { field: "any", terms: ["survey"], exact: false, exclude: true },
      { field: "title", terms: ["graph"], exact: false, exclude: false },
      { field: "authors", terms: ["ada", "lovelace"], exact: true, exclude: false },
      { field: "any", terms: ["proof"], exact: false, exclude: false },
    ]);
    expect(q.categories).toEqual([
      { expression: "cs.LG-cs.CY", exclude: false },
      { expression: "cs.CV", exclude: true },
    ]);
    expect(q.filter).toEqual({ from: "2025-01-01", to: "2025-12-31", venue: "ICLR", ids: ["2401.1", "x"] });
  });
  it("takes for words whatever is no condition", () => {
    expect(parseQuery("foo:bar cat:?? from:yesterday").words).toEqual(["foo", "bar", "cat", "yesterday"]);
    expect(parseQuery("foo:bar").conditions).toEqual([]);
    expect(parseQuery("Title: a subtitle").conditions).toEqual([]);
    expect(parseQuery("GPT -4 dB").conditions).toEqual([]);
    expect(parseQuery("cats AND dogs").words).toEqual(["cats", "dogs"]);
    expect(parseQuery("to be or not").words).toEqual(["to", "be", "or", "not"]);
    expect(parseQuery("“open question").conditions).toEqual([
      { field: "any", terms: ["open", "question"], exact: true, exclude: false },
    ]);
  });
  it("reads hyphenated bare words as one word too", () => {
    const q = parseQuery('few-shot end-to-end "zero-shot" title:cross-modal +multi-task GPT-4');
    expect(q.compounds).toEqual(["fewshot", "endtoend", "gpt4"]);
    expect(q.words).toEqual([
      "shot",
      "end",
      "end",
      "gpt",
      "4",
      "zero",
      "shot",
      "cross",
      "modal",
      "multi",
      "task",
    ]);
  });
  it("gives bounded, folded data for any text", () => {
    const text = fc.oneof(anyText, fc.string({ maxLength: 400 }));
    fc.assert(
      fc.property(text, (t) => {
        const q = parseQuery(t);
        expect(q.words.length).toBeLessThanOrEqual(256);
        expect(q.conditions.length).toBeLessThanOrEqual(32);
        for (const word of q.words)
          expect(word).toMatch(/^[\p{L}\p{N}\p{M}\p{Script=Han}\p{Script=Hangul}\p{Script=Katakana}ー]+$/u);
      }),
      { numRuns: 2000, seed: 11 },
    );
  });
  it("finds every word of a plain text again", () => {
    const word = fc.stringMatching(/^[b-z][a-z]{5,9}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
        expect(parseQuery(words.join(" ")).words.length).toBeGreaterThan(0);
        expect(parseQuery(`"${words.join(" ")}"`).conditions[0]?.terms).toEqual(words);
      }),
      { seed: 2 },
    );
  });
});
