// What the verbs of `athanor tokenizer` share: a tokenizer by name, a text from somewhere, ids as the flags ask.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { FileError, OptionError } from "../../errors.ts";
import { byteTokenizer } from "../../tokenizer/create.ts";
import { TIKTOKEN_ENCODINGS } from "../../tokenizer/formats/tiktoken.ts";
import { loadTokenizer } from "../../tokenizer/load-save.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { say } from "../command.ts";
import { number, whole } from "../numbers.ts";

/** What the argument MODEL may be. */
export const MODEL =
  "tokenizer.json, SentencePiece or BytePiece model, tiktoken or llama2.c file, a folder with one, or the word bytes";

/** A tokenizer by name or path. @param encoding What a tiktoken file is, where it is no published one. */
export async function openTokenizer(model: string, encoding?: string): Promise<Tokenizer> {
  if (model === "bytes") return byteTokenizer();
  const known = TIKTOKEN_ENCODINGS.find((name) => name === encoding);
  if (encoding !== undefined && known === undefined) {
    throw new OptionError(
      `tokenizer: --encoding must be one of ${TIKTOKEN_ENCODINGS.join(", ")}, got "${encoding}".`,
    );
  }
  return loadTokenizer(model, known && { encoding: known });
}

/** Adds `--encoding`. */
export function withEncoding(command: Command): Command {
  return command.option(
    "--encoding <name>",
    `split pattern and specials of a tiktoken file that is no published one: ${TIKTOKEN_ENCODINGS.join(", ")}`,
  );
}

/** The bytes to work on: `--text`, a file, or standard input. */
export async function readInput(file: string | undefined, text: string | undefined): Promise<Uint8Array> {
  if (text !== undefined && file !== undefined) {
    throw new OptionError("tokenizer: text must come from a file or --text, got both. Leave one out.");
  }
  if (text !== undefined) return new TextEncoder().encode(text);
  if (file !== undefined && file !== "-") {
    return readFile(file).catch((error: unknown) => {
      throw unreadable(file, error);
    });
  }
  const parts: Uint8Array[] = [];
  for await (const part of standardInput()) if (part instanceof Uint8Array) parts.push(part);
  return Buffer.concat(parts);
}

/** Standard input; a person at a terminal is told how to end it. */
export function standardInput(): NodeJS.ReadStream {
  if (process.stdin.isTTY) say("reading standard input; end it with Ctrl-D");
  return process.stdin;
}

export function unreadable(file: string, error: unknown): FileError {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const why = code === "ENOENT" ? "nothing there" : code === "EISDIR" ? "a folder" : code;
  return new FileError(`tokenizer: ${file} must be a readable file, got ${why}. Check the name.`);
}

/** How a text is cut into ids. */
export interface CutFlags {
  readonly text?: string;
  readonly allowSpecials?: true;
  readonly sample?: number;
  readonly seed: number;
  readonly json?: true;
  readonly encoding?: string;
}

/** Adds the options of `CutFlags`. */
export function withCutOptions(command: Command): Command {
  return withEncoding(command)
    .option("--text <text>", "the text itself")
    .option("--allow-specials", "text that spells a special becomes it")
    .option("--sample <alpha>", "a random segmentation: 0 uniform, 1 the model's own, larger sharper", number)
    .option("--seed <n>", "seed of --sample", whole, 0)
    .option("--json", "one JSON document on stdout");
}

/** Ids of `bytes` as the flags ask. */
export function idsOf(tokenizer: Tokenizer, bytes: Uint8Array, flags: CutFlags): Int32Array {
  const allowSpecials = flags.allowSpecials === true;
  if (flags.sample === undefined) return tokenizer.encode(bytes, { allowSpecials });
  return tokenizer.sample(bytes, {
    alpha: flags.sample,
    seed: flags.seed,
    allowSpecials,
  });
}
