// What `generate` and `chat` share: options, the opened model, text as it comes.
import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Command } from "commander";
import { merge } from "../../adapt/index.ts";
import { FileError } from "../../errors.ts";
import { createDecoder, type Decoder } from "../../model/decode.ts";
import { generate, type GenerateOptions } from "../../model/generate.ts";
import type { Device } from "../../tensor/index.ts";
import { count, notNegative, oneOf, positive, share, shareAboveZero, whole } from "../numbers.ts";
import { type OpenedModel, openModel } from "./open.ts";
import { POSITION_HELP } from "./position.ts";

/** Options of both verbs. */
export interface WritingFlags {
  readonly prompt?: string[];
  readonly promptFile?: string;
  readonly maxTokens: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed: number;
  readonly stop: string[];
  /** Absent for chat, which never ends inside a word. */
  readonly boundary?: boolean;
  readonly bits?: 4 | 8;
  readonly adapter?: string;
  readonly tokenizer?: string;
  readonly position?: string;
  readonly device?: Device;
  readonly threads?: number;
  readonly json?: boolean;
}

/** Adds the options of `WritingFlags` that both verbs describe in the same words. */
export function withWritingOptions(command: Command): Command {
  return command
    .option("-n, --max-tokens <n>", "tokens to write at most", whole, 256)
    .option("--prompt-file <file>", "read one more prompt from a file; - is standard input")
    .option(
      "-t, --temperature <x>",
      "0 always takes the most probable token (default: as the model's files say, else 0.8)",
      notNegative,
    )
    .option("--top-k <k>", "choose among the k most probable tokens (default: as the files say)", count)
    .option(
      "--top-p <p>",
      "choose among the most probable tokens that together reach p (likewise)",
      shareAboveZero,
    )
    .option("--min-p <p>", "leave out tokens less probable than p times the best (likewise)", share)
    .option("--repetition-penalty <x>", "make tokens seen before less likely, above 1 (likewise)", positive)
    .option("--seed <n>", "same seed, same text", whole, 0)
    .option("--bits <n>", "weights in 8 or 4 bits", oneOf(4, 8))
    .option("--adapter <folder>", "PEFT folder of an adapter that the model wears")
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--position <method>", POSITION_HELP)
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--threads <n>", "threads of one operator", count)
    .option("--json", "print one JSON document");
}

/** A model ready to write. @param prompts What it will go on with, where that is known already. */
export async function openWriter(
  path: string,
  flags: WritingFlags,
  prompts?: readonly string[],
): Promise<{ model: OpenedModel; decoder: Decoder }> {
  const { bits } = flags;
  const { adapter, tokenizer, position } = flags;
  const model = await openModel(path, {
    tokenizer,
    position,
    adapter,
    ...(prompts && {
      length: (its) => Math.max(...prompts.map((text) => its.encode(text).length + 1)) + flags.maxTokens,
    }),
  });
  // In few bits a matrix is one of codes: what it wears is worked in before.
  const params =
    adapter !== undefined && bits !== undefined ? (await merge(model.params)).params : model.params;
  const decoder = createDecoder(model.config, params, {
    ...(flags.device !== undefined && { device: flags.device }),
    ...(flags.threads !== undefined && { threads: flags.threads }),
    ...(bits !== undefined && { weightBits: bits }),
    handOver: true,
  });
  return { model, decoder };
}

/**
 * The prompts of a call: those of `--prompt`, then that of `--prompt-file`; where there are none, what is piped in.
 * @throws FileError for a file that cannot be read or is no text.
 */
export async function promptsOf(
  verb: string,
  { prompt = [], promptFile }: Pick<WritingFlags, "prompt" | "promptFile">,
): Promise<string[]> {
  if (promptFile !== undefined) return [...prompt, await promptIn(verb, promptFile)];
  if (prompt.length > 0 || !isPiped()) return prompt;
  const text = await promptIn(verb, "-");
  return text === "" ? [] : [text];
}

/** Whether standard input is a pipe or a file. A terminal is asked, and anything else may never end. */
function isPiped(): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isFile();
  } catch {
    return false;
  }
}

/** The text of a file without the line end that editors put last. */
async function promptIn(verb: string, path: string): Promise<string> {
  const bytes = await (path === "-" ? buffer(process.stdin) : readFile(path)).catch(
    (error: NodeJS.ErrnoException) => {
      throw new FileError(
        `${verb}: --prompt-file ${path} must be readable, got ${error.code ?? error.message}.`,
      );
    },
  );
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    throw new FileError(
      `${verb}: --prompt-file ${path} must be text in UTF-8, got ${bytes.length} bytes that are none.`,
    );
  }
}

/** The options of the model's own `generate`: what the caller says, else what its authors do. */
export function optionsOf(model: OpenedModel, flags: WritingFlags, seed: number): GenerateOptions {
  const { temperature, topK, topP, minP, repetitionPenalty } = flags;
  return {
    maxTokens: flags.maxTokens,
    ...model.drawing,
    ...(temperature !== undefined && { temperature }),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(minP !== undefined && { minP }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
    seed,
    stop: flags.stop,
    eos: model.eos,
    bos: model.bos,
    start: model.start,
    boundary: (flags.boundary ?? true) ? "exact" : "off",
  };
}

/** Writes one continuation; text goes to stdout as it comes unless `quiet`. */
export async function write(
  decoder: Decoder,
  model: OpenedModel,
  prompt: string,
  options: GenerateOptions,
  quiet: boolean,
): Promise<{ text: string; tokens: number; tokensPerSecond: number }> {
  let text = "";
  let tokens = 0;
  let first = performance.now();
  for await (const piece of generate(decoder, model.tokenizer, prompt, options)) {
    // The first piece waits for the prompt; the rate is that of the tokens after it.
    if (tokens === 0) first = performance.now();
    text += piece.text;
    tokens = piece.tokens;
    if (!quiet) process.stdout.write(piece.text);
  }
  const seconds = (performance.now() - first) / 1000;
  return { text, tokens, tokensPerSecond: tokens > 1 ? (tokens - 1) / seconds : 0 };
}
