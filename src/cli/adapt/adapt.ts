// athanor adapt: a pretrained model fine-tuned on a person's own chats, prompts and completions, or texts.
import { mkdir } from "node:fs/promises";
import { type Command, Option } from "commander";
import { OptionError } from "../../errors.ts";
import { loadAdapter, saveAdapter, saveMlxAdapter } from "../../model/index.ts";
import { parseOptimizer, RULES } from "../../optim/index.ts";
import type { Device } from "../../tensor/index.ts";
import { ADAPT_METHODS } from "../../train/adapt-methods.ts";
import {
  type AdaptControl,
  type AdaptResult,
  checkNew,
  resumeAdapt,
  startAdapt,
  writeMerged,
} from "../../train/node/adapt.ts";
import { openPretrained } from "../../train/node/pretrained.ts";
import type { Columns } from "../../train/examples.ts";
import type { TrainChanges } from "../../train/settings.ts";
import { printJson, say } from "../command.ts";
import { stopOnInterrupt, unlessStopped } from "../interrupt.ts";
import { count, oneOf, positive, whole } from "../numbers.ts";
import { columnsOf } from "./columns.ts";
import { defaultRunFolder } from "../train/run-name.ts";
import { watchAdapting } from "./watch.ts";

interface Flags {
  readonly data?: readonly string[];
  readonly method?: string;
  readonly rank?: number;
  readonly alpha?: number;
  readonly rslora?: boolean;
  readonly targets?: readonly string[];
  readonly learningRate?: number;
  readonly steps?: number;
  readonly epochs?: number;
  readonly minutes?: number;
  readonly batch?: number;
  readonly accumulate?: number;
  readonly context?: number;
  readonly optimizer?: string;
  readonly loss?: "completion" | "all";
  readonly validation?: readonly string[];
  readonly validateEvery?: number;
  readonly patience?: number;
  readonly columns?: Columns;
  readonly samples?: number;
  readonly bits?: 4 | 8;
  readonly resume?: string;
  readonly seed?: number;
  readonly run?: string;
  readonly merge?: string;
  readonly export?: readonly string[];
  readonly device?: Device;
  readonly json?: boolean;
}

const HELP = `
Data: .jsonl with text, or prompt and completion, or messages in every line; .csv and .tsv with columns of these names,
or of those that --columns says (--columns prompt=question,completion=answer; by number where no line names them); anything
else is one plain text. Only completions and answers are learnt unless --loss all. The last tenth validates, or the files
of --validation. What validated best is written: an adapter as a PEFT folder into the run; of --method full, the model.

Methods:
${Object.entries(ADAPT_METHODS)
  .map(
    ([name, { about, options = {}, make }]) =>
      `  ${name.padEnd(10)}${about}; learning rate ${make({}).rate}${Object.entries(options)
        .map(
          ([option, values]) =>
            `\n${" ".repeat(14)}:${option}=${values === "number" ? "number" : values.join("|")}`,
        )
        .join("")}`,
  )
  .join("\n")}

Examples:
  athanor adapt ./SmolLM2-135M --data chats.jsonl
  athanor adapt ./MiniMind2-small --data sms.csv --rank 16 --targets "*.q_proj" "*.v_proj" --minutes 10
  athanor adapt ./MiniMind2-small --data chats.jsonl --run runs/mine --merge ./Mine --export peft ./mine-adapter
  athanor adapt --resume runs/mine
  athanor chat ./MiniMind2-small --adapter runs/mine/adapter`;

export function define(command: Command): void {
  command
    .description("fine-tune a pretrained model on chats, prompts and completions, or texts")
    .argument("[model]", "Hugging Face folder, llama2.c file or run")
    .option("--data <file...>", "files, folders, patterns")
    .option("--method <name>", `${Object.keys(ADAPT_METHODS).join(", ")} (default: lora)`)
    .option("--rank <n>", "rank of the change (default: 8)", count)
    .option("--alpha <x>", "the change is scaled by alpha over the rank (default: twice the rank)", positive)
    .option("--rslora", "scale by alpha over the root of the rank")
    .option(
      "--targets <pattern...>",
      "which matrices, by the ends of their names (default: self_attn.* mlp.*)",
    )
    .option("--learning-rate <rate>", "highest learning rate; it falls to a tenth", positive)
    .option("--steps <n>", "updates", count)
    .option("--epochs <x>", "times that every example is seen (default: 3)", positive)
    .option("--minutes <x>", "end after this much time", positive)
    .option("--batch <n>", "rows of tokens in an update (default: 8)", count)
    .option("--accumulate <n>", "parts that a batch is computed in, to save memory", count)
    .option("--context <n>", "tokens in a row (default: 256, or the model's own)", count)
    .option("--optimizer <rule>", `${Object.keys(RULES).join(", ")}, with :field=number,… (default: adamw)`)
    .addOption(new Option("--loss <what>", "what is learnt").choices(["completion", "all"]))
    .option("--validation <file...>", "files that validate (default: the last tenth of each file)")
    .option("--validate-every <n>", "updates between two validations (default: a tenth of all)", count)
    .option("--patience <n>", "end after so many validations without a better one", count)
    .option("--columns <ours=theirs,...>", "what text, prompt, completion or messages are called", columnsOf)
    .option("--samples <n>", "held-out prompts to write on before and after (default: 2)", whole)
    .option("--bits <n>", "hold the base in 8 or 4 bits while the adapter is trained", oneOf(4, 8))
    .option("--resume <run>", "go on with a run that was stopped")
    .option("--seed <n>", "decides the adapter's start and the order of the data", whole)
    .option("--run <folder>", "folder to make (default: runs/…)")
    .option("--merge <folder>", "also write the whole model with the adapter worked in")
    .option("--export <what...>", "also write the adapter elsewhere: peft FOLDER, mlx FOLDER or both")
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--json", "print the result as JSON on stdout")
    .addHelpText("after", HELP)
    .action(adapt);
}

async function adapt(model: string | undefined, flags: Flags): Promise<void> {
  const exported = exportsOf(flags);
  for (const { folder } of exported) await checkNew("--export", folder);
  if (flags.merge !== undefined) {
    if (flags.method === "full")
      throw new OptionError(
        "adapt: --merge must have an adapter, got --method full. The run folder holds the whole model.",
      );
    await checkNew("--merge", flags.merge);
  }
  const stop = stopOnInterrupt();
  const watch = watchAdapting();
  const control: AdaptControl = {
    ...watch.control,
    signal: stop.signal,
    ...(flags.device !== undefined && { device: flags.device }),
  };
  try {
    await unlessStopped(stop.signal, async () => {
      const result = await (flags.resume === undefined
        ? begin(model, flags, control)
        : goOn(model, flags, control));
      watch.end();
      await finish(flags, exported, result);
    });
  } finally {
    watch.end();
    stop.release();
  }
}

/** Where else the adapter goes. */
interface Export {
  readonly format: "peft" | "mlx";
  readonly folder: string;
}

/** @throws OptionError for a format that is not known, and for one that a whole model has not. */
function exportsOf({ export: what = [], method }: Flags): Export[] {
  const out: Export[] = [];
  for (let i = 0; i < what.length; i += 2) {
    const [format, folder] = [what[i], what[i + 1]];
    if ((format !== "peft" && format !== "mlx") || folder === undefined) {
      throw new OptionError(`adapt: --export must be peft FOLDER or mlx FOLDER, got "${what.join(" ")}".`);
    }
    out.push({ format, folder });
  }
  if (out[0] !== undefined && method === "full") {
    throw new OptionError(
      `adapt: --export ${out[0].format} must have an adapter, got --method full. The run folder holds the whole model.`,
    );
  }
  return out;
}

function begin(model: string | undefined, flags: Flags, control: AdaptControl): Promise<AdaptResult> {
  if (model === undefined)
    throw new OptionError(
      "adapt: a model must be named, got none. Try: athanor adapt ./SmolLM2-135M --data chats.jsonl",
    );
  if (flags.steps !== undefined && flags.epochs !== undefined) {
    throw new OptionError("adapt: --steps and --epochs say the same, got both. Leave one out.");
  }
  const {
    method = "lora",
    rank = 8,
    alpha = 2 * rank,
    targets,
    learningRate: rate,
    optimizer,
    loss,
    epochs,
  } = flags;
  const settings: TrainChanges = {
    ...(rate !== undefined && { rate, floor: rate / 10 }),
    ...(optimizer !== undefined && { optimizer: parseOptimizer(optimizer) }),
    ...(flags.steps !== undefined && { steps: flags.steps }),
    ...(flags.minutes !== undefined && { minutes: flags.minutes }),
    ...(flags.batch !== undefined && { batch: flags.batch }),
    ...(flags.accumulate !== undefined && { accumulate: flags.accumulate }),
    ...(flags.context !== undefined && { context: flags.context }),
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...(flags.validateEvery !== undefined && { validateEvery: flags.validateEvery }),
  };
  return startAdapt(
    {
      model,
      files: flags.data ?? [],
      run: flags.run ?? defaultRunFolder(method.split(":")[0] ?? method),
      method,
      size: { rank, alpha, ...(flags.rslora === true && { root: true }), ...(targets && { targets }) },
      settings,
      ...(epochs !== undefined && { epochs }),
      ...(loss !== undefined && { loss }),
      ...(flags.validation && { validation: flags.validation }),
      ...(flags.columns && { columns: flags.columns }),
      ...(flags.patience !== undefined && { patience: flags.patience }),
      ...(flags.bits !== undefined && { bits: flags.bits }),
      ...(flags.samples !== undefined && { samples: flags.samples }),
    },
    control,
  );
}

function goOn(model: string | undefined, flags: Flags, control: AdaptControl): Promise<AdaptResult> {
  const allowed = new Set(["resume", "steps", "minutes", "device", "json", "data", "merge", "export"]);
  for (const key of Object.keys(flags)) {
    if (allowed.has(key)) continue;
    throw new OptionError(
      `adapt: --${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} cannot change in a resumed run, only --steps and --minutes can. Leave it out or begin a new run.`,
    );
  }
  return resumeAdapt(
    flags.resume ?? "",
    {
      ...(flags.steps !== undefined && { steps: flags.steps }),
      ...(flags.minutes !== undefined && { minutes: flags.minutes }),
      ...(flags.data !== undefined && { files: flags.data }),
      ...(model !== undefined && { model }),
    },
    control,
  );
}

async function finish(flags: Flags, exported: readonly Export[], result: AdaptResult): Promise<void> {
  const { adapter, model } = result;
  if (result.interrupted || adapter === null) {
    say(`Stopped at step ${result.steps}, saved in ${result.checkpoint}.`);
    say(`Go on with: athanor adapt --resume ${result.runDir}`);
    process.exitCode = 130;
  } else {
    const before =
      result.firstValidationLoss === null ? "" : `${result.firstValidationLoss.toFixed(4)} before, `;
    if (result.early) say(`Ended after ${result.steps} steps: the last validations were no better.`);
    say(
      `Validation loss ${before}${result.validationLoss?.toFixed(4)} after ${result.bestStep} steps, in nats per learnt token.`,
    );
    const whole = adapter.endsWith("model");
    if (!whole && (exported.length > 0 || flags.merge !== undefined)) {
      const { params } = await openPretrained(model);
      const leaves = await loadAdapter(adapter, params);
      for (const { format, folder } of exported) {
        await mkdir(folder, { recursive: true });
        if (format === "peft") await saveAdapter(folder, leaves, params, { base: model });
        else await saveMlxAdapter(folder, leaves, params);
        say(`written: ${folder}`);
      }
      if (flags.merge !== undefined) {
        await writeMerged(flags.merge, model, leaves);
        say(`written: ${flags.merge}`);
      }
    }
    if (whole && flags.merge !== undefined) {
      say(`--merge writes nothing here: ${adapter} is the whole model already.`);
    }
    say(`Run: ${result.runDir} (loss.svg, checkpoints/)`);
    say(
      whole
        ? `Write with it: athanor generate ${adapter}`
        : `Write with it: athanor generate ${model} --adapter ${adapter}`,
    );
  }
  if (flags.json === true) printJson(result);
}
