// Sequence classification and regression as a task: one label of a whole sequence.
import {
  classifier,
  type ClassifierParams,
  classifierParametersOf,
  classifierTree,
  initClassifier,
  type Sequences,
} from "../../model/classifier.ts";
import type { ClassifierConfig } from "../../model/classifier-config.ts";
import { learn, type SeenKeys } from "../../model/index.ts";
import { trainedOf } from "../../model/learn.ts";
import { crossEntropy, meanSquaredError } from "../../nn/index.ts";
import type { Role } from "../../optim/index.ts";
import { compile, type Device, random, squeeze, type Tensor, tensor, zeros } from "../../tensor/index.ts";
import type { TrainSettings } from "../settings.ts";
import type { LossWords, Task } from "../task.ts";
import { type Labels, type Prepared, rowsOf } from "./prepare.ts";
import { classScores, numberScores, type Outputs } from "./scores.ts";

/** Sequences and what is to be said of them: `[B]`, int32 places of classes or float32 numbers. */
export interface ClassifyBatch extends Sequences {
  readonly targets: Tensor;
}

export type ClassifyTask = Task<ClassifierParams, ClassifyBatch, SeenKeys>;

/** What a classifier is trained on. */
export interface ClassifyTaskOptions {
  readonly config: ClassifierConfig;
  readonly settings: TrainSettings;
  readonly labels: Labels;
  readonly train: Prepared;
  /** Scored, never trained on. */
  readonly held: Prepared;
  /** Deviation of normal noise that is added to the values of series in training; default 0. */
  readonly noise?: number;
  readonly device?: Device;
}

/** Cases that are scored at once. */
const SCORED = 32;

/**
 * The training of a classifier: every epoch in an order of its own. Validations score all of `held`; nothing is chosen by
 * what they say.
 */
export function classifyTask(options: ClassifyTaskOptions): ClassifyTask {
  const { config, settings, labels, train, held, noise = 0, device } = options;
  const key = random.fold(random.key(settings.seed), "data");
  const rows = epochs(key, train.count);
  const reader = outputsOf(config, device === undefined ? {} : { device });
  return {
    kind: "classify",
    unit: { name: "sequences", perStep: settings.batch },
    words: classifyWords(labels),
    init: (at) => initClassifier(config, at),
    like: () => classifierTree(config, (_, { shape }) => zeros(shape)),
    batch(step, part, parts) {
      const size = settings.batch / parts;
      const first = step * settings.batch + part * size;
      const chosen = rowsOf(
        train,
        Array.from({ length: size }, (_, i) => rows(first + i)),
      );
      return withTargets(
        noise > 0 ? noisy(chosen, noise, random.fold(random.fold(key, "noise"), first)) : chosen,
        labels,
      );
    },
    losses: {
      loss(params, batch) {
        const { y, auxiliary, seen } = classifier(config, params, batch);
        const own =
          labels.type === "classes"
            ? crossEntropy(y, batch.targets)
            : meanSquaredError(squeeze(y, 1), batch.targets);
        return { loss: auxiliary ? own.add(auxiliary) : own, shown: own, seen };
      },
    },
    trained: trainedOf(classifierParametersOf(config)),
    learn: (params, seen) => learn(config, params, seen),
    role: (name, p) => roleOf(name, p.rank),
    async validate(params) {
      const outputs = await reader.read(params, held);
      const targets = held.targets ?? new Float64Array(held.count);
      if (labels.type === "number") {
        const { loss, rootMeanSquare } = numberScores(outputs, targets, labels);
        return { validationLoss: loss, rootMeanSquare };
      }
      const { loss, accuracy } = classScores(outputs, targets, labels.names.length);
      return { validationLoss: loss, accuracy };
    },
    release: () => reader.release(),
  };
}

/** How the losses are labelled. */
export function classifyWords({ type }: Labels): LossWords {
  return { unit: type === "classes" ? "nats per sequence" : "squared error, in deviations²" };
}

/** The row of the `i`-th example that a training sees: every epoch is a permutation of its own. */
function epochs(key: random.Key, count: number): (i: number) => number {
  let epoch = -1;
  let order: Uint32Array = new Uint32Array(0);
  return (i) => {
    const wanted = Math.floor(i / count);
    if (wanted !== epoch) {
      epoch = wanted;
      order = random.permutation(random.fold(key, epoch), count);
    }
    return order[i % count] ?? 0;
  };
}

/** Normal noise on the values of series; tokens have none. */
function noisy(rows: Prepared, deviation: number, key: random.Key): Prepared {
  if (rows.x instanceof Int32Array) return rows;
  const drawn = random.normals(key, rows.x.length);
  return { ...rows, x: rows.x.map((v, i) => v + deviation * (drawn[i] ?? 0)) };
}

function sequencesOf({ x, lengths, count, T, F }: Prepared): Sequences {
  const shape = x instanceof Int32Array ? [count, T] : [count, T, F];
  return { x: tensor(x, { shape }), lengths: tensor(lengths) };
}

function withTargets(rows: Prepared, { type }: Labels): ClassifyBatch {
  const targets = rows.targets ?? new Float64Array(rows.count);
  return {
    ...sequencesOf(rows),
    targets: tensor(type === "classes" ? Int32Array.from(targets) : Float32Array.from(targets)),
  };
}

/** What a model says of many cases. */
export interface OutputReader {
  read(params: ClassifierParams, cases: Prepared): Promise<Outputs>;
  release(): Promise<void>;
}

/** Compiles a classifier, as many cases at a time as memory is no matter. */
export function outputsOf(config: ClassifierConfig, on: { readonly device?: Device } = {}): OutputReader {
  const program = compile(
    (params: ClassifierParams, sequences: Sequences) => classifier(config, params, sequences).y,
    on,
  );
  return {
    async read(params, cases) {
      const values = new Float64Array(cases.count * config.outputs);
      for (let first = 0; first < cases.count; first += SCORED) {
        // The last part is filled up with its own first case, so that one program serves all.
        const rows = Array.from({ length: Math.min(SCORED, cases.count) }, (_, i) =>
          first + i < cases.count ? first + i : first,
        );
        const y = await program(params, sequencesOf(rowsOf(cases, rows)));
        const own = Float64Array.from(await y.data(), Number);
        values.set(
          own.subarray(0, Math.min(own.length, values.length - first * config.outputs)),
          first * config.outputs,
        );
      }
      return { values, count: cases.count };
    },
    release: () => program.release(),
  };
}

/** Embeddings of tokens and places are tables; vectors are gains where they are weights of norms, else biases. */
function roleOf(name: string, rank: number): Role {
  if (/(^|\.)embed_(tokens|positions)\.weight$/.test(name)) return "table";
  if (rank >= 2) return "matrix";
  return name.endsWith(".weight") ? "gain" : "bias";
}
