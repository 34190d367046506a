import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findIds, isArxivId, normaliseId, yearOfId } from "../../src/papers/index.ts";
import { anyText } from "./sample.ts";

describe("normaliseId", () => {
  it("knows every form that people paste", () => {
    const forms = [
      "2401.06769",
      "2401.6769",
      "2401.06769v3",
      "arXiv:2401.06769",
      " ARXIV:2401.06769v1 ",
      "https://arxiv.org/abs/2401.06769",
      "http://arxiv.org/pdf/2401.06769v2.pdf",
      "https://www.arxiv.org/html/2401.06769v1?x=1#s",
      "https://doi.org/10.48550/arXiv.2401.06769",
      "oai:arXiv.org:2401.06769",
      "https://papers.cool/arxiv/2401.06769",
      "https://arxiv.org/abs/2401.06769/",
    ];
    for (const form of forms) expect(normaliseId(form), form).toBe("2401.06769");
    expect(normaliseId("1406.02661")).toBe("1406.2661");
    expect(normaliseId("math.GT/0309136v1")).toBe("math/0309136");
    expect(normaliseId("HEP-TH/9901001")).toBe("hep-th/9901001");
  });
  it("leaves others alone", () => {
    for (const other of ["ICLR.2025/7", "doi:10.1000/xyz", "bib:knuth84", "2413.00001", "1406.12345"])
      expect(normaliseId(other)).toBe(other);
    expect(isArxivId("2401.06769")).toBe(true);
    expect(isArxivId("2401.6769")).toBe(false);
  });
  it("changes nothing the second time", () => {
    const part = fc.constantFrom(
      "arxiv:",
      "https://arxiv.org/abs/",
      "2401.",
      "0",
      "06769",
      "v2",
      ".pdf",
      "?",
      "#",
      "/",
      " ",
      "hep-th/9901001",
      "oai:arXiv.org:",
      "%",
    );
    const text = fc.oneof(
      anyText,
      fc.array(part).map((p) => p.join("")),
    );
    fc.assert(
      fc.property(text, (t) => normaliseId(normaliseId(t)) === normaliseId(t)),
      { numRuns: 3000, seed: 1 },
    );
  });
  it("pads and strips to the width of the month", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 7, max: 30 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 9999 }),
        (y, m, n) => {
          const month = `${String(y).padStart(2, "0")}${String(m).padStart(2, "0")}`;
          const [four, five] = [
            `${month}.${String(n).padStart(4, "0")}`,
            `${month}.${String(n).padStart(5, "0")}`,
          ];
          expect(normaliseId(four)).toBe(normaliseId(five));
          expect(normaliseId(four)).toBe(y >= 15 ? five : four);
          expect(yearOfId(four)).toBe(2000 + y);
        },
      ),
    );
  });
});

describe("findIds", () => {
  it("finds each once, in order", () => {
    expect(findIds("See arXiv:2401.06769v2, hep-th/9901001 and (2401.6769) or 12345.67890.")).toEqual([
      "2401.06769",
      "hep-th/9901001",
    ]);
  });
});
