import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatCategories,
  inCategories,
  normaliseCategory,
  parseCategories,
} from "../../src/papers/index.ts";
import { anyText } from "./sample.ts";

const aliases = [
  ["cs.NA", "math.NA"],
  ["cs.SY", "eess.SY"],
  ["math.IT", "cs.IT"],
  ["math.MP", "math-ph"],
  ["q-fin.EC", "econ.GN"],
  ["stat.TH", "math.ST"],
] as const;
const names = [
  "cs.AI",
  "cs.LG",
  "cs.CY",
  "math.NA",
  "math-ph",
  "hep-th",
  "cond-mat.str-el",
  "cond-mat",
  "astro-ph.CO",
  "q-bio.NC",
  "econ.GN",
  "physics.optics",
  "cs",
  "physics.ao-ph",
  "quant-ph",
];
const category = fc.constantFrom(...names);

describe("categories", () => {
  it("resolves aliases once", () => {
    for (const [from, to] of aliases) expect(normaliseCategory(from)).toBe(to);
    for (const name of [...names, ...aliases.flat()]) {
      const once = normaliseCategory(name);
      expect(normaliseCategory(once ?? "")).toBe(once);
    }
    expect(normaliseCategory("CS.ai")).toBe("cs.AI");
    for (const other of ["68T45, 62H30", "I.5.3", "", "cs.", "??", "cs.A"])
      expect(normaliseCategory(other)).toBeUndefined();
  });
  it("reads expressions", () => {
    expect(parseCategories("cs.AI+cs.LG-cs.CY-q-fin.EC")).toEqual({
      plus: ["cs.AI", "cs.LG"],
      minus: ["cs.CY", "econ.GN"],
    });
    expect(parseCategories("cs.AI,cs.LG")).toEqual({ plus: ["cs.AI", "cs.LG"], minus: [] });
    expect(parseCategories("cond-mat.str-el-hep-th")).toEqual({
      plus: ["cond-mat.str-el"],
      minus: ["hep-th"],
    });
    expect(parseCategories("-cs.CV")).toEqual({ plus: [], minus: ["cs.CV"] });
    expect(parseCategories("cond-mat-cs.AI")).toEqual({ plus: ["cond-mat"], minus: ["cs.AI"] });
    for (const bad of ["", "++", "cs.AI-", "1", "cs AI?", "-"])
      expect(parseCategories(bad), bad).toBeUndefined();
  });
  it("is the algebra of sets", () => {
    const expression = fc.record({
      plus: fc.array(category, { minLength: 1, maxLength: 4 }),
      minus: fc.array(category, { maxLength: 3 }),
    });
    const papers = fc.array(fc.array(category, { minLength: 1, maxLength: 4 }), { maxLength: 20 });
    fc.assert(
      fc.property(expression, papers, ({ plus, minus }, all) => {
        const text = plus.join("+") + minus.map((m) => `-${m}`).join("");
        const parsed = parseCategories(text);
        expect(parsed).toEqual({ plus: [...new Set(plus)].sort(), minus: [...new Set(minus)].sort() });
        if (!parsed) return;
        expect(parseCategories(formatCategories(parsed))).toEqual(parsed);
        const within = (c: string) =>
          new Set(all.flatMap((own, i) => (own.some((o) => o === c || o.startsWith(`${c}.`)) ? [i] : [])));
        const out = new Set(minus.flatMap((c) => [...within(c)]));
        const wanted = new Set(plus.flatMap((c) => [...within(c)]).filter((i) => !out.has(i)));
        expect(new Set(all.flatMap((own, i) => (inCategories(own, parsed) ? [i] : [])))).toEqual(wanted);
      }),
      { seed: 3 },
    );
  });
  it("never throws", () => {
    fc.assert(
      fc.property(anyText, (t) => void parseCategories(t)),
      { numRuns: 2000, seed: 5 },
    );
  });
});
