// Committed results: their format, what makes one stale, and runs that are broken off.
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Entry, Seeded } from "../../src/lab/index.ts";
import { entries, rowsOf, runUnit, unitsOf } from "../../src/lab/index.ts";
import { absent, dataFolder, nodeContext, pathOf, wantOf } from "../../src/lab/node/data.ts";
import { COMMITTED, readResults, standings, writeResult } from "../../src/lab/node/results.ts";
import { circumstances, runEntry } from "../../src/lab/node/run.ts";
import { parseResult, resultOf, standingOf } from "../../src/lab/result.ts";

interface Settings {
  readonly by: number;
}
interface Row {
  readonly value: number;
}

let calls = 0;
/** An entry that counts how often it is run. */
function counting(change: Partial<Entry<Settings, Row>> = {}): Entry<Settings, Row> {
  return {
    name: "counting",
    row: "later",
    claim: { en: "Products are products.", zh: "乘积就是乘积。" },
    source: { says: "Nobody", links: ["https://example.org"] },
    needs: [],
    minutes: { quick: 1, full: 1 },
    seeds: [1, 2, 3],
    settings: { smallest: [{ by: 2 }], quick: [{ by: 2 }], full: [{ by: 2 }, { by: 3 }] },
    rules: [
      {
        says: { en: "The largest is nine.", zh: "最大者为九。" },
        holds: (rows: readonly Seeded<Row>[]) => Math.max(...rows.map((r) => r.value)) === 9,
      },
    ],
    run({ by }, seed) {
      calls++;
      return Promise.resolve([{ value: by * seed }]);
    },
    figures: () => ({}),
    ...change,
  };
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "athanor-lab-"));
});
afterAll(() => rm(folder, { recursive: true }));

const context = nodeContext(() => undefined);
const full = async (entry: Entry<Settings, Row>) =>
  resultOf(
    entry,
    await runEntry(entry, context, { scale: "full" }),
    circumstances("athanor lab run counting --full"),
  );

describe("a run", () => {
  test("below full takes the first seed; other seeds can be asked for", () => {
    expect(unitsOf(counting(), "quick").map((u) => u.seed)).toEqual([1]);
    expect(unitsOf(counting(), "full")).toHaveLength(6);
    expect(unitsOf(counting(), "full", [7]).map((u) => u.seed)).toEqual([7, 7]);
    // Where chance plays no part, other seeds are the same work.
    expect(unitsOf(counting({ seeds: [0] }), "full", [7]).map((u) => u.seed)).toEqual([0, 0]);
  });

  test("that was broken off goes on where it was, also after a line that was cut short", async () => {
    const keep = join(folder, "broken");
    calls = 0;
    let seen = 0;
    const stop = runEntry(counting(), context, {
      scale: "full",
      keep,
      onUnit: () => {
        seen++;
        if (seen === 4) throw new Error("killed");
      },
    });
    await expect(stop).rejects.toThrow("killed");
    expect(calls).toBe(4);
    const journal = join(keep, "counting.full.jsonl");
    const lines = (await readFile(journal, "utf8")).trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    await writeFile(journal, `${lines.slice(0, 3).join("\n")}\n${lines[3]?.slice(0, 20)}`);
    const done = await runEntry(counting(), context, { scale: "full", keep });
    expect(calls).toBe(4 + 3);
    const fresh = await runEntry(counting(), context, { scale: "full" });
    expect(rowsOf(done)).toEqual(rowsOf(fresh));
    await runEntry(counting(), context, { scale: "full", keep });
    expect(calls).toBe(4 + 3 + 6);
  });

  test("whose rows are no plain numbers is an error of the entry", async () => {
    const bad = counting({ run: () => Promise.resolve([{ value: Number.NaN }]) });
    const [unit] = unitsOf(bad, "quick");
    if (unit === undefined) throw new Error("no unit");
    await expect(runUnit(bad, unit, context)).rejects.toThrow(
      'lab: "value" of a row of counting must be plain JSON.',
    );
  });
});

describe("a result", () => {
  test("comes back from its file, and gives its verdict", async () => {
    const result = await full(counting());
    expect(result.judgement.verdict).toBe("holds");
    const path = await writeResult(join(folder, "one"), result);
    expect(parseResult(await readFile(path, "utf8"), path)).toEqual(result);
    const [standing] = await standings([counting()], join(folder, "one"));
    expect(standing?.verdict).toBe("holds");
    expect(await standings([counting()], join(folder, "nowhere"))).toEqual([
      { verdict: null, why: "no full run is committed" },
    ]);
  });

  test("of other settings or fewer seeds than today's is no verdict", async () => {
    const result = await full(counting());
    const wider = counting({ settings: { ...counting().settings, full: [{ by: 2 }, { by: 3 }, { by: 4 }] } });
    expect(standingOf(wider, result)).toMatchObject({
      verdict: null,
      why: "3 units of today's full settings are not in the committed run",
    });
    expect(standingOf(counting({ seeds: [1, 2, 3, 4] }), result).verdict).toBe(null);
  });

  test("judged by other rules than today's is no verdict: rules are written before the run", async () => {
    const result = await full(counting());
    const softer = counting({
      rules: [{ says: { en: "The largest is above one.", zh: "最大者大于一。" }, holds: () => true }],
    });
    expect(standingOf(softer, result)).toMatchObject({
      verdict: null,
      why: "its rules are not those that the committed run was judged by",
    });
    const turned = counting({ rules: counting().rules.map((rule) => ({ ...rule, holds: () => false })) });
    expect(standingOf(turned, result).verdict).toBe(null);
  });

  test("of another version, of no version, or no JSON is refused", async () => {
    const refused = join(folder, "refused");
    const result = await full(counting());
    const path = await writeResult(refused, result);
    for (const [text, message] of [
      [JSON.stringify({ ...result, athanorLab: 2 }), 'must be a result of version 1 ("athanorLab"), got 2'],
      ["{}", 'must be a result of version 1 ("athanorLab"), got none'],
      ["null", "got none"],
      ["{", "must hold JSON, got other text"],
      [JSON.stringify({ ...result, units: [{}] }), "got a file that lacks some"],
      [JSON.stringify({ ...result, judgement: undefined }), "got a file that lacks some"],
      [JSON.stringify({ ...result, name: "other" }), "must be named other.json"],
    ] as const) {
      await writeFile(path, text);
      await expect(readResults(refused)).rejects.toThrow(message);
    }
    await appendFile(join(refused, "notes.txt"), "no result");
    await writeFile(path, JSON.stringify(result));
    expect((await readResults(refused)).size).toBe(1);
  });
});

test("every committed result is of an entry, with its rules and settings of today", async () => {
  const results = await readResults(COMMITTED);
  const all = entries();
  expect([...results.keys()].filter((name) => !all.some((entry) => entry.name === name))).toEqual([]);
  const stale = all.flatMap((entry) => {
    const { why } = standingOf(entry, results.get(entry.name));
    return results.has(entry.name) && why !== undefined ? [`${entry.name}: ${why}`] : [];
  });
  expect(stale).toEqual([]);
});

describe("data", () => {
  const need = { what: "a table", file: "no/such/table.csv", install: "npm install table" };

  test("that is absent is named with what brings it", () => {
    expect(absent([need])).toEqual([need]);
    expect(wantOf(need)).toBe(
      `needs a table (file ${join(dataFolder(), "no/such/table.csv")}): npm install table`,
    );
    expect(() => pathOf(need)).toThrow(
      "lab: a table must be there, got none. To have it, npm install table.",
    );
    const packaged = { ...need, package: "no-such-package-here" };
    expect(wantOf(packaged)).toBe("needs a table (package no-such-package-here): npm install table");
    expect(absent([packaged])).toEqual([packaged]);
  });
});
