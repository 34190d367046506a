// `athanor tokenizer encode`
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { type StreamEncoder, unigramStream } from "../../tokenizer/encode/unigram-stream.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { printJson } from "../command.ts";
import {
  type CutFlags,
  idsOf,
  MODEL,
  openTokenizer,
  readInput,
  standardInput,
  unreadable,
  withCutOptions,
} from "./input.ts";

interface EncodeFlags extends CutFlags {
  readonly offsets?: true;
}

const HELP = `
Examples:
  athanor tokenizer encode tokenizer.json book.txt > ids.txt
  echo "明月" | athanor tokenizer encode bytes
  athanor tokenizer encode tokenizer.json --text "once upon" --json --offsets`;

export function define(command: Command): void {
  withCutOptions(
    command
      .argument("<model>", MODEL)
      .argument("[file]", "text file; - or nothing reads standard input")
      .option("--offsets", "with byte, UTF-16 and code-point offsets (needs --json)"),
  )
    .addHelpText("after", HELP)
    .action(encode);
}

async function encode(model: string, file: string | undefined, flags: EncodeFlags): Promise<void> {
  const tokenizer = await openTokenizer(model, flags.encoding);
  const stream = streamFor(tokenizer, flags);
  if (stream) {
    await encodeStream(stream, file);
    return;
  }
  const bytes = await readInput(file, flags.text);
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
  await pipeline(words(), process.stdout, { end: false });
}
