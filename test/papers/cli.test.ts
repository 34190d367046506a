import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nine } from "./sample.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
let folder = "";
let store = "";

/** Runs `athanor papers …`. */
function papers(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--conditions=source", main, "papers", ...args], (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}
async function json(...args: string[]): Promise<unknown> {
  const { code, out, err } = await papers(...args, "--store", store, "--json");
  expect(err).not.toMatch(/Error|Warning/);
  expect(code).toBe(0);
  return JSON.parse(out);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "papers-"));
  store = join(folder, "store.db");
  await writeFile(
    join(folder, "nine.jsonl"),
    [...nine.map((paper) => JSON.stringify(paper)), "{broken"].join("\n"),
  );
});
afterAll(() => rm(folder, { recursive: true }));

// A dozen processes: a second or two, and a minute where a machine is busy.
describe("athanor papers", { timeout: 240_000 }, () => {
  it("adds, searches, relates, ranks, exports and removes", async () => {
    expect(await json("add", join(folder, "nine.jsonl"))).toMatchObject({
      added: 9,
      failed: 1,
      papers: 9,
      problems: [{ line: 10 }],
    });
    expect(await json("search", "attention networks", "--limit", "2")).toMatchObject({
      total: 5,
      hits: [{ id: "2401.00002", title: "A Survey of Attention Networks", score: expect.any(Number) }, {}],
    });
    expect(await json("search", "attention", "--category", "cs.CL", "--sort", "newest")).toMatchObject({
      total: 1,
    });
    expect(await json("search", "机器学习", "--limit", "1")).toMatchObject({ hits: [{ id: "2401.00004" }] });
    expect(await json("related", "arxiv.org/abs/2401.00002v1")).toMatchObject({
      id: "2401.00002",
      keywords: expect.arrayContaining(["survey"]),
    });
    // Words need no quotation marks, and what two papers have in common comes first.
    expect(await json("search", "attention", "networks", "--limit", "1")).toMatchObject({ total: 5 });
    expect(await json("keywords", "2401.00002", "2401.00003v2", "nobody", "--limit", "30")).toMatchObject({
      papers: [{ id: "2401.00002", keywords: expect.arrayContaining(["survey"]) }, { id: "2401.00003" }],
      cloud: expect.arrayContaining([{ word: "networks", count: 2 }]),
    });
    expect(await json("rank", "graphs", "--from", "2026-01-01")).toMatchObject({
      total: 8,
      hits: [{ id: "ICLR.2025/7" }, {}, {}, {}, {}, {}, {}, {}],
    });
    const out = join(folder, "all.bib");
    await papers("export", "--format", "bibtex", "--out", out, "--store", store);
    expect(await json("add", out)).toMatchObject({ added: 0, failed: 0, papers: 9 });
    expect(await json("remove", "bib:knuth", "nobody")).toMatchObject({ removed: 1 });
    const all = await papers("export", "--store", store);
    expect(all.out.trim().split("\n")).toHaveLength(8);
  });
  it("reports a user's mistake in one sentence with exit code 2", async () => {
    const mistakes: [string[], string][] = [
      [["search", "x", "--store", join(folder, "none.db")], "store must exist, got none"],
      [
        ["search", "x", "--sort", "best", "--store", store],
        'sort must be one of relevance, announced, newest, stars, got "best".',
      ],
      [["add", "--store", store], "source must be given, got none"],
      [["add", join(folder, "nothing.jsonl"), "--store", store], "must be readable, got no such file."],
      [["related", "2401.99999", "--store", store], "id must be a stored paper's, got 2401.99999."],
      [["keywords", "nobody", "--store", store], "ids must be stored papers', got nobody."],
      [
        ["serve", "--port", "70000", "--store", store],
        'papers serve: --port must be a whole number from 0 to 65535, got "70000".',
      ],
      [["export", "--format", "xml", "--store", store], 'format must be jsonl or bibtex, got "xml".'],
      [["search", "x", "--store", join(folder, "nine.jsonl")], "is not a paper store"],
    ];
    const results = await Promise.all(mistakes.map(([args]) => papers(...args)));
    for (const [i, { code, err, out }] of results.entries()) {
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(mistakes[i]?.[1]);
      expect(err.trim().split("\n")).toHaveLength(1);
    }
  });
});
