// A language model as a task: the next token of texts. The one file of the loop's room that knows what a model is.
import { OptionError } from "../errors.ts";
import {
  causalLM,
  type CausalLMConfig,
  type CausalLMParams,
  initCausalLM,
  learn,
  parameterTree,
  sampler,
  type SeenKeys,
  trainedBy,
} from "../model/index.ts";
import { crossEntropy } from "../nn/index.ts";
import type { Role } from "../optim/index.ts";
import { type Device, type Tensor, zeros } from "../tensor/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { batches, rows, tensorsOf } from "./batches.ts";
import { checkLength, type Ids, type Split } from "./corpus.ts";
import { type DrawWindow, windowDrawer } from "./segmentation.ts";
import type { TrainSettings } from "./settings.ts";
import type { LossWords, Task } from "./task.ts";
import { bitsPerByte, natsPerToken, spreadWindows, validator } from "./validate.ts";

/** Sizes of a model; the vocabulary comes from the tokenizer. */
export type ModelSizes = Pick<CausalLMConfig, "context" | "width" | "layers" | "heads"> &
  Partial<Omit<CausalLMConfig, "vocabulary">>;

/** Tokens and those after them, `[rows, context]`. */
export interface TextBatch {
  readonly ids: Tensor;
  readonly targets: Tensor;
}

/** A language model's training, ready for `trainRun`. */
export type TextTask = Task<CausalLMParams, TextBatch, SeenKeys>;

/** What a language model is trained on. */
export interface TextTaskOptions {
  readonly config: CausalLMConfig;
  readonly settings: TrainSettings;
  readonly ids: Split<Ids>;
  /** Bytes that each id stands for. */
  readonly bytesOf: Int32Array;
  /** Parameters to begin with; default fresh ones by the seed. */
  readonly start?: () => CausalLMParams | Promise<CausalLMParams>;
  /** What samples begin with, and the tokenizer that reads and writes them; default no samples. */
  readonly samples?: { readonly tokenizer: Tokenizer; readonly prompts: readonly string[] };
  readonly device?: Device;
}

/** How the loss of a language model is labelled. */
export const TEXT_WORDS: LossWords = {
  unit: "nats per token",
  second: { name: "validationBitsPerByte", unit: "bits per byte" },
};

/** Part of the trained tokens that the last validation may read at most. */
const FINAL_SHARE = 0.1;
const SAMPLE = { count: 160, temperature: 0.8 };

/**
 * The training of a language model. Every validation scores a fixed set of windows, the last one the whole validation
 * part, or as much of it as a tenth of the tokens trained on. What a model asks for beside the cross-entropy
 * (`auxiliary`) is trained on but not reported; codebooks move by averages.
 * @throws OptionError for texts shorter than one context.
 */
export function textTask(options: TextTaskOptions): TextTask {
  const { config, settings, ids, bytesOf, start, samples, device } = options;
  const on = device === undefined ? {} : { device };
  const context = settings.context ?? config.context;
  if (context > config.context && config.position.type === "learned") {
    throw new OptionError(
      `train: context must be at most the ${config.context} learned positions of the model, got ${context}.`,
    );
  }
  checkLength(ids, context);
  const draw = drawer(options, context + 1);
  const next = batches(ids.train, {
    seed: settings.seed,
    count: settings.batch,
    context,
    ...(draw && { draw }),
  });
  let batch: { readonly step: number; readonly rows: ReturnType<typeof next> } | undefined;
  const validation = validator(config, {
    batch: Math.max(1, settings.batch / settings.accumulate),
    context,
    ...on,
  });
  const windows = spreadWindows(ids.validation.length, context, settings.validationWindows);
  const writer = samples && sampler(config, on);
  const like = (): CausalLMParams => parameterTree(config, (_, { shape }) => zeros(shape)) as CausalLMParams;
  return {
    kind: "text",
    unit: { name: "tokens", perStep: settings.batch * context },
    words: TEXT_WORDS,
    init: (key) => start?.() ?? initCausalLM(config, key),
    like,
    keepStart: start !== undefined,
    batch(step, part, parts) {
      if (batch?.step !== step) batch = { step, rows: next(step) };
      const size = settings.batch / parts;
      const [inputs, targets] = tensorsOf(rows(batch.rows, part * size, size));
      return { ids: inputs, targets };
    },
    losses: {
      loss(params, { ids, targets }) {
        const { logits, auxiliary, seen } = causalLM(config, params, ids);
        const entropy = crossEntropy(logits, targets);
        return { loss: auxiliary ? entropy.add(auxiliary) : entropy, shown: entropy, seen };
      },
    },
    trained: trainedBy(config),
    learn: (params, seen) => learn(config, params, seen),
    role: (name, p) => textRole(name, p.rank),
    async validate(params, { step, last }) {
      const most = last ? Math.ceil(FINAL_SHARE * step * settings.batch) : 0;
      const part = most > windows.length ? spreadWindows(ids.validation.length, context, most) : windows;
      const score = await validation.score(params, ids.validation, part, bytesOf);
      return { validationLoss: natsPerToken(score), validationBitsPerByte: bitsPerByte(score) };
    },
    ...(writer && {
      async sample(params: CausalLMParams) {
        const texts: string[] = [];
        for (const prompt of samples.prompts) {
          const begun = samples.tokenizer.encode(prompt);
          const added = await writer.sample(params, begun, { ...SAMPLE, seed: settings.seed });
          // A character that the last tokens began and did not end is left out.
          texts.push(prompt.trimStart() + samples.tokenizer.decoder().push(added));
        }
        return { text: texts.join("\n\n") };
      },
    }),
    async release() {
      await validation.release();
      await writer?.release();
    },
  };
}

/** How windows are cut anew, where the settings ask for it. */
function drawer({ settings, samples }: TextTaskOptions, length: number): DrawWindow | undefined {
  const { segmentation, seed } = settings;
  if (segmentation === undefined) return undefined;
  if (samples === undefined) {
    throw new OptionError("train: segmentation needs samples.tokenizer, which cuts the texts, got none.");
  }
  return windowDrawer(samples.tokenizer, segmentation, { seed, length });
}

/**
 * Finds what is wrong with a model before anything heavy: its graph is written down, and not run.
 * @throws OptionError for sizes that no head, position or attention can have.
 */
export function checkModel(config: CausalLMConfig): void {
  const params = parameterTree(config, (_, { shape }) => zeros(shape)) as CausalLMParams;
  causalLM(config, params, zeros([1, 2], { dtype: "int32" }));
}

/** Embeddings are tables; vectors are gains where they are weights (of norms), else biases. */
function textRole(name: string, rank: number): Role {
  if (/(^|\.)embed_(tokens|positions)\.weight$/.test(name)) return "table";
  if (rank >= 2) return "matrix";
  return name.endsWith(".weight") ? "gain" : "bias";
}
