// Fine-tuning as a task: leaves of an adapter, or of the whole model, learn from examples over a base that is closed over.
import { type Adapter, type FactorGradients, isAdapterLeaf, isFactor, withAdapter } from "../adapt/index.ts";
import { mixerOf } from "../model/attention-config.ts";
import { layerAttention, layerPosition } from "../model/config.ts";
import { causalLM, type CausalLMConfig, type CausalLMParams, frozenLeaves } from "../model/index.ts";
import { crossEntropy } from "../nn/index.ts";
import type { OptimizerConfig, Schedule } from "../optim/index.ts";
import {
  and,
  compile,
  type Device,
  equal,
  evaluate,
  expandDims,
  grad,
  greaterEqual,
  iota,
  mapTree,
  random,
  type Tensor,
  zeros,
  zipTrees,
} from "../tensor/index.ts";
import {
  type PackedBatch,
  packedBatch,
  learnedIn,
  packRows,
  rowsOfStep,
  type Row,
  type Tokens,
} from "./packing.ts";
import type { TrainSettings } from "./settings.ts";
import type { LeafRule, Task } from "./task.ts";

/** Rows of tokens, and what of the base is given to the program instead of being part of it. */
export interface AdaptBatch extends PackedBatch {
  readonly base?: Adapter;
}

/** What is learnt, by the names it has in the model. */
export type AdaptTask = Task<Adapter, AdaptBatch>;

export interface AdaptTaskOptions {
  readonly config: CausalLMConfig;
  /** The model that is adapted; never changed. */
  readonly base: CausalLMParams;
  /** What is trained, at its start: leaves of an adapter, or all of the base's own. */
  readonly start: (key: random.Key, gradients: FactorGradients) => Adapter | Promise<Adapter>;
  /** Leaves of the same names and shapes with any values. */
  readonly like: () => Adapter;
  /** Factor of the learning rate by name; default 1. */
  readonly rate?: (name: string) => number;
  /** What the method makes of the rule of the settings. */
  readonly rule?: (usual: LeafRule, rate: Schedule, optimizer: OptimizerConfig) => LeafRule;
  readonly settings: TrainSettings;
  readonly context: number;
  readonly train: readonly Row[];
  readonly validation: readonly Row[];
  readonly device?: Device;
}

/** Whether examples may share a row: every layer honours a mask, and distances are all that positions tell. */
export function sharesRows(config: CausalLMConfig): boolean {
  return Array.from({ length: config.layers }, (_, i) => i).every((i) => {
    const position = layerPosition(config, i);
    return (
      mixerOf(layerAttention(config, i)).takesMask === true &&
      (position.type === "rope" || position.type === "none") &&
      !("logScale" in position)
    );
  });
}

/** Rows of both parts. */
export function rowsOf(
  config: CausalLMConfig,
  tokens: readonly Tokens[],
  context: number,
  seed: number,
): Row[] {
  return packRows(tokens, context, sharesRows(config), random.fold(random.key(seed), "rows"));
}

/** Mean loss of the tokens that are learnt, in nats. */
function lossOf(
  config: CausalLMConfig,
  params: CausalLMParams,
  { ids, targets, weights, owner }: AdaptBatch,
): Tensor {
  const places = iota(ids.shape[1] ?? 1);
  const before = greaterEqual(expandDims(places, 1), expandDims(places, 0)); // [T, T]
  const same = equal(expandDims(owner, 2), expandDims(owner, 1)); // [B, T, T]
  const mask = sharesRows(config) ? { mask: expandDims(and(same, before), 1) } : {};
  return crossEntropy(causalLM(config, params, ids, mask).logits, targets, { mask: weights });
}

/** The model that wears `own`, with the leaves of its base that a batch brings. */
function worn(base: CausalLMParams, own: Adapter, given: AdaptBatch): CausalLMParams {
  return withAdapter(given.base === undefined ? base : withLeaves(base, given.base), own);
}

/** `base` with other leaves in place of its own. */
function withLeaves(base: CausalLMParams, leaves: Adapter): CausalLMParams {
  return mapTree(base, (leaf, name) => leaves[name] ?? leaf) as CausalLMParams;
}

/** Parts of the first batches over which a start looks at gradients. */
const LOOKED_AT = 4;

/**
 * Gradients of the mean loss by the factors of any adapter of `base`, over the parts `given`. No gradient of a dense
 * matrix is formed.
 */
function factorGradients(
  { config, base, device }: Pick<AdaptTaskOptions, "base" | "config" | "device">,
  given: readonly AdaptBatch[],
): { readonly gradients: FactorGradients; release(): Promise<void> } {
  const on = device === undefined ? {} : { device };
  const program = compile(
    (factors: Adapter, rest: Adapter, batch: AdaptBatch) =>
      grad((own: Adapter) =>
        lossOf(config, worn(base, { ...own, ...rest }, batch), batch).mul(batch.share.mul(1 / given.length)),
      )(factors),
    on,
  );
  const gradients: FactorGradients = async (adapter) => {
    const part = (is: boolean): Adapter =>
      Object.fromEntries(Object.entries(adapter).filter(([name]) => isFactor(name) === is));
    let sum: Adapter | undefined;
    for (const batch of given) {
      const found = await program(part(true), part(false), batch);
      sum =
        sum === undefined
          ? found
          : await evaluate(
              zipTrees(sum, found, (a, b) => a.add(b)),
              on,
            );
    }
    return sum ?? {};
  };
  return { gradients, release: () => program.release() };
}

/** The fine-tuning of a language model, ready for `trainRun`. */
export function adaptTask(options: AdaptTaskOptions): AdaptTask {
  const { config, base, settings, context, train, validation, device } = options;
  const on = device === undefined ? {} : { device };
  const rows = rowsOfStep(train, settings.batch, settings.seed);
  const score = compile(
    (own: Adapter, batch: AdaptBatch) => lossOf(config, worn(base, own, batch), batch),
    on,
  );
  const held = validation.slice(0, Math.max(1, settings.validationWindows));
  const size = Math.max(1, settings.batch / settings.accumulate);
  let batch: { readonly step: number; readonly rows: Row[] } | undefined;
  // Constants would be unfolded to float32 when a program is opened.
  const codes = frozenLeaves(base);
  const withBase = (given: PackedBatch): AdaptBatch =>
    Object.keys(codes).length === 0 ? given : { ...given, base: codes };
  return {
    kind: "adapt",
    unit: { name: "tokens", perStep: settings.batch * context },
    words: { unit: "nats per token" },
    async init(key, batches) {
      let program: ReturnType<typeof factorGradients> | undefined;
      const start = await options.start(key, async (adapter) => {
        program ??= factorGradients(options, await batches(Math.max(LOOKED_AT, settings.accumulate)));
        return program.gradients(adapter);
      });
      await program?.release();
      return start;
    },
    like: options.like,
    keepStart: true,
    batch(step, part, parts) {
      if (batch?.step !== step) batch = { step, rows: rows(step) };
      const count = settings.batch / parts;
      return withBase(
        packedBatch(
          batch.rows.slice(part * count, (part + 1) * count),
          context,
          learnedIn(batch.rows) / parts,
        ),
      );
    },
    losses: {
      loss: (own, given) => ({ loss: lossOf(config, worn(base, own, given), given).mul(given.share) }),
    },
    ...(options.rate && { rate: options.rate }),
    ...(options.rule && { rule: options.rule }),
    trained: (name) => !isAdapterLeaf(name) || isFactor(name),
    async validate(own) {
      let [nats, tokens] = [0, 0];
      for (let at = 0; at < held.length; at += size) {
        const part = held.slice(at, at + size);
        const learned = learnedIn(part);
        const full = [...part, ...Array.from({ length: size - part.length }, (): Row => [])];
        nats += (await (await score(own, withBase(packedBatch(full, context)))).item()) * learned;
        tokens += learned;
      }
      return { validationLoss: nats / tokens };
    },
    release: () => score.release(),
  };
}

/** Leaves like `leaves`, of zeros. */
export function zerosLike(leaves: Adapter): Adapter {
  return Object.fromEntries(
    Object.entries(leaves).map(([name, t]) => [name, zeros(t.shape, { dtype: t.dtype })]),
  );
}
