// `athanor tokenizer decode`
import type { Command } from "commander";
import { printJson } from "../command.ts";
import { number, read } from "../numbers.ts";
import { MODEL, openTokenizer, readInput, withEncoding } from "./input.ts";

interface DecodeFlags {
  readonly showSpecials?: true;
  readonly json?: true;
  readonly encoding?: string;
}

const HELP = `
Examples:
  athanor tokenizer decode tokenizer.json 361 72 1189
  athanor tokenizer decode tokenizer.json < ids.txt`;

export function define(command: Command): void {
  withEncoding(command)
    .argument("<model>", MODEL)
    .argument("[ids...]", "ids; nothing reads them from standard input")
    .option("--show-specials", "write specials as text instead of leaving them out")
    .option("--json", "one JSON document on stdout")
    .addHelpText("after", HELP)
    .action(decode);
}

async function decode(model: string, words: string[], flags: DecodeFlags): Promise<void> {
  const tokenizer = await openTokenizer(model, flags.encoding);
  const list =
    words.length > 0
      ? words
      : new TextDecoder().decode(await readInput(undefined, undefined)).split(/[\s,[\]]+/);
  const ids = list.filter((word) => word !== "").map((word) => read("tokenizer: id", number, word));
  const options = { specials: flags.showSpecials ? "show" : "skip" } as const;
  if (flags.json) printJson({ tokens: ids.length, text: tokenizer.decode(ids, options) });
  else process.stdout.write(tokenizer.decodeBytes(ids, options));
}
