import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { athanor, temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("athanor solve", () => {
  test("abc: decimal strings and steps; null for an algorithm that would take too long", async () => {
    const small = await athanor(["solve", "abc", "882", "--json"]);
    expect(JSON.parse(small.stdout)).toMatchObject({ a: "21", b: "42", c: "0", sum: "63" });
    expect(small.stderr).toContain("S = 64, which is not the least");
    const large = await athanor(["solve", "abc", "100000000000000000039", "--json"]);
    const found = JSON.parse(large.stdout) as Record<string, string> & {
      steps: Record<string, number | null>;
    };
    const { a = "", b = "", c = "", sum = "" } = found;
    expect(BigInt(a) * BigInt(b) + BigInt(c)).toBe(10n ** 20n + 39n);
    expect(BigInt(sum)).toBe(BigInt(a) + BigInt(b) + BigInt(c));
    expect(found.steps["first"]).toBeNull();
  });

  test.each([
    [["abc", "-5"], 'solve abc: N must be a whole number ≥ 0, got "-5".'],
    [["abc", "1.5"], 'got "1.5"'],
    [["abc", "seven"], 'got "seven"'],
    [["abc", "7".repeat(100_000)], "(100000 digits)"],
    [["brachistochrone", "-1", "1"], "X must be a number above 0, got -1."],
    [["brachistochrone", "1", "y"], 'Y must be a number, got "y".'],
    [["brachistochrone", "1", "1", "--law", "y - 3"], 'law: "y - 3" must be a number above 0 on the way'],
    [["brachistochrone", "1", "1", "--law", "sqrt(z)"], "a name it knows"],
    [
      ["brachistochrone", "1", "1", "--law", "y", "--gravity", "2"],
      "--gravity must be left out beside --law",
    ],
    [["brachistochrone", "1", "1", "--gravity", "0"], "--gravity must be a number above 0"],
  ] as const)("refuses %j in one sentence", async (args, message) => {
    const { code, stderr, stdout } = await athanor(["solve", ...args]);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n").length).toBe(1);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("brachistochrone: times, and a race that moves", async () => {
    const svg = join(folder, "race.svg");
    const { stdout } = await athanor(["solve", "brachistochrone", "3", "1", "--svg", svg, "--json"]);
    const found = JSON.parse(stdout) as Record<string, number>;
    expect(found["time"]).toBeCloseTo(4.5105631367, 9);
    expect(found["theta"]).toBeCloseTo(4.0516280241, 9);
    expect(found["radius"]).toBeCloseTo(0.6196870265, 9);
    expect(found["lineTime"]).toBeCloseTo(6.3245553203, 9);
    expect(found["polylineTime"]).toBeCloseTo(4.5105789963, 6);
    const picture = readFileSync(svg, "utf8");
    expect(picture.match(/<animate /g)?.length).toBe(6);
    expect(picture).not.toContain("NaN");
  });
});
