// The contract, held against every entry: its words, its sizes, and its smallest run.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test, vi } from "vitest";
import {
  entries,
  entryNamed,
  judge,
  lean,
  rowsOf,
  runUnit,
  SCALES,
  TABLE,
  unitKey,
  unitsOf,
} from "../../src/lab/index.ts";
import { absent, nodeContext, wantOf } from "../../src/lab/node/data.ts";
import { ROOT } from "../house/imports.ts";

/** Rows of the table that other rooms are at work on. */
const AWAITED = ["lora", "later"];

test("every row of the table has an entry", () => {
  const missing = Object.keys(TABLE).filter((row) => !entries().some((entry) => entry.row === row));
  expect(missing.filter((row) => !AWAITED.includes(row))).toEqual([]);
});

test("names are unique, a name that is not there is told its nearest", () => {
  const names = entries().map((entry) => entry.name);
  expect(new Set(names).size).toBe(names.length);
  expect(entryNamed("rope-base").row).toBe("rope-base");
  expect(() => entryNamed("rope-bass")).toThrow(
    `lab: an entry must be one of ${names.length} names, got "rope-bass". Did you mean rope-base?`,
  );
});

test("what docs/lab.md shows runs", async () => {
  const page = readFileSync(join(ROOT, "docs/lab.md"), "utf8");
  const [, code = ""] = /```ts\n([^]*?)```/.exec(page) ?? [];
  const said = vi.spyOn(console, "log").mockReturnValue(undefined);
  const file = join(ROOT, ".cache", `lab-page-${process.pid}.ts`);
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  writeFileSync(file, code);
  await import(/* @vite-ignore */ pathToFileURL(file).href).finally(() => rmSync(file));
  const last = said.mock.calls.at(-1)?.[0] as string[];
  said.mockRestore();
  expect(last).toContain("true With constant waits all clients come in one tenth of a second.");
});

const context = nodeContext(() => undefined);

describe.each(entries().map((entry) => [entry.name, entry] as const))("%s", (name, entry) => {
  test("says what it claims in two languages, where, and by which rules", () => {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
    const words = [entry.claim, ...entry.rules.map((rule) => rule.says), ...(entry.beyond ?? [])];
    for (const { en, zh } of words) {
      expect(en).toMatch(/[.)]$/);
      expect(zh).toMatch(/[\u4e00-\u9fff]/);
    }
    expect(entry.source.says).not.toBe("");
    expect(entry.source.links.length).toBeGreaterThan(0);
    for (const link of entry.source.links) expect(link).toMatch(/^https:\/\//);
    expect(entry.rules.some((rule) => rule.premise !== true)).toBe(true);
    for (const need of entry.needs) expect(need.install).not.toMatch(/[.]$/);
  });

  test("has sizes that are plain data, and three seeds or none", () => {
    expect([0, 1, 2]).toContain(Math.min(2, entry.seeds.length - 1));
    expect(entry.seeds.length === 1 || entry.seeds.length >= 3).toBe(true);
    expect(entry.minutes.quick).toBeGreaterThan(0);
    expect(entry.minutes.full).toBeGreaterThan(0);
    for (const scale of SCALES) {
      const units = unitsOf(entry, scale);
      expect(units.length).toBeGreaterThan(0);
      expect(JSON.parse(JSON.stringify(units))).toEqual(units);
      expect(new Set(units.map(unitKey)).size).toBe(units.length);
    }
  });

  const lacking = absent(entry.needs);
  test.skipIf(lacking.length > 0)(`runs at its smallest${lacking.map(wantOf).join(", ")}`, async () => {
    const done = [];
    for (const unit of unitsOf(entry, "smallest")) done.push(await runUnit(entry, unit, context));
    const rows = rowsOf(done);
    expect(rows.length).toBeGreaterThan(0);
    const told = judge(entry, rows);
    expect(told.findings).toHaveLength(entry.rules.length);
    // Rules read rows, they do not throw where some are missing, and none holds of nothing at all.
    for (const finding of judge(entry, []).findings) expect([null, true, false]).toContain(finding.holds);
    expect(lean(entry, rows).findings.map((f) => f.shows)).toEqual(told.findings.map((f) => f.shows));
    const figures = entry.figures(rows);
    expect(Object.keys(figures).length).toBeGreaterThan(0);
    for (const [file, svg] of Object.entries(figures)) {
      expect(file).toMatch(/^[a-z0-9-]+\.svg$/);
      expect(svg).toMatch(/^<svg/);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});
