// How the program starts and ends: quick help, other working folders, readers that have seen enough.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { afterAll, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { userFolder } from "../../src/cli/user-folder.ts";
import { addCommands, type Noun, type Verb } from "../../src/cli/verb.ts";
import { temporaryFolder } from "../train/helpers.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const main = join(ROOT, "src/cli/main.ts");
const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const verbsOf = (entry: Noun | Verb): readonly Verb[] => ("verbs" in entry ? entry.verbs : [entry]);

test("--help loads no verb, and lists all of them", async () => {
  const loaded: string[] = [];
  const spied = COMMANDS.map((entry) => {
    const spy = (verb: Verb): Verb => ({ ...verb, load: () => (loaded.push(verb.name), verb.load()) });
    return "verbs" in entry ? { ...entry, verbs: entry.verbs.map(spy) } : spy(entry);
  });
  const program = new Command("athanor").exitOverride().configureOutput({ writeOut: () => undefined });
  addCommands(program, spied);
  await expect(program.parseAsync(["--help"], { from: "user" })).rejects.toThrow("(outputHelp)");
  expect(loaded).toEqual([]);
  for (const { name, about } of COMMANDS) {
    const help = program.helpInformation().replaceAll(/\s+/g, " ");
    expect(help).toContain(name);
    expect(help).toContain(about);
  }
});

test.each(COMMANDS.flatMap((entry) => verbsOf(entry).map((verb) => [entry.name, verb] as const)))(
  "%s $name: help has examples, every option a description",
  async (_, verb) => {
    const command = new Command(verb.name);
    (await verb.load()).define(command);
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toMatch(/\nExamples?:\n {2}athanor /);
    for (const { flags, description } of command.options) expect(description, flags).not.toBe("");
  },
);

test.each([
  [["train", "a.txt", "--minutes", "x"], 'train: --minutes must be a number above 0, got "x".'],
  [["generate", "m", "--top-p", "0"], "generate: --top-p must be a number above 0 and at most 1"],
  [["chat", "m", "--max-tokens", "many"], 'chat: --max-tokens must be a whole number, got "many".'],
  [["eval", "m", "--data", "d", "--context", "a"], "eval: --context must be whole numbers ≥ 1 separated"],
  [["papers", "search", "x", "--limit", "0"], 'papers search: --limit must be a whole number ≥ 1, got "0".'],
])("%j: the refusal names command, option and value", async (args, sentence) => {
  const program = new Command("athanor").exitOverride();
  addCommands(program, COMMANDS);
  await expect(program.parseAsync(args, { from: "user" })).rejects.toThrow(sentence);
});

test("a reader that has seen enough ends the program without a word", async () => {
  const text = join(folder, "long.txt");
  writeFileSync(text, "furnace ".repeat(200_000));
  const child = spawn(process.execPath, ["--conditions=source", main, "tokenizer", "encode", "bytes", text]);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => (stderr += part));
  child.stdout.once("data", () => child.stdout.destroy());
  const code = await new Promise((done) => child.on("close", done));
  expect([code, stderr]).toEqual([0, ""]);
});

test("npm's scripts of this package work in the folder that npm was called from", () => {
  const from = join(folder, "elsewhere");
  mkdirSync(from);
  writeFileSync(join(from, "small.txt"), "abc");
  const env = {
    ...process.env,
    npm_lifecycle_event: "athanor",
    npm_package_json: join(ROOT, "package.json"),
    INIT_CWD: from,
  };
  const { stdout } = spawnSync(
    process.execPath,
    ["--conditions=source", main, "tokenizer", "encode", "bytes", "small.txt"],
    { cwd: ROOT, env, encoding: "utf8" },
  );
  expect(stdout).toBe("100 101 102\n");
  // Scripts of another package, and other scripts of ours, keep the folder that npm gave them.
  expect(userFolder({ ...env, npm_package_json: join(from, "package.json") }, ROOT)).toBeUndefined();
  expect(userFolder({ ...env, npm_lifecycle_event: "test" }, ROOT)).toBeUndefined();
  expect(userFolder({}, ROOT)).toBeUndefined();
});
