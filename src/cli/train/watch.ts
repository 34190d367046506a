// What a person sees of a training: one repainted line on a terminal, a plain line now and then elsewhere.
import type { TrainProgress as TokenizerProgress } from "../../tokenizer/pace.ts";
import type { RunControl, RunReady } from "../../train/node/run.ts";
import { duration, progress, say } from "../command.ts";
import { count, paceOf } from "../pace.ts";

/** Reports on a training. */
export interface TrainWatch {
  readonly control: Omit<RunControl, "device" | "signal">;
  /** Ends the repainted line. */
  end(): void;
}

/** A watch on stderr; it keeps quiet about the end of a training that `signal` stopped. */
export function watchTraining(signal?: AbortSignal): TrainWatch {
  const bar = progress();
  const pace = paceOf("tokens");
  return {
    control: {
      onTokenizer: (progress) => bar.update(tokenizerLine(progress)),
      onReady(now) {
        pace.begin({ ...now.config.training, first: now.step });
        bar.end();
        say(describe(now));
      },
      onStep(step) {
        const line = pace.line(step);
        if (line !== undefined) bar.update(line);
      },
      onValidation({ step }, { validationLoss = Number.NaN, validationBitsPerByte = Number.NaN }) {
        bar.end(
          `step ${step}  validation ${validationLoss.toFixed(4)} nats per token, ${validationBitsPerByte.toFixed(4)} bits per byte`,
        );
      },
      onNotice(sentence) {
        bar.end(sentence);
      },
      onSample(text) {
        if (signal?.aborted !== true && process.stderr.isTTY) bar.end(indent(text));
      },
    },
    end: () => bar.end(),
  };
}

const PHASES: Readonly<Record<TokenizerProgress["phase"], string>> = {
  count: "reading the text",
  segment: "cutting the text into pieces",
  prune: "choosing the pieces to keep",
  expectation: "weighing the pieces",
  merge: "joining pairs of pieces",
};

/** What the tokenizer's training does, how far it is, and how long it still takes. */
export function tokenizerLine({ phase, done, total, secondsLeft: left }: TokenizerProgress): string {
  const share = total ? `, ${Math.round((100 * Math.min(done, total)) / total)} % done` : "";
  const time = left === undefined ? "" : `, about ${duration(left)} left of this part`;
  return `Learning pieces of text: ${PHASES[phase]}${share}${time}`;
}

function describe({ config, parameters, trainTokens, validationTokens, step }: RunReady): string {
  const { layers, width, context, vocabulary } = config.model;
  return [
    `${count(parameters)} parameters: ${layers} layers of width ${width}, context ${context}, ${count(vocabulary)} tokens in the vocabulary`,
    `${count(trainTokens)} tokens to train on, ${count(validationTokens)} to validate on${step > 0 ? `; going on from step ${step}` : ""}`,
  ].join("\n");
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  │ ${line}`)
    .join("\n");
}
