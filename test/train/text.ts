// A language model's training as the tests use it: the step alone, and the loop.
import type { CausalLMConfig, CausalLMParams } from "../../src/model/index.ts";
import type { Batch } from "../../src/train/batches.ts";
import { rows, tensorsOf } from "../../src/train/batches.ts";
import type { Ids } from "../../src/train/corpus.ts";
import type { TrainSettings } from "../../src/train/settings.ts";
import { initialState, type StepReport, type TrainState, trainStep } from "../../src/train/step.ts";
import { type TextTask, textTask } from "../../src/train/text-task.ts";

const IDS = Uint16Array.from({ length: 400 }, (_, i) => (i * i + (i >> 3)) % 11);

/** The step of a language model, by batches at hand. */
export interface TextTraining {
  readonly task: TextTask;
  init(params: CausalLMParams): Promise<TrainState<CausalLMParams>>;
  run(
    state: TrainState<CausalLMParams>,
    batch: Batch,
    rate: number,
  ): Promise<StepReport<CausalLMParams> & { readonly loss: number }>;
  release(): Promise<void>;
}

/** Training of `config` on the same texts for both parts. */
export function textTrainingOf(
  config: CausalLMConfig,
  settings: TrainSettings,
  ids: Ids = IDS,
  bytesOf: Int32Array = Int32Array.from({ length: 11 }, (_, id) => id % 4),
): TextTraining {
  const task = textTask({ config, settings, ids: { train: ids, validation: ids }, bytesOf });
  let step: ReturnType<typeof trainStep<CausalLMParams, unknown, unknown>> | undefined;
  return {
    task,
    init: (params) => initialState(task, settings, params),
    async run(state, batch, rate) {
      step ??= trainStep(task, settings, state.params) as never;
      const size = batch.count / settings.accumulate;
      const report = await step.run(
        state,
        (part) => {
          const [ids, targets] = tensorsOf(rows(batch, part * size, size));
          return { ids, targets };
        },
        rate,
      );
      return { ...report, loss: report.losses["loss"] ?? Number.NaN };
    },
    async release() {
      await step?.release();
      await task.release?.();
    },
  };
}
