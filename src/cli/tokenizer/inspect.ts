// `athanor tokenizer inspect`
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { drawAnsi, drawPlain, drawSvg, shownTokens } from "../../tokenizer/draw.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { printJson, say } from "../command.ts";
import { count } from "../numbers.ts";
import { type CutFlags, idsOf, MODEL, openTokenizer, readInput, withCutOptions } from "./input.ts";

interface InspectFlags extends CutFlags {
  readonly svg?: string;
  readonly columns: number;
}

const HELP = `
Examples:
  athanor tokenizer inspect tokenizer.json
  athanor tokenizer inspect tokenizer.json --text "the self-feeding furnace"
  athanor tokenizer inspect tokenizer.json poem.txt --svg poem.svg --columns 60`;

export function define(command: Command): void {
  withCutOptions(
    command
      .description("what a tokenizer holds, and how it cuts a text: in colour here, as SVG in a file")
      .argument("<model>", MODEL)
      .argument("[file]", "text file; without one and without --text only the summary is shown")
      .option("--svg <path>", "draw the segmentation into an SVG file")
      .option("--columns <n>", "characters per row of the SVG", count, 88),
  )
    .addHelpText("after", HELP)
    .action(inspect);
}

async function inspect(model: string, file: string | undefined, flags: InspectFlags): Promise<void> {
  const tokenizer = await openTokenizer(model, flags.encoding);
  const about = summary(tokenizer);
  const hasText = file !== undefined || flags.text !== undefined;
  if (!hasText && flags.svg !== undefined)
    throw new OptionError("inspect: --svg must come with a text, got none. Add --text.");
  const bytes = hasText ? await readInput(file, flags.text) : new Uint8Array(0);
  const ids = idsOf(tokenizer, bytes, flags);
  const tokens = shownTokens(tokenizer, ids);
  if (flags.svg !== undefined) {
    await writeFileAtomic(flags.svg, drawSvg(tokens, { columns: flags.columns }));
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
