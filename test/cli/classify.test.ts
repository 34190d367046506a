// athanor classify: from a table to labels, stopped by Ctrl-C on the way, and refusals that name what is wrong.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ended as here } from "../support/command.ts";
import { athanor, temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const rows = Array.from({ length: 20 }, (_, i) => {
  const up = i % 2 === 0;
  const values = Array.from({ length: 8 }, (_, t) => ((up ? 1 : -1) * t + Math.cos(i)).toFixed(3));
  return [...values, up ? "up" : "down"].join(",");
});
const names = [...Array.from({ length: 8 }, (_, t) => `t${t}`), "way"].join(",");
writeFileSync(at("ways.csv"), `${names}\n${rows.join("\n")}\n`);
writeFileSync(
  at("new.csv"),
  `${names.replace(",way", "")}\n${rows.map((row) => row.replace(/,[a-z]+$/, "")).join("\n")}\n`,
);
const SMALL = [
  "--width",
  "8",
  "--layers",
  "1",
  "--heads",
  "2",
  "--batch",
  "4",
  "--lr",
  "0.02",
  "--seed",
  "1",
];

test("train stopped by Ctrl-C, gone on with, scored and used", async () => {
  const run = at("run");
  const train = [
    "classify",
    "train",
    at("ways.csv"),
    "--label",
    "way",
    "--mixer",
    "rnn:cell=gru",
    "--run",
    run,
  ];
  const stopped = await athanor([...train, ...SMALL, "--steps", "4000", "--json"], (said, kill) => {
    if (said.includes("held out: ") && !said.includes("Stopping")) kill("SIGINT");
  });
  expect(stopped.code, stopped.stderr).toBe(130);
  expect(stopped.stderr).toContain("20 sequences to learn".replace("20", "16"));
  expect(stopped.stderr).toContain(`Go on with: athanor classify train --resume ${run}`);
  const { steps, accuracy } = JSON.parse(stopped.stdout) as { steps: number; accuracy: number | null };
  expect(accuracy).toBeNull();
  const ended = await here(["classify", "train", "--resume", run, "--steps", String(steps + 30), "--json"]);
  expect(ended.code, ended.stderr).toBe(0);
  const result = JSON.parse(ended.stdout) as Record<string, unknown>;
  expect(result).toMatchObject({ accuracy: 1, steps: steps + 30, runDir: run, interrupted: false });
  expect(Object.keys(result)).toEqual(expect.arrayContaining(["loss", "seconds", "confusion", "classes"]));
  const scored = await here(["classify", "eval", run, at("ways.csv"), "--json"]);
  expect(JSON.parse(scored.stdout)).toMatchObject({ accuracy: 1, cases: 20 });
  const said = await here(["classify", "predict", run, at("new.csv"), "--out", at("labels.csv")]);
  expect(said.code, said.stderr).toBe(0);
  expect(said.stdout).toBe("");
  const table = readFileSync(at("labels.csv"), "utf8").trim().split("\n");
  expect(table[0]).toBe("place,label,p(down),p(up)");
  expect(table.slice(1).map((row) => row.split(",").at(-3))).toEqual(
    rows.map((row) => row.split(",").at(-1)),
  );
}, 120_000);

test("refusals are one sentence and end with 2", async () => {
  const refused = async (args: readonly string[], sentence: string): Promise<void> => {
    const { code, stderr, stdout } = await athanor(["classify", "train", ...args, "--run", at("none")]);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain("    at ");
    expect(stdout).toBe("");
    expect(existsSync(at("none"))).toBe(false);
  };
  await Promise.all([
    refused(
      [at("ways.csv"), "--label", "why"],
      '(t0, t1, t2, t3, t4, t5, t6, t7 and 1 more), got "why". Did you mean way?',
    ),
    refused(
      [at("ways.csv"), "--mixer", "rtf", "--attention", "rtf"],
      "--mixer and --attention must not both be said",
    ),
    refused(
      [at("ways.csv"), "--label", "way", "--attention", "rtf:state=8"],
      "needs a length above its state of 8, got 8.",
    ),
    refused([], "classify: files must name at least one file, got none."),
  ]);
}, 60_000);
