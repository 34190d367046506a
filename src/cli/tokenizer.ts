// `athanor tokenizer train | encode | decode | inspect | compare`.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { FileError, OptionError } from "../errors.ts";
import { writeFileAtomic } from "../files/node/atomic.ts";
import { byteTokenizer } from "../tokenizer/create.ts";
import { drawAnsi, drawPlain, drawSvg, shownTokens } from "../tokenizer/draw.ts";
import { loadTokenizer } from "../tokenizer/load-save.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type StreamEncoder, unigramStream } from "../tokenizer/encode/unigram-stream.ts";
import { type AddCommand, guard, printJson, say } from "./command.ts";
import { addTokenizerTrain } from "./tokenizer-train.ts";

const MODEL =
  "tokenizer.json, BytePiece model, tiktoken or llama2.c file, a folder with one, or the word bytes";

/** The noun `tokenizer` with its verbs. */
export const addTokenizer: AddCommand = (program) => {
  const noun = program.command("tokenizer").description("train and use tokenizers");
  addTokenizerTrain(noun);
  addEncode(noun);
  addDecode(noun);
  addInspect(noun);
  addCompare(noun);
};

/** A tokenizer by name or path. */
async function open(model: string): Promise<Tokenizer> {
  return model === "bytes" ? byteTokenizer() : loadTokenizer(model);
}

/** The bytes to work on: `--text`, a file, or standard input. */
async function input(file: string | undefined, text: string | undefined): Promise<Uint8Array> {
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
function standardInput(): NodeJS.ReadStream {
  if (process.stdin.isTTY) say("reading standard input; end it with Ctrl-D");
  return process.stdin;
}

function unreadable(file: string, error: unknown): FileError {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const why = code === "ENOENT" ? "nothing there" : code === "EISDIR" ? "a folder" : code;
  return new FileError(`tokenizer: ${file} must be a readable file, got ${why}. Check the name.`);
}

/** A number from the command line. */
function numberOf(name: string, value: string): number {
  const x = Number(value);
  if (value.trim() === "" || Number.isNaN(x))
    throw new OptionError(`tokenizer: ${name} must be a number, got "${value}".`);
  return x;
}

interface EncodeFlags {
  text?: string;
  offsets?: true;
  allowSpecials?: true;
  sample?: string;
  seed: string;
  json?: true;
}

/** Ids of `bytes` as the flags ask. */
function idsOf(tokenizer: Tokenizer, bytes: Uint8Array, flags: EncodeFlags): Int32Array {
  const allowSpecials = flags.allowSpecials === true;
  if (flags.sample === undefined) return tokenizer.encode(bytes, { allowSpecials });
  return tokenizer.sample(bytes, {
    alpha: numberOf("--sample", flags.sample),
    seed: numberOf("--seed", flags.seed),
    allowSpecials,
  });
}

/** An encoder that needs not hold the text, where the tokenizer and the flags allow one. */
function streamFor(tokenizer: Tokenizer, flags: EncodeFlags): StreamEncoder | undefined {
  const whole = flags.json ?? flags.offsets ?? flags.allowSpecials ?? flags.sample ?? flags.text;
  const { model } = tokenizer;
  if (whole !== undefined || model?.kind !== "unigram" || model.normalization !== undefined) return undefined;
  return unigramStream(model);
}

/** Writes the ids of a file (or standard input) of any size, a part at a time. */
async function encodeStream(stream: StreamEncoder, file = "-"): Promise<void> {
  let first = true;
  async function* words(): AsyncGenerator<string> {
    try {
      const source = file === "-" ? standardInput() : createReadStream(file, { highWaterMark: 1 << 18 });
      for await (const part of source) {
        if (part instanceof Uint8Array) yield joined(stream.push(part));
      }
    } catch (error) {
      throw unreadable(file, error);
    }
    yield `${joined(stream.flush())}\n`;
  }
  const joined = (ids: Int32Array): string => {
    if (ids.length === 0) return "";
    const text = first ? ids.join(" ") : ` ${ids.join(" ")}`;
    first = false;
    return text;
  };
  await pipeline(words(), process.stdout, { end: false }).catch((error: unknown) => {
    // A reader that has seen enough (`| head`) is no mistake.
    if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
  });
}

function addEncode(noun: Command): void {
  noun
    .command("encode")
    .description("text to ids")
    .argument("<model>", MODEL)
    .argument("[file]", "text file; - or nothing reads standard input")
    .option("--text <text>", "the text itself")
    .option("--offsets", "with byte, UTF-16 and code-point offsets (needs --json)")
    .option("--allow-specials", "text that spells a special becomes it")
    .option("--sample <alpha>", "a random segmentation: 0 uniform, 1 the model's own, larger sharper")
    .option("--seed <n>", "seed of --sample", "0")
    .option("--json", "one JSON document on stdout")
    .action((model: string, file: string | undefined, flags: EncodeFlags) =>
      guard(async () => {
        const tokenizer = await open(model);
        const stream = streamFor(tokenizer, flags);
        if (stream) {
          await encodeStream(stream, file);
          return;
        }
        const bytes = await input(file, flags.text);
        if (flags.offsets && (!flags.json || flags.sample !== undefined)) {
          throw new OptionError("encode: --offsets must come with --json and without --sample.");
        }
        const allowSpecials = flags.allowSpecials === true;
        const { ids, offsets } = flags.offsets
          ? tokenizer.encodeWithOffsets(bytes, { allowSpecials })
          : { ids: idsOf(tokenizer, bytes, flags), offsets: undefined };
        if (flags.json) {
          const lists = offsets && {
            bytes: Array.from(offsets.bytes),
            utf16: Array.from(offsets.utf16),
            codePoints: Array.from(offsets.codePoints),
          };
          printJson({
            bytes: bytes.length,
            tokens: ids.length,
            ids: Array.from(ids),
            ...(lists && { offsets: lists }),
          });
        } else process.stdout.write(`${ids.join(" ")}\n`);
      }),
    );
}

function addDecode(noun: Command): void {
  noun
    .command("decode")
    .description("ids to text, byte for byte")
    .argument("<model>", MODEL)
    .argument("[ids...]", "ids; nothing reads them from standard input")
    .option("--show-specials", "write specials as text instead of leaving them out")
    .option("--json", "one JSON document on stdout")
    .action((model: string, words: string[], flags: { showSpecials?: true; json?: true }) =>
      guard(async () => {
        const tokenizer = await open(model);
        const list =
          words.length > 0
            ? words
            : new TextDecoder().decode(await input(undefined, undefined)).split(/[\s,[\]]+/);
        const ids = list.filter((word) => word !== "").map((word) => numberOf("id", word));
        const options = { specials: flags.showSpecials ? "show" : "skip" } as const;
        if (flags.json) printJson({ tokens: ids.length, text: tokenizer.decode(ids, options) });
        else process.stdout.write(tokenizer.decodeBytes(ids, options));
      }),
    );
}

/** What a vocabulary is like. */
function summary(tokenizer: Tokenizer): Record<string, unknown> {
  const lengths: number[] = [];
  let longest: Uint8Array = new Uint8Array(0);
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    const piece = tokenizer.bytesOf(id);
    lengths[piece.length] = (lengths[piece.length] ?? 0) + 1;
    if (piece.length > longest.length) longest = piece;
  }
  return {
    kind: tokenizer.kind,
    vocabularySize: tokenizer.vocabularySize,
    specials: tokenizer.specials,
    longest: { bytes: longest.length, text: new TextDecoder().decode(longest) },
    piecesByLength: Object.fromEntries(
      lengths.map((n, length) => [length, n]).filter(([length]) => length !== 0),
    ),
  };
}

function addInspect(noun: Command): void {
  noun
    .command("inspect")
    .description("what a tokenizer holds, and how it cuts a text: in colour here, as SVG in a file")
    .argument("<model>", MODEL)
    .argument("[file]", "text file; without one and without --text only the summary is shown")
    .option("--text <text>", "the text itself")
    .option("--svg <path>", "draw the segmentation into an SVG file")
    .option("--columns <n>", "characters per row of the SVG", "88")
    .option("--allow-specials", "text that spells a special becomes it")
    .option("--sample <alpha>", "a random segmentation instead of the best")
    .option("--seed <n>", "seed of --sample", "0")
    .option("--json", "one JSON document on stdout")
    .action(
      (model: string, file: string | undefined, flags: EncodeFlags & { svg?: string; columns: string }) =>
        guard(async () => {
          const tokenizer = await open(model);
          const about = summary(tokenizer);
          const hasText = file !== undefined || flags.text !== undefined;
          if (!hasText && flags.svg !== undefined)
            throw new OptionError("inspect: --svg must come with a text, got none. Add --text.");
          const bytes = hasText ? await input(file, flags.text) : new Uint8Array(0);
          const ids = idsOf(tokenizer, bytes, flags);
          const tokens = shownTokens(tokenizer, ids);
          if (flags.svg !== undefined) {
            const columns = numberOf("--columns", flags.columns);
            await writeFileAtomic(flags.svg, drawSvg(tokens, { columns }));
          }
          if (flags.json) {
            printJson({ ...about, ...(hasText && { bytes: bytes.length, tokens }) });
            return;
          }
          say(
            `${tokenizer.kind}, ${tokenizer.vocabularySize} ids (${tokenizer.specials.map((s) => s.text).join(" ") || "no specials"})`,
          );
          if (!hasText) {
            for (const [length, count] of Object.entries(about["piecesByLength"] ?? {}))
              say(`  ${length} bytes: ${String(count)} pieces`);
            return;
          }
          const colour = process.stdout.isTTY && !process.env["NO_COLOR"];
          process.stdout.write(`${(colour ? drawAnsi(tokens) : drawPlain(tokens)).trimEnd()}\n`);
          say(
            `${bytes.length} bytes, ${ids.length} tokens, ${(bytes.length / Math.max(1, ids.length)).toFixed(3)} bytes per token`,
          );
        }),
    );
}

/** How one tokenizer does on one text. */
interface Comparison {
  model: string;
  kind: string;
  vocabularySize: number;
  tokens: number;
  bytesPerToken: number;
  /** Million bytes encoded in a second of processor time. */
  megabytesPerSecond: number;
  lossless: boolean;
}

function compareOne(model: string, tokenizer: Tokenizer, bytes: Uint8Array): Comparison {
  let ids = tokenizer.encode(bytes); // also warms up
  const start = process.cpuUsage();
  let seconds = 0;
  let rounds = 0;
  while (seconds < 0.5 && rounds < 50) {
    ids = tokenizer.encode(bytes);
    rounds++;
    seconds = process.cpuUsage(start).user / 1e6;
  }
  const back = tokenizer.decodeBytes(ids);
  return {
    model,
    kind: tokenizer.kind,
    vocabularySize: tokenizer.vocabularySize,
    tokens: ids.length,
    bytesPerToken: bytes.length / Math.max(1, ids.length),
    megabytesPerSecond: (rounds * bytes.length) / seconds / 1e6,
    lossless: back.length === bytes.length && back.every((b, i) => b === bytes[i]),
  };
}

function addCompare(noun: Command): void {
  noun
    .command("compare")
    .description("bytes per token and speed of several tokenizers on one text")
    .argument("<models...>", `each: ${MODEL}`)
    .option("--data <file>", "text file; - reads standard input")
    .option("--text <text>", "the text itself")
    .option("--json", "one JSON document on stdout")
    .action((models: string[], flags: { data?: string; text?: string; json?: true }) =>
      guard(async () => {
        if (flags.data === undefined && flags.text === undefined) {
          throw new OptionError("compare: a text must be given, got none. Add --data FILE or --text TEXT.");
        }
        const bytes = await input(flags.data, flags.text);
        if (bytes.length === 0) throw new OptionError("compare: text must have at least one byte, got 0.");
        const rows: Comparison[] = [];
        for (const model of models) rows.push(compareOne(model, await open(model), bytes));
        if (flags.json) {
          printJson({ bytes: bytes.length, rows });
          return;
        }
        const table = rows.map((r) => [
          r.model,
          r.kind,
          String(r.vocabularySize),
          String(r.tokens),
          r.bytesPerToken.toFixed(3),
          r.megabytesPerSecond.toFixed(1),
          r.lossless ? "yes" : "no",
        ]);
        const head = ["model", "kind", "vocabulary", "tokens", "bytes/token", "MB/s (CPU)", "lossless"];
        const widths = head.map((h, c) => Math.max(h.length, ...table.map((row) => row[c]?.length ?? 0)));
        for (const row of [head, ...table]) {
          process.stdout.write(
            `${row.map((cell, c) => (c < 2 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))).join("  ")}\n`,
          );
        }
      }),
    );
}
