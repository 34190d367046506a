import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, expect, test, vi } from "vitest";
import { guard } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { addCommands } from "../../src/cli/verb.ts";
import { babble, temporaryFolder, athanor } from "../train/helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const text = join(folder, "text.txt");
const short = join(folder, "short.txt");
const empty = join(folder, "empty.txt");
const recipe = join(folder, "recipe.json");
const broken = join(folder, "broken.json");
const biased = join(folder, "biased.json");
writeFileSync(text, babble(2000));
writeFileSync(short, "a few words");
writeFileSync(empty, "");
writeFileSync(recipe, JSON.stringify({ training: { stepz: 3 } }));
writeFileSync(broken, "[1]");
writeFileSync(biased, JSON.stringify({ model: { bias: true } }));
const occupied = join(folder, "occupied");
mkdirSync(occupied);
writeFileSync(join(occupied, "config.json"), "{}");

/** Arguments after `train`, and a part of the one sentence that answers them. */
const CASES: readonly (readonly [string[], string])[] = [
  [
    [text, "--preset", "shakespear-char"],
    'preset "shakespear-char" is unknown. Did you mean shakespeare-char?',
  ],
  [[text, "--config", recipe], 'option "stepz" is unknown. Did you mean steps'],
  [
    [text, "--config", biased, "--preset", "tiny"],
    "bias must be one of all, attention, qkv, mlp, none, got true.",
  ],
  [[text, "--config", broken], "must hold a JSON object"],
  [
    [text, "--heads", "3", "--width", "64", "--preset", "tiny"],
    "heads must divide width, got 3 heads of width 64. Try --width 66.",
  ],
  [[text, "--device", "gpu"], 'device: must be one of cpu, webgpu, cuda here, got "gpu".'],
  [[empty], "must hold text, got 0 bytes."],
  [[short, "--preset", "tiny"], "must hold at least 65 tokens to train on with context 64, got 9."],
  [[text, "--run", occupied, "--preset", "tiny"], "which holds a run. Go on with --resume"],
  [[text, "--run", join(text, "run"), "--preset", "tiny"], "must be writable, got ENOTDIR."],
  [["--resume", folder], "must be the folder of a run with a config.json, got ENOENT."],
  [["--resume", folder, "--lr", "1"], "--lr cannot change in a resumed run"],
  [[text, "--heads", "7", "--width", "7", "--preset", "tiny"], "an even width, got 1 of 1 (7 heads)"],
  [[], "files must name at least one text, got none."],
];

/** Runs a command in this process and hands over what it said and how it would have ended. */
async function inProcess(args: readonly string[]): Promise<{ code: unknown; stderr: string }> {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const program = new Command("athanor").exitOverride();
  addCommands(program, COMMANDS);
  try {
    await guard(async () => void (await program.parseAsync(["train", ...args], { from: "user" })));
    return { code: process.exitCode, stderr: written.mock.calls.map(([chunk]) => String(chunk)).join("") };
  } finally {
    process.exitCode = undefined;
    written.mockRestore();
  }
}

test.each(CASES)("train %j: exit code 2 and one sentence", async (args, sentence) => {
  const run = args.includes("--run") || args.includes("--resume") ? [] : ["--run", join(folder, "new")];
  const { code, stderr } = await inProcess([...args, ...run]);
  expect(stderr).toContain(sentence);
  expect(code).toBe(2);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

test.each([
  [["train", text, "--stepz", "3"], "(Did you mean --steps?)"],
  [["train", text, "--steps", "many"], 'train: --steps must be a whole number ≥ 1, got "many".'],
])("%j: exit code 2, no stack", async (args, sentence) => {
  const { code, stdout, stderr } = await athanor(args);
  expect(stderr).toContain(sentence);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
});

test("help teaches", async () => {
  const { code, stdout } = await athanor(["train", "--help"]);
  expect(code).toBe(0);
  for (const word of ["Examples:", "shakespeare-char", "--resume", "loss.svg", "bits per byte"]) {
    expect(stdout).toContain(word);
  }
});
