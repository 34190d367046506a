// `athanor tokenizer train`: a vocabulary from text files.
import { rmdir } from "node:fs/promises";
import { extname } from "node:path";
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { createTokenizer } from "../../tokenizer/create.ts";
import { saveTokenizer } from "../../tokenizer/load-save.ts";
import type { TokenizerModel } from "../../tokenizer/model.ts";
import type { NewSpecial } from "../../tokenizer/train/specials.ts";
import type { TrainProgress } from "../../tokenizer/pace.ts";
import { trainBpeFiles } from "../../tokenizer/node/train-bpe.ts";
import { type FileTrainControl, trainBytePieceFiles } from "../../tokenizer/node/train-bytepiece.ts";
import { trainUnigramFiles } from "../../tokenizer/node/train-unigram.ts";
import { duration, printJson, progress, say } from "../command.ts";
import { bytes, count, list, whole } from "../numbers.ts";

interface TrainFlags {
  output: string;
  mode: string;
  vocab: number[];
  minCount?: number;
  maxPieceLength?: number;
  isolateDigits?: true;
  order?: number;
  bytes?: true;
  characters?: true;
  reference?: true;
  lines?: true;
  special?: string[];
  bos?: string;
  eos?: string;
  workers?: number;
  memory?: number;
  directory?: string;
  json?: true;
}

/** What every mode reports. */
interface Trained {
  models: readonly TokenizerModel[];
  report: { bytes: number; texts: number; warnings: string[] };
}

/** Flags that belong to one mode only. */
const MODE_FLAGS: Readonly<Record<string, readonly (keyof TrainFlags)[]>> = {
  unigram: ["isolateDigits", "bytes", "characters", "workers", "memory", "directory"],
  bytepiece: ["isolateDigits", "bytes", "characters", "order", "reference", "workers", "memory", "directory"],
  bpe: ["lines", "memory"],
};

/** Flags that some mode does not know. */
const SPECIAL_FLAGS = [
  "isolateDigits",
  "bytes",
  "characters",
  "order",
  "reference",
  "lines",
  "workers",
  "memory",
  "directory",
] as const;

const WHERE = "tokenizer train";

const HELP = `
Examples:
  athanor tokenizer train book.txt
  athanor tokenizer train *.txt --vocab 8000,32000 -o vocabulary.json     two tokenizers from one count
  athanor tokenizer train corpus.txt --mode bytepiece --memory 4GB --workers 4
  athanor tokenizer train corpus.txt --mode bpe --lines
  athanor tokenizer train chat.txt --bos "<|im_start|>" --eos "<|im_end|>" --special "<|tool|>"`;

export function define(command: Command): void {
  command
    .description("train a vocabulary from text files (UTF-8; other bytes are kept as bytes)")
    .argument("<files...>", "text files")
    .option(
      "-o, --output <file>",
      "where to write; tokenizer.json, *.model (SentencePiece) or BytePiece JSON by its name",
      "tokenizer.json",
    )
    .option("--mode <mode>", "unigram (EM over BytePiece candidates), bytepiece (faithful) or bpe", "unigram")
    .option(
      "--vocab <sizes>",
      "ids in all, specials included; several separated by commas",
      list(count, "whole numbers", "8000 or 8000,32000"),
      [8000],
    )
    .option("--min-count <n>", "candidates seen less often are dropped (default: 2)", whole)
    .option("--max-piece-length <bytes>", "bytes of the longest piece (default: 36; bpe 64)", whole)
    .option("--isolate-digits", "every digit is a piece of its own")
    .option("--bytes", "pieces may begin and end inside a character (unigram: the default)")
    .option("--characters", "pieces are whole characters (bytepiece and *.model: the default)")
    .option("--order <n>", "bytepiece: bytes of the longest n-gram, 1 to 6 (default: 6)", whole)
    .option("--reference", "bytepiece: reproduce version 0.6.3 with its dead ends")
    .option("--lines", "bpe: merge across words, within lines")
    .option(
      "--special <text>",
      "one more special token; may be given several times. Text becomes it only where allowed",
      (text: string, before: string[] | undefined) => [...(before ?? []), text],
    )
    .option("--bos <text>", "how the special that begins a text is written (default: <bos>)")
    .option("--eos <text>", "how the special that ends a text is written (default: <eos>)")
    .option("--workers <n>", "threads (default: all cores, at most 8)", whole)
    .option(
      "--memory <amount>",
      "for the whole process: 512MB, 2GB; a bare number is MB (default: 1GB)",
      bytes,
    )
    .option(
      "--directory <dir>",
      "folder for unfinished work, from which the same command goes on after a stop (default: the output's name with .unfinished; not for bpe)",
    )
    .option("--json", "print the report as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

/** Refuses flags that the mode would ignore, and files that cannot hold what it makes, before any work. */
function checkFlags(flags: TrainFlags): void {
  const known = MODE_FLAGS[flags.mode];
  if (known === undefined) {
    throw new OptionError(`${WHERE}: --mode must be unigram, bytepiece or bpe, got "${flags.mode}".`);
  }
  for (const flag of SPECIAL_FLAGS) {
    if (flags[flag] === undefined || known.includes(flag)) continue;
    const name = flag.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
    throw new OptionError(`${WHERE}: --${name} must go with a mode that knows it, got --mode ${flags.mode}.`);
  }
  const extension = extname(flags.output);
  if (flags.bytes && (flags.characters || extension === ".model")) {
    throw new OptionError(
      `${WHERE}: --bytes must go without ${flags.characters ? "--characters" : "*.model, which holds text only"}, got both. Leave one out.`,
    );
  }
  if (flags.mode === "bpe" && (extension === ".model" || extension === ".bytepiece")) {
    throw new OptionError(
      `${WHERE}: --output must be a tokenizer.json with --mode bpe, got ${flags.output}. Name it *.json.`,
    );
  }
  if (extension === ".bytepiece" && "specials" in specialsOf(flags)) {
    throw new OptionError(
      `${WHERE}: --output must be a tokenizer.json or *.model with specials of your own, got ${flags.output}. Name it *.json.`,
    );
  }
}

/** One line about where the training stands. */
export function progressLine(p: TrainProgress): string {
  const isText = p.phase === "count" || p.phase === "segment" || p.phase === "expectation";
  const amount = (n: number): string => (isText ? `${(n / 1e6).toFixed(1)} MB` : String(Math.round(n)));
  const of = p.total === undefined ? "" : ` of ${amount(p.total)}`;
  const left = p.secondsLeft === undefined ? "" : `, ${duration(p.secondsLeft)} left`;
  return `${p.phase} ${amount(p.done)}${of}, ${amount(p.rate)}/s${left}`;
}

async function train(
  files: readonly string[],
  flags: TrainFlags,
  control: FileTrainControl,
): Promise<Trained> {
  const { vocab, minCount, maxPieceLength, order } = flags;
  const common = {
    ...(minCount !== undefined && { minCount }),
    ...(maxPieceLength !== undefined && { maxPieceLength }),
    ...specialsOf(flags),
    vocabularySize: vocab,
  };
  if (flags.mode === "bpe") {
    const { signal, onProgress, memoryLimit } = control;
    return trainBpeFiles(
      files,
      { ...common, ...(flags.lines && { split: false as const }) },
      { signal, onProgress, ...(memoryLimit !== undefined && { memoryLimit }) },
    );
  }
  const options = {
    ...common,
    isolateDigits: flags.isolateDigits === true,
    ensureUnicode: wholeCharacters(flags),
  };
  if (flags.mode === "unigram") return trainUnigramFiles(files, options, control);
  const reference = flags.reference === true;
  return trainBytePieceFiles(
    files,
    { ...options, reference, ...(order !== undefined && { order }) },
    control,
  );
}

/**
 * Whether pieces keep to whole characters. Parts of characters make a rare character two tokens instead of three,
 * which is worth 1 to 6 % on Chinese; SentencePiece cannot hold them, and BytePiece's own way is without.
 */
function wholeCharacters({ bytes: parts, characters, mode, output }: TrainFlags): boolean {
  if (parts || characters) return characters === true;
  return mode !== "unigram" || extname(output) === ".model";
}

/** The specials that the flags ask for; those that the roles name first, so that ids 0 to 2 are as usual. */
function specialsOf({ special = [], bos, eos }: TrainFlags): { specials?: NewSpecial[] } {
  if (special.length === 0 && bos === undefined && eos === undefined) return {};
  const named: NewSpecial[] = [
    { text: "<pad>", role: "pad" },
    { text: bos ?? "<bos>", role: "bos" },
    { text: eos ?? "<eos>", role: "eos" },
  ];
  const texts = new Set(named.map((s) => s.text));
  return { specials: [...named, ...special.filter((text) => !texts.has(text)).map((text) => ({ text }))] };
}

/** Name of one of several outputs: `tokenizer.json` becomes `tokenizer.8000.json`. */
export function outputName(output: string, size: number, several: boolean): string {
  if (!several) return output;
  const extension = extname(output);
  return `${output.slice(0, output.length - extension.length)}.${size}${extension}`;
}

/** Flags of options that the trainers check. */
const FLAG_OF: Readonly<Record<string, string>> = {
  vocabularySize: "--vocab",
  minCount: "--min-count",
  maxPieceLength: "--max-piece-length",
  order: "--order",
  workers: "--workers",
  memoryLimit: "--memory",
  specials: "--special, --bos and --eos",
};

/** A trainer's complaint about an option, in the words of the command line. */
function inFlags(error: unknown): unknown {
  if (!(error instanceof OptionError)) return error;
  return new OptionError(
    error.message.replace(
      /^train\w+: (\w+) must/,
      (_, name: string) => `${WHERE}: ${FLAG_OF[name] ?? name} must`,
    ),
  );
}

async function run(files: string[], flags: TrainFlags): Promise<void> {
  checkFlags(flags);
  const { memory, workers } = flags;
  const directory = flags.mode === "bpe" ? undefined : (flags.directory ?? `${flags.output}.unfinished`);
  const stop = new AbortController();
  const interrupted = (): void => {
    const hint =
      directory === undefined
        ? "It begins anew next time."
        : `Run the same command again to go on from ${directory}.`;
    stop.abort(new Error(`tokenizer train: stopped. ${hint}`));
  };
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  const line = progress();
  const began = performance.now();
  try {
    const { models, report } = await train(files, flags, {
      signal: stop.signal,
      // In the first second there is nothing to say yet.
      onProgress: (p) => {
        if (p.done > 0 && performance.now() - began > 1000) line.update(progressLine(p));
      },
      ...(workers !== undefined && { workers }),
      ...(memory !== undefined && { memoryLimit: memory }),
      ...(directory !== undefined && { directory }),
    }).catch((error: unknown) => {
      throw inFlags(error);
    });
    line.end();
    for (const warning of report.warnings) say(`warning: ${warning}`);
    const written: { file: string; vocabularySize: number }[] = [];
    for (const [i, model] of models.entries()) {
      const file = outputName(flags.output, flags.vocab[i] ?? 0, models.length > 1);
      await saveTokenizer(createTokenizer(model), file);
      written.push({ file, vocabularySize: model.pieces.length });
      say(`${file}: ${model.pieces.length} ids from ${(report.bytes / 1e6).toFixed(1)} MB of text`);
    }
    const seconds = (performance.now() - began) / 1000;
    say(`trained in ${duration(seconds)}`);
    if (flags.json) printJson({ mode: flags.mode, seconds, models: written, report });
  } finally {
    line.end();
    // Nothing is left to go on from: the training is done, or never began.
    if (directory !== undefined) await rmdir(directory).catch(() => undefined);
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
  }
}
