import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "athanor-kill-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const golden: { texts: string[] } = JSON.parse(
  readFileSync(new URL("../golden/bytepiece.json", import.meta.url), "utf8"),
);
const files = [0, 1, 2].map((k) => {
  const path = join(folder, `text-${k}.txt`);
  const text = golden.texts.join("\n");
  writeFileSync(path, Array.from({ length: 4 }, (_, i) => text.slice((i + k) * 97)).join("\n"));
  return path;
});

interface Outcome {
  sha256: string;
  phases: string[];
}

/** Runs a training; kills it with SIGKILL as soon as `moment` holds. Undefined if it was killed. */
async function train(
  mode: string,
  directory: string,
  workers: number,
  moment: () => boolean = () => false,
): Promise<Outcome | undefined> {
  const script = join(import.meta.dirname, "killed-training.ts");
  const args = ["--conditions=source", script, mode, directory, String(workers), ...files];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const poll = setInterval(() => {
    if (moment()) child.kill("SIGKILL");
  }, 1);
  let out = "";
  child.stdout.on("data", (part: Buffer) => (out += part.toString()));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on("close", (...end) => resolve(end));
  });
  clearInterval(poll);
  if (signal === "SIGKILL") return undefined;
  expect(code).toBe(0);
  const outcome: Outcome = JSON.parse(out);
  return outcome;
}

/** Files of `directory` whose names begin so. */
const count = (directory: string, prefix: string): number =>
  readdirSync(directory).filter((name) => name.startsWith(prefix)).length;

/** True once some state file has been written over since the first look. */
function stateChanges(directory: string, times: number): () => boolean {
  const seen = new Set<number>();
  return () => {
    for (const name of readdirSync(directory)) {
      if (/^state-\w+\.bin$/.test(name))
        seen.add(statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
    }
    return seen.size > times;
  };
}

test("EM killed again and again ends in the same vocabulary, and does nothing twice that stands on disk", async () => {
  const expected = await train("unigram", "none", 1);
  const directory = join(folder, "em");
  mkdirSync(directory);
  const killed = async (workers: number, moment: () => boolean): Promise<void> => {
    expect(await train("unigram", directory, workers, moment)).toBe(undefined);
  };
  await killed(1, () => count(directory, "windows-") > 0); // perhaps half written
  await killed(2, () => count(directory, "manifest.json") > 0);
  await killed(1, () => count(directory, "pieces-") > 0);
  await killed(1, () => count(directory, "state-") > 0); // perhaps half written
  await killed(1, stateChanges(directory, 2)); // between the first passes
  await killed(2, () => count(directory, "state-") > 1); // while pruning to the first size
  await killed(1, stateChanges(directory, 3));
  const outcome = await train("unigram", directory, 2);
  expect(outcome?.sha256).toBe(expected?.sha256);
  expect(outcome?.phases).not.toContain("count");
  expect(readdirSync(directory)).toEqual([]);
}, 120_000);

test("the faithful mode, too", async () => {
  const expected = await train("bytepiece", "none", 1);
  const directory = join(folder, "bytepiece");
  mkdirSync(directory);
  const moments: (() => boolean)[] = [
    () => count(directory, "windows-") > 0,
    () => count(directory, "manifest.json") > 0,
    () => count(directory, "pieces-") > 0,
  ];
  for (const moment of moments) expect(await train("bytepiece", directory, 2, moment)).toBe(undefined);
  expect((await train("bytepiece", directory, 1))?.sha256).toBe(expected?.sha256);
  expect(readdirSync(directory)).toEqual([]);
}, 120_000);
