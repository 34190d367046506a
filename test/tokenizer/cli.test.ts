import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import { writeHuggingFace } from "../../src/tokenizer/formats/index.ts";
import { SMALL } from "./models.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(folder, "tokenizer.json");
writeFileSync(model, writeHuggingFace(SMALL));
const tokenizer = createTokenizer(SMALL);
const main = join(import.meta.dirname, "../../src/cli/main.ts");

function run(args: string[], input = ""): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=source", main, "tokenizer", ...args],
    {
      input,
      encoding: "utf8",
    },
  );
  return { code: status, out: stdout, err: stderr };
}

const LINE = "the hello world 太阳能\n";

describe("athanor tokenizer", () => {
  test("encode and decode undo each other, from arguments, files and standard input", () => {
    const ids = [...tokenizer.encode(LINE)];
    expect(run(["encode", model], LINE)).toEqual({ code: 0, out: `${ids.join(" ")}\n`, err: "" });
    expect(run(["decode", model, ...ids.map(String)]).out).toBe(LINE);
    expect(run(["decode", model], ids.join("\n")).out).toBe(LINE);
    const json: unknown = JSON.parse(run(["encode", model, "--text", LINE, "--json", "--offsets"]).out);
    expect(json).toMatchObject({
      bytes: 26,
      tokens: ids.length,
      ids,
      offsets: { utf16: Array.from(tokenizer.encodeWithOffsets(LINE).offsets.utf16) },
    });
    const sampled = run(["encode", model, "--text", LINE, "--sample", "0.1", "--seed", "3"]).out;
    expect(sampled.trim()).toBe(tokenizer.sample(LINE, { alpha: 0.1, seed: 3 }).join(" "));
  });

  test("inspect draws the cuts here and as SVG, and sums up the vocabulary", () => {
    const svg = join(folder, "cut.svg");
    const { out, err, code } = run(["inspect", model, "--text", LINE, "--svg", svg]);
    expect({ out, code }).toEqual({ out: "the| |hello| world| |太阳能|⏎\n", code: 0 });
    expect(err).toContain("26 bytes, 7 tokens, 3.714 bytes per token");
    expect(readFileSync(svg, "utf8")).toMatch(/^<svg [^]*太阳能[^]*<\/svg>\n$/);
    expect(JSON.parse(run(["inspect", model, "--json"]).out)).toMatchObject({
      kind: "unigram",
      vocabularySize: SMALL.pieces.length,
    });
  });

  test("compare lists bytes per token and speed", () => {
    const { out, code } = run(["compare", model, "bytes", "--text", LINE, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      bytes: 26,
      rows: [
        { tokens: 7, lossless: true },
        { model: "bytes", tokens: 26, bytesPerToken: 1 },
      ],
    });
  });

  test.each([
    [
      ["encode", "nowhere.json", "--text", "x"],
      "athanor: load: nowhere.json must exist, got nothing there.\n",
    ],
    [["decode", "bytes", "999"], "athanor: decode: id must be an integer from 0 to 258, got 999.\n"],
    [["decode", "bytes", "x"], 'athanor: tokenizer: id must be a number, got "x".\n'],
    [
      ["encode", "bytes", "--text", "x", "--sample", "-1"],
      "athanor: sample: alpha must be a finite number ≥ 0, got -1. Use encode for the single best segmentation.\n",
    ],
    [
      ["compare", "bytes"],
      "athanor: compare: a text must be given, got none. Add --data FILE or --text TEXT.\n",
    ],
  ])("%j is one sentence and exit code 2", (args, message) => {
    expect(run(args)).toEqual({ code: 2, out: "", err: message });
  });
});
