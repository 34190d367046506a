// What the last lines of `npm test` say.
import { expect, test } from "vitest";
import { reasonOf, skipLines } from "../support/skip-reporter.ts";

test("a reason is the note of skip(), else what the name tells, else the name", () => {
  expect(reasonOf("a > b", "no GPU")).toBe("no GPU");
  expect(reasonOf("a (skipped: spm is not installed)", undefined)).toBe("spm is not installed");
  expect(reasonOf("real files (skipped: no data (set X)) > b", undefined)).toBe("no data (set X)");
  expect(reasonOf("stem: no shared data at /x > b", undefined)).toBe("no shared data at /x");
  expect(reasonOf("a: b > c", undefined)).toBe('no reason told by "a: b > c"');
});

test("reasons are counted, the sum comes last", () => {
  expect(skipLines(["x", "y", "x"], 10, ["pages, for there is no Chromium"])).toEqual([
    "not run: pages, for there is no Chromium",
    "    2 skipped: x",
    "    1 skipped: y",
    "3 of 10 tests skipped",
  ]);
  expect(skipLines([], 4)).toEqual(["0 of 4 tests skipped"]);
});
