// The contract of a training: what is learnt from what. `trainRun` knows everything else: clock, schedule, optimizer,
// checkpoints, resumption, metrics. A language model is `text-task.ts`; adapters, auto-encoders and GANs are others.
import type { OptimizerConfig, RoleOf, Schedule, Transform } from "../optim/index.ts";
import type { random, Tensor } from "../tensor/index.ts";

/** Numbers by name, as metrics.jsonl holds them. */
export type Numbers = Readonly<Record<string, number>>;

/** Where a training stands: with the settings, all that is needed to go on exactly. */
export interface Progress {
  /** Updates made. The data order is a function of it. */
  readonly step: number;
  /** Seconds spent in all. */
  readonly seconds: number;
}

/** What a model in training makes, to be looked at. */
export type Sample = { readonly text: string } | { readonly png: Uint8Array };

/** What a loss finds. */
export interface Found<S> {
  /** Scalar that is trained on. */
  readonly loss: Tensor;
  /** Scalar that is reported in its place; default `loss`. */
  readonly shown?: Tensor;
  /** What `learn` is to learn from this batch: a tree of sums, so that those of parts add up. */
  readonly seen?: S;
}

/** A rule over trained parameters by name. */
export type LeafRule = Transform<Readonly<Record<string, Tensor>>, Record<string, unknown>>;

/** How a picture of the losses is labelled. */
export interface LossWords {
  /** Unit of the loss; default none. */
  readonly unit?: string;
  /** Name among the numbers of `validate` of the same loss, and of it in another unit, with that unit. */
  readonly validation?: string;
  readonly second?: { readonly name: string; readonly unit: string };
}

/**
 * A training of any kind. `P` is the tree of parameters, `B` a batch (a tree of tensors), `S` what is learnt without
 * gradients.
 */
export interface Task<P, B, S = unknown> {
  /** Name of the kind, as config.json holds it. */
  readonly kind: string;
  /** What speed is counted in, and how many of it an update takes in. */
  readonly unit: { readonly name: string; readonly perStep: number };
  /**
   * Parameters before the first step. Some starts need data (K-means, LoRA-GA): `batches` gives the first `count`
   * parts that the training will see.
   */
  init(key: random.Key, batches: (count: number) => Promise<B[]>): P | Promise<P>;
  /**
   * Parameters of the right names, types and shapes with any values, for a resumed run: wanted where `init` costs
   * much or reads what may be gone later.
   */
  like?(): P;
  /** The start is saved as the checkpoint of step 0, so that a resumed run needs nothing that `init` read. */
  readonly keepStart?: boolean;
  /** The part `part` of the batch of step `step` (from 0), cut into `parts`: a pure function, noise included. */
  batch(step: number, part: number, parts: number): B | Promise<B>;
  /** By name, as metrics show them; the first is the one that pictures and progress lines show. */
  readonly losses: Readonly<Record<string, (params: P, batch: B) => Found<S>>>;
  /**
   * Which parameters each loss moves, where there are several: every trained parameter belongs to one. All move at
   * once, from the same parameters.
   */
  readonly groups?: Readonly<Record<string, (name: string) => boolean>>;
  /** Whether gradients train a parameter; default all floats. Codebooks, frozen bases, averaged twins are not. */
  trained?(name: string): boolean;
  /** Parameters after a batch, where more than gradients moves them; inside the compiled step. `seen` by the losses. */
  learn?(params: P, seen: S): P;
  /** By how much the learning rate of a parameter differs from that of the settings, decay included; default 1. */
  rate?(name: string): number;
  /** What each parameter is, for rules that ask; default by shape. */
  readonly role?: RoleOf;
  /** The rule of the training, made of the one that the settings name, over the trained parameters by name. */
  rule?(usual: LeafRule, rate: Schedule, optimizer: OptimizerConfig): LeafRule;
  /** Numbers about data that is not trained on, as `validationLoss`. `last` is true at the end of the training. */
  validate?(params: P, at: { readonly step: number; readonly last: boolean }): Promise<Numbers>;
  sample?(params: P): Promise<Sample>;
  /** Whether nothing is left to gain, asked before each step: the training then ends as it does after its last step. */
  ended?(): boolean;
  /** How the picture of the losses is labelled. */
  readonly words?: LossWords;
  /** Frees what `validate` and `sample` compiled. */
  release?(): Promise<void>;
}
