// `athanor tokenizer compare`
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { printJson } from "../command.ts";
import { MODEL, openTokenizer, readInput } from "./input.ts";

interface CompareFlags {
  readonly data?: string;
  readonly text?: string;
  readonly json?: true;
}

const HELP = `
Example:
  athanor tokenizer compare tokenizer.json gpt2/tokenizer.json bytes --data book.txt`;

export function define(command: Command): void {
  command
    .argument("<models...>", `each: ${MODEL}`)
    .option("--data <file>", "text file; - reads standard input")
    .option("--text <text>", "the text itself")
    .option("--json", "one JSON document on stdout")
    .addHelpText("after", HELP)
    .action(compare);
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

async function compare(models: string[], flags: CompareFlags): Promise<void> {
  if (flags.data === undefined && flags.text === undefined) {
    throw new OptionError("compare: a text must be given, got none. Add --data FILE or --text TEXT.");
  }
  const bytes = await readInput(flags.data, flags.text);
  if (bytes.length === 0) throw new OptionError("compare: text must have at least one byte, got 0.");
  const rows: Comparison[] = [];
  for (const model of models) rows.push(compareOne(model, await openTokenizer(model), bytes));
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
}
