// athanor demo (npm start): a bilingual model from the texts that come with the package, then a chat model of others adapted
// to some of them; in less than five minutes.
import { join } from "node:path";
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import type { Device } from "../../tensor/index.ts";
import { saveTokenizer } from "../../tokenizer/load-save.ts";
import { readCorpus } from "../../train/node/corpus.ts";
import { bytesOfIds, encodeTexts, type Split, splitSources } from "../../train/corpus.ts";
import { type DemoTexts, writeDemoTexts } from "../../train/node/demo-texts.ts";
import { presetNamed } from "../../train/presets.ts";
import { openRun } from "../../train/node/run-folder.ts";
import { trainSettings } from "../../train/settings.ts";
import { makeTokenizer, parseTokenizerChoice } from "../../train/tokenizer.ts";
import { startRun } from "../../train/node/run.ts";
import { bitsPerByte, slidingWindows, validator } from "../../train/validate.ts";
import { duration, printJson, say } from "../command.ts";
import { type CompressorBits, compressorBits } from "./compressors.ts";
import { stopOnInterrupt, unlessStopped } from "../interrupt.ts";
import { defaultRunFolder } from "../train/run-name.ts";
import { positive, whole } from "../numbers.ts";
import { SECOND_ACT, secondAct } from "./second-act.ts";
import { watchTraining } from "../train/watch.ts";

interface DemoOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly run?: string;
  readonly device?: Device;
  readonly json?: boolean;
}

/** One language, held out: the model beside the compressors, in bits per byte. */
interface Comparison extends CompressorBits {
  readonly language: string;
  readonly bytes: number;
  readonly model: number;
}

/** Share of the time kept for the comparison and the samples. */
const RESERVE = 0.12;
/** Training shorter than this shows nothing. */
const LEAST_MINUTES = 0.25;
/** Demonstrations shorter than this have no second act. */
const SHORTEST_WITH_TWO = 3;
const PROMPTS = ["It was a dark night, and ", "明月"];

const HELP = `
Examples:
  athanor demo
  athanor demo --minutes 20 --run runs/demo`;

export function define(command: Command): void {
  command
    .description(
      "Train a small English and Chinese model on the texts that come along, and compare it with gzip and xz.",
    )
    .option("--minutes <n>", "time for everything", positive, 4.5)
    .option("--seed <n>", "decides parameters and data order", whole, 1)
    .option("--run <dir>", "folder of the run (default: runs/DATE-demo)")
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--json", "print the result as JSON on stdout")
    .addHelpText("after", HELP)
    .action(async (options: DemoOptions) => {
      const stop = stopOnInterrupt();
      try {
        await unlessStopped(stop.signal, () => demo(options, stop.signal));
      } finally {
        stop.release();
      }
    });
}

async function demo(
  { minutes, seed, run = defaultRunFolder("demo"), device, json = false }: DemoOptions,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const elapsed = (): number => (performance.now() - began) / 60_000;
  const watch = watchTraining(signal);
  const preset = presetNamed("demo");
  say("A language model of English and Chinese, from nothing, on this machine.");
  say(`It takes about ${duration(60 * minutes)}: first pieces of text are learnt, then the model.\n`);
  try {
    const texts = await writeDemoTexts(join(run, "texts"));
    const share = trainSettings(preset.training).validationShare;
    const splits = await Promise.all(texts.map((t) => splitLanguage(t, share)));
    for (const { language, text } of splits) {
      say(`${language}: ${megabytes(text.train)} to train on, ${megabytes(text.validation)} held out`);
    }
    const choice = parseTokenizerChoice(preset.tokenizer);
    if (choice.kind === "file") throw new OptionError("demo: the preset must make its tokenizer.");
    const tokenizer = await makeTokenizer(
      choice,
      splits.flatMap((s) => s.text.train),
      { signal, onProgress: watch.control.onTokenizer },
    );
    const tokenizerFile = join(run, "texts", "tokenizer.json");
    await saveTokenizer(tokenizer, tokenizerFile);
    watch.end();
    say(
      `Learnt ${tokenizer.vocabularySize.toLocaleString("en-GB")} pieces of text in ${duration(60 * elapsed())}.`,
    );

    const two = minutes >= SHORTEST_WITH_TWO;
    const first = two ? minutes - SECOND_ACT.all : minutes;
    const left = Math.max(LEAST_MINUTES, first * (1 - RESERVE) - elapsed());
    const result = await startRun(
      {
        files: texts.flatMap((t) => t.files),
        run,
        title: "English and Chinese",
        model: preset.model,
        settings: trainSettings({ ...preset.training, seed, minutes: left }),
        tokenizer: tokenizerFile,
        prompts: PROMPTS,
      },
      { ...watch.control, signal, ...(device !== undefined && { device }) },
    );
    watch.end();
    if (result.interrupted) {
      say(`Stopped at step ${result.steps}. Go on with: athanor train --resume ${result.runDir}`);
      process.exitCode = 130;
      return;
    }
    const comparison = await compare(run, splits, device);
    say(`\n${table(comparison)}\n`);
    say(`${result.sample ?? ""}\n`);
    say(advice(result.runDir, minutes));
    const second = two
      ? await secondAct(
          run,
          texts.flatMap(({ files }) => files.filter((file) => file.includes("zh-classics"))),
          {
            signal,
            seed,
            ...(device !== undefined && { device }),
          },
        )
      : undefined;
    say(`\n${duration(60 * elapsed())} in all.`);
    if (json) printJson({ ...result, minutes: elapsed(), comparison, ...(second && { second }) });
  } finally {
    watch.end();
  }
}

interface Language {
  readonly language: string;
  readonly text: Split<Uint8Array[]>;
}

async function splitLanguage({ language, files }: DemoTexts, share: number): Promise<Language> {
  return { language, text: splitSources((await readCorpus(files)).sources, share) };
}

function megabytes(texts: readonly Uint8Array[]): string {
  return `${(texts.reduce((sum, t) => sum + t.length, 0) / 1e6).toFixed(2)} MB`;
}

/** Scores the held-out text of each language, every token after at least half a context of others. */
async function compare(
  run: string,
  splits: readonly Language[],
  device: Device | undefined,
): Promise<Comparison[]> {
  const { config, tokenizer, params } = await openRun(run);
  const { context } = config.model;
  const scorer = validator(config.model, { batch: 16, ...(device !== undefined && { device }) });
  const lengths = bytesOfIds(tokenizer);
  const rows: Comparison[] = [];
  for (const { language, text } of splits) {
    const held = Buffer.concat(text.validation);
    const ids = encodeTexts(tokenizer, [held]);
    const score = await scorer.score(params, ids, slidingWindows(ids.length, context, context / 2), lengths);
    const compressors = await compressorBits(held);
    rows.push({ language, bytes: held.length, model: bitsPerByte(score), ...compressors });
  }
  await scorer.release();
  return rows;
}

/** A row of the table: a wide first cell and numbers. */
function line(...cells: string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(22) : cell.padStart(12))).join("");
}

function table(rows: readonly Comparison[]): string {
  return [
    "Bits per byte of text that none of them has seen (smaller is better):",
    line("", "this model", "xz -9", "gzip -9"),
    ...rows.map((r) =>
      line(
        `${r.language}, ${Math.round(r.bytes / 1000)} kB`,
        r.model.toFixed(3),
        r.xz.toFixed(3),
        r.gzip.toFixed(3),
      ),
    ),
  ].join("\n");
}

function advice(run: string, minutes: number): string {
  return [
    `Run: ${run}`,
    `  loss.svg shows how it went; checkpoints/, samples.txt, metrics.jsonl and the texts are beside it.`,
    `Try next:`,
    `  npm run athanor -- generate ${run} --prompt "Call me "`,
    `  npm run athanor -- train --resume ${run} --minutes ${Math.ceil(minutes) * 4}`,
    `  npm run athanor -- train your-own.txt --minutes 10`,
    `  npm run athanor -- train --help`,
  ].join("\n");
}
