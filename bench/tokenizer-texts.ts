// Texts and vocabularies for the tokenizer benchmarks: real English, Chinese and code, nine tenths for training,
// one tenth held out.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { FileError } from "../src/errors.ts";
import { loadTokenizer, saveTokenizer } from "../src/tokenizer/load-save.ts";
import { createTokenizer } from "../src/tokenizer/create.ts";
import type { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { trainUnigram } from "../src/tokenizer/train/unigram.ts";

const ROOT = join(import.meta.dirname, "..");

/** The folder with texts: ATHANOR_DATA, else shared/data beside the repository. */
function dataFolder(): string {
  const found = [
    process.env["ATHANOR_DATA"],
    join(ROOT, "../shared/data"),
    join(ROOT, "../../shared/data"),
  ].find((path) => path !== undefined && existsSync(path));
  if (found === undefined)
    throw new FileError("bench: the data folder must be at hand, got none. Set ATHANOR_DATA.");
  return found;
}

function gz(path: string): string {
  return gunzipSync(readFileSync(join(dataFolder(), path))).toString();
}

/** JavaScript of this repository's dependencies, about 2 MB. */
function code(): string {
  const folders = [
    "commander/lib",
    "fast-check/lib",
    "@huggingface/tokenizers/dist",
    "ml-matrix/src",
    "pbf",
    "vitest/dist",
  ];
  const parts: string[] = [];
  for (const folder of folders) {
    const path = join(ROOT, "node_modules", folder);
    if (!existsSync(path)) continue;
    for (const name of readdirSync(path, { recursive: true, encoding: "utf8" }).sort()) {
      if (/\.m?[jt]s$/.test(name) && !name.includes(".min."))
        parts.push(readFileSync(join(path, name), "utf8"));
    }
  }
  return parts.join("\n").slice(0, 2_000_000);
}

export type Language = "english" | "chinese" | "code";

function cut(text: string): { train: string; heldOut: string } {
  const train: string[] = [];
  const heldOut: string[] = [];
  text.split("\n").forEach((line, i) => (i % 10 === 9 ? heldOut : train).push(line));
  return { train: train.join("\n"), heldOut: heldOut.join("\n") };
}

/** Text of each kind, cut into lines: every tenth is held out. */
export function texts(): Record<Language, { train: string; heldOut: string }> {
  return {
    english: cut(gz("text/en/sotu.txt.gz")),
    chinese: cut(
      ["classics", "debian-handbook-zh", "songci"].map((f) => gz(`text/zh/${f}.txt.gz`)).join("\n"),
    ),
    code: cut(code()),
  };
}

/** A Unigram tokenizer of `size` ids trained on the nine tenths of all three, kept in .cache between runs. */
export async function trainedTokenizer(size: number): Promise<Tokenizer> {
  const path = join(ROOT, ".cache", `bench-unigram-${size}.json`);
  if (existsSync(path)) return loadTokenizer(path);
  const corpus = Object.values(texts()).map((t) => t.train);
  const { models } = await trainUnigram(corpus, { vocabularySize: size });
  const [model] = models;
  if (model === undefined) throw new FileError("bench: training must give a model, got none.");
  const tokenizer = createTokenizer(model);
  await saveTokenizer(tokenizer, path);
  return tokenizer;
}
