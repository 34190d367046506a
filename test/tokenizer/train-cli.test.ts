import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { guard } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { outputName, progressLine } from "../../src/cli/tokenizer/train.ts";
import { addCommands } from "../../src/cli/verb.ts";
import { loadTokenizer } from "../../src/tokenizer/load-save.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** Runs `tokenizer train` with `args`; what it wrote to stdout and stderr, and its exit code. */
async function train(...args: string[]): Promise<{ out: string; err: string; code: unknown }> {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => err.push(String(text)) > 0);
  const program = new Command();
  addCommands(program, COMMANDS);
  const words = ["tokenizer", "train", ...args];
  await guard(async () => void (await program.parseAsync(words, { from: "user" })));
  return { out: out.join(""), err: err.join(""), code: process.exitCode };
}

const text = new URL("../golden/bytepiece.json", import.meta.url).pathname;

test.each(["unigram", "bytepiece", "bpe"])(
  "mode %s writes a tokenizer that loads and loses nothing",
  async (mode) => {
    const file = join(folder, `${mode}.json`);
    const { out, err, code } = await train(text, "--mode", mode, "--vocab", "400", "-o", file, "--json");
    expect(code).toBe(undefined);
    expect(err).toContain(`${file}: 400 ids`);
    expect(JSON.parse(out)).toMatchObject({
      mode,
      models: [{ file, vocabularySize: 400 }],
      report: { texts: 1 },
    });
    const tokenizer = await loadTokenizer(file);
    const original = readFileSync(text, "utf8").slice(0, 3000).normalize("NFC");
    expect(tokenizer.decode(tokenizer.encode(original))).toBe(original);
  },
);

test("several sizes give several files", async () => {
  const file = join(folder, "many.json");
  await train(text, "--vocab", "350,300", "-o", file);
  for (const size of [350, 300]) {
    expect((await loadTokenizer(join(folder, `many.${size}.json`))).vocabularySize).toBe(size);
  }
  expect(outputName("a/b.model", 300, true)).toBe("a/b.300.model");
  expect(outputName("a.b/c", 300, true)).toBe("a.b/c.300");
  expect(outputName("c.json", 300, false)).toBe("c.json");
});

test("--special, --bos and --eos; bpe in several sizes within --memory", async () => {
  const file = join(folder, "chat.json");
  const own = [
    "--special",
    "<|x|>",
    "--special",
    "<|im_end|>",
    "--bos",
    "<|im_start|>",
    "--eos",
    "<|im_end|>",
  ];
  const { err } = await train(
    text,
    ...own,
    "--mode",
    "bpe",
    "--vocab",
    "350,300",
    "--memory",
    "1GB",
    "-o",
    file,
  );
  expect(err).toContain(`${join(folder, "chat.300.json")}: 300 ids`);
  const tokenizer = await loadTokenizer(join(folder, "chat.350.json"));
  expect(tokenizer.vocabularySize).toBe(350);
  expect(tokenizer.specials.map((s) => `${s.text} ${s.role}`)).toEqual([
    "<pad> pad",
    "<|im_start|> bos",
    "<|im_end|> eos",
    "<|x|> other",
  ]);
  expect([...tokenizer.encode("<|x|>", { allowSpecials: true })]).toEqual([3]);
  expect(tokenizer.encode("<|x|>").length).toBeGreaterThan(1);
});

test("by default pieces may be parts of characters; in a SentencePiece file, or where asked, they are whole", async () => {
  const partial = async (name: string, ...args: string[]): Promise<boolean> => {
    const file = join(folder, name);
    await train(text, "--vocab", "420", ...args, "-o", file);
    const tokenizer = await loadTokenizer(file);
    const pieces = Array.from({ length: tokenizer.vocabularySize }, (_, id) => tokenizer.bytesOf(id));
    return pieces.some((p) => p.length > 1 && new TextDecoder().decode(p).includes("\ufffd"));
  };
  expect(await partial("parts.json")).toBe(true);
  expect(await partial("whole.json", "--characters")).toBe(false);
  expect(await partial("whole.model")).toBe(false);
});

test("mistakes end with one sentence and code 2, and write nothing", async () => {
  const file = join(folder, "never.json");
  const mistakes: [string[], string][] = [
    [["--mode", "words"], 'tokenizer train: --mode must be unigram, bytepiece or bpe, got "words".'],
    [
      ["--vocab", "8k"],
      'tokenizer train: --vocab must be whole numbers separated by commas, got "8k". For example 8000 or 8000,32000.',
    ],
    [["--order", "3"], "tokenizer train: --order must go with a mode that knows it, got --mode unigram."],
    [
      ["--bytes", "--characters"],
      "tokenizer train: --bytes must go without --characters, got both. Leave one out.",
    ],
    [["--special", ""], 'tokenizer train: --special, --bos and --eos must be texts, got "".'],
    [["--min-count", "-1"], 'tokenizer train: --min-count must be a whole number, got "-1".'],
    [
      ["--vocab", "12"],
      "tokenizer train: --vocab must be an integer ≥ 259 (256 bytes and 3 specials), got 12.",
    ],
  ];
  for (const [args, sentence] of mistakes) {
    const { err, code } = await train(text, "-o", file, ...args);
    expect(err).toBe(`athanor: ${sentence}\n`);
    expect(code).toBe(2);
  }
  expect(existsSync(file)).toBe(false);
  // Before any work: what the file cannot hold.
  for (const [name, ...args] of [
    ["v.model", "--mode", "bpe"],
    ["v.bytepiece", "--special", "<x>"],
    ["v.model", "--bytes"],
  ]) {
    const { err, code } = await train(text, "-o", join(folder, name ?? ""), ...args);
    expect(err).toMatch(/^athanor: tokenizer train: --(output|bytes) must/);
    expect(code).toBe(2);
  }
});

test("a progress line has phase, amount, rate and time left", () => {
  expect(progressLine({ phase: "count", done: 5e6, total: 2e7, rate: 1e6, secondsLeft: 15 })).toBe(
    "count 5.0 MB of 20.0 MB, 1.0 MB/s, 15s left",
  );
  expect(progressLine({ phase: "prune", done: 1200, rate: 500 })).toBe("prune 1200, 500/s");
});
