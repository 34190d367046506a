// `athanor eval`: prompts with completions scored; or the same last tokens of a text under growing context, one line per way
// of scoring positions.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { lineChart } from "../../draw/line-chart.ts";
import { FileError, unreachable } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { applyChatTemplate, type ChatMessage } from "../../model/chat.ts";
import { contextLoss, type ContextLoss } from "../../model/context-loss.ts";
import { createDecoder, type Decoder } from "../../model/decode.ts";
import type { Device } from "../../tensor/index.ts";
import type { Command } from "commander";
import { readExamples, type Columns, scoreExamples } from "../../train/index.ts";
import { unpacked } from "../../train/node/corpus.ts";
import { columnsOf } from "../adapt/columns.ts";
import { printJson, progress, say } from "../command.ts";
import { count, list, repeated } from "../numbers.ts";
import { type OpenedModel, openModel } from "./open.ts";
import { followsLength, withPosition } from "./position.ts";

interface Flags {
  data: string;
  context: number[];
  position: string[];
  last?: number;
  stretches: number;
  adapter?: string;
  columns?: Columns;
  batch: number;
  tokenizer?: string;
  svg?: string;
  device?: Device;
  json?: boolean;
}

const HELP = `
Of .jsonl, .csv and .tsv with prompt and completion (or messages): loss per completion token, share of completions that the
model would write itself, and with choices (a list, or texts between |) how often the right one is the most probable.

Examples:
  athanor eval ./MiniMind2-small --adapter runs/mine/adapter --data test.jsonl
  athanor eval ./MiniMind2-small --data sms.tsv --columns completion=1,prompt=2 --json
  athanor eval stories15M.bin --data stories.txt --context 256,512,1024 \\
    --position rope --position yarn:scale=4 --position rerope:window=128,logScale=after --svg loss.svg
  athanor eval stories15M.bin --data book.txt --position yarn:scale=auto   each context at its own scale
  athanor eval runs/long --data book.txt --position own --position hwfa2   as trained, and as its plan runs`;

export function define(command: Command): void {
  command
    .description(
      "score prompts with completions; or the last tokens of a text under growing context, for ways of scoring positions",
    )
    .argument("<model>", "run, Hugging Face folder or llama2.c file")
    .requiredOption("--data <file>", "text (.txt or .gz), or examples (.jsonl, .csv, .tsv) to score")
    .option("--adapter <folder>", "PEFT or MLX folder of an adapter that the model wears")
    .option(
      "--columns <ours=theirs,...>",
      "what prompt, completion, choices … are called in the data",
      columnsOf,
    )
    .option("--batch <n>", "examples that are read together", count, 8)
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

/** Names of files that hold examples. */
const EXAMPLES = /\.(jsonl|ndjson|csv|tsv)(\.gz)?$/i;

async function ofExamples(path: string, model: OpenedModel, flags: Flags): Promise<void> {
  const { data, name } = await unpacked(flags.data);
  const { chat, config, params, tokenizer, bos } = model;
  const read = readExamples(data, name, flags.data, {
    ...(flags.columns && { columns: flags.columns }),
    ...(chat && {
      chat: (turns, answer) => applyChatTemplate(chat, turns as readonly ChatMessage[], answer),
    }),
  });
  for (const notice of read.notices) say(notice);
  const bar = progress();
  const [eos] = model.eos;
  const score = await scoreExamples(
    { config, params, tokenizer, ...(bos !== undefined && { bos }), ...(eos !== undefined && { eos }) },
    read.examples,
    {
      context: Math.min(config.context, Math.max(...flags.context)),
      batch: flags.batch,
      ...(flags.device !== undefined && { device: flags.device }),
      onProgress: (done, total) => bar.update(`${done} of ${total}`),
      onNotice: (sentence) => bar.end(sentence),
    },
  );
  bar.end();
  const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
  say(`${score.examples} examples, ${score.lossPerToken.toFixed(4)} nats per completion token`);
  say(`${percent(score.exactMatch)} of the completions are what the model writes`);
  if (score.accuracy !== null) say(`${percent(score.accuracy)} of the choices are right`);
  if (flags.json) printJson({ model: path, data: flags.data, adapter: flags.adapter ?? null, ...score });
}

async function run(path: string, flags: Flags): Promise<void> {
  const contexts = flags.context;
  const model = await openModel(path, { tokenizer: flags.tokenizer, adapter: flags.adapter });
  if (EXAMPLES.test(flags.data)) return ofExamples(path, model, flags);
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
  const lengths = followsLength(position) ? contexts : [Math.max(...contexts)];
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
