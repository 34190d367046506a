// `athanor eval`: the same last tokens scored under growing context, one line per way of scoring positions.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { lineChart } from "../../draw/line-chart.ts";
import { FileError, unreachable } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { contextLoss, type ContextLoss } from "../../model/context-loss.ts";
import { createDecoder, type Decoder } from "../../model/decode.ts";
import type { Device } from "../../tensor/index.ts";
import type { Command } from "commander";
import { printJson, progress, say } from "../command.ts";
import { count, list, repeated } from "../numbers.ts";
import { type OpenedModel, openModel } from "./open.ts";
import { withPosition } from "./position.ts";

interface Flags {
  data: string;
  context: number[];
  position: string[];
  last?: number;
  stretches: number;
  tokenizer?: string;
  svg?: string;
  device?: Device;
  json?: boolean;
}

const HELP = `
Examples:
  athanor eval stories15M.bin --data stories.txt --context 256,512,1024 \\
    --position rope --position yarn:scale=4 --position rerope:window=128,logScale=after --svg loss.svg
  athanor eval stories15M.bin --data book.txt --position yarn:scale=auto   each context at its own scale
  athanor eval runs/long --data book.txt --position own --position hwfa2   as trained, and as its plan runs`;

export function define(command: Command): void {
  command
    .description(
      "loss of the same last tokens under growing context, for one or more ways of scoring positions",
    )
    .argument("<model>", "run, Hugging Face folder or llama2.c file")
    .requiredOption("--data <file>", "text to score (.txt or .gz)")
    .option(
      "--context <list>",
      "lengths of context in tokens",
      list(count, "whole numbers ≥ 1", "256,512,1024"),
      [256, 512, 1024],
    )
    .option(
      "--position <method>",
      "a way of scoring, e.g. ntk-mixed:scale=4; repeat to compare",
      repeated,
      [],
    )
    .option("--last <n>", "how many last tokens are scored (default: the shortest context)", count)
    .option("--stretches <n>", "stretches of text to average over", count, 4)
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--svg <file>", "draw loss against context")
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const contexts = flags.context;
  const model = await openModel(path, { tokenizer: flags.tokenizer });
  const raw = await readFile(flags.data).catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`eval: ${flags.data} must be readable, got ${error.code ?? error.message}.`);
  });
  const ids = model.tokenizer.encode(flags.data.endsWith(".gz") ? gunzipSync(raw) : raw);
  const methods = flags.position.length > 0 ? flags.position : ["own"];
  const bar = progress();
  const rows: { position: string; losses: ContextLoss[] }[] = [];
  for (const position of methods) {
    const reading = readers(model, position, contexts, flags.device);
    const losses = await contextLoss(reading.at, ids, {
      contexts,
      stretches: flags.stretches,
      bos: model.bos,
      ...(flags.last !== undefined && { last: flags.last }),
      onProgress: (done, total) => bar.update(`${position}: ${done} of ${total}`),
    });
    await reading.release();
    rows.push({ position, losses });
  }
  bar.end();
  const width = Math.max(...rows.map((r) => r.position.length), 8);
  say(`${"position".padEnd(width)}  ${contexts.map((c) => String(c).padStart(8)).join("")}   nats a token`);
  for (const { position, losses } of rows) {
    say(`${position.padEnd(width)}  ${losses.map((l) => l.loss.toFixed(4).padStart(8)).join("")}`);
  }
  if (flags.svg !== undefined) {
    const finite = rows.flatMap((r) => r.losses.map((l) => l.loss)).sort((a, b) => a - b);
    const middle = finite[Math.floor(finite.length / 2)] ?? 1;
    await writeFileAtomic(
      flags.svg,
      lineChart({
        title: "Loss against context",
        subtitle: `${basename(path)}: the same last ${rows[0]?.losses[0]?.tokens ?? 0} tokens of ${basename(flags.data)}`,
        x: "tokens of context",
        y: "nats per token",
        xScale: "log2",
        yMost: Math.min(finite.at(-1) ?? 1, 2 * middle),
        series: rows.map((r) => ({
          name: r.position,
          points: r.losses.map((l) => [l.context, l.loss] as const),
        })),
      }),
    );
    say(`drawn: ${flags.svg}`);
  }
  if (flags.json) printJson({ model: path, data: flags.data, contexts, results: rows });
}

/** The model under `position`: one for all lengths of context, or one for each where `scale=auto` follows them. */
function readers(
  { config, params }: OpenedModel,
  position: string,
  contexts: readonly number[],
  device: Device | undefined,
): { at: (context: number) => Decoder; release: () => Promise<void> } {
  const options = device === undefined ? {} : { device };
  const lengths = position.includes("scale=auto") ? contexts : [Math.max(...contexts)];
  const decoders = lengths.map((length) => {
    const changed = position === "own" ? config : withPosition(config, position, length);
    return { length, decoder: createDecoder(changed, params, options) };
  });
  return {
    at: (context) => {
      const found = decoders.find(({ length }) => length === context) ?? decoders[0];
      return found ? found.decoder : unreachable("a length of context that was not asked for");
    },
    release: async () => {
      for (const { decoder } of decoders) await decoder.release();
    },
  };
}
