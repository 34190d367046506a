// One update of the parameters, compiled: forward, backward, clipping, AdamW; codebooks by their moving averages.
import {
  causalLM,
  type CausalLMConfig,
  type CausalLMParams,
  type Codebooks,
  joinCodebooks,
  learnCodebooks,
  type SeenKeys,
  splitCodebooks,
} from "../model/index.ts";
import { crossEntropy } from "../nn/index.ts";
import { adamw, applyUpdates, type Transform } from "../optim/index.ts";
import {
  compile,
  type CompileOptions,
  evaluate,
  flattenTree,
  leaves,
  mapTree,
  square,
  stack,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
  zeros,
  zipTrees,
} from "../tensor/index.ts";
import { type Batch, rows } from "./batches.ts";
import type { TrainSettings } from "./settings.ts";

/** Everything that changes from step to step. */
export interface TrainState {
  /** Codebooks included. */
  readonly params: CausalLMParams;
  /** State of AdamW over the parameters that gradients train, by the names of its parts. */
  readonly optimizer: Record<string, unknown>;
}

/** What an update found. */
export interface StepReport {
  readonly state: TrainState;
  /** Mean cross-entropy of the batch before the update, in nats per token. */
  readonly loss: number;
  /** Norm of each parameter's gradient before clipping, in the order of `names`. */
  readonly norms: Float64Array;
  /** Sum of each parameter before the update: not finite where the parameter is not. */
  readonly sums: Float64Array;
}

/** A compiled update. */
export interface TrainStep {
  /** Names of the parameters that gradients train. */
  readonly names: readonly string[];
  /** State before the first step. */
  init(params: CausalLMParams): Promise<TrainState>;
  /** Updates; `state` must not be used again. */
  run(state: TrainState, batch: Batch, rate: number): Promise<StepReport>;
  release(): Promise<void>;
}

/** What micro-batches add up. */
interface Sums {
  readonly grad: CausalLMParams;
  readonly seen: SeenKeys;
}

type Optimizer = Transform<CausalLMParams, Record<string, unknown>>;

/** The part of the settings that the program depends on. */
export type StepSettings = Pick<TrainSettings, "accumulate" | "beta1" | "beta2" | "decay" | "clip">;

/** Where and on how many threads to run. */
export type StepOptions = Pick<CompileOptions, "device" | "threads">;

/**
 * Compiles the update of a model. With `accumulate` = k the batch is cut into k equal micro-batches whose gradients
 * are averaged: the gradient of the whole batch, up to rounding, in the memory of a k-th. What a model asks for
 * beside the cross-entropy (`auxiliary`) is trained on but not reported.
 */
export function trainStep(
  config: CausalLMConfig,
  settings: StepSettings,
  names: readonly string[],
  options: StepOptions = {},
): TrainStep {
  const { accumulate, beta1, beta2, decay, clip } = settings;
  // The rate is an input of the program (see `rateAt`).
  const optimizer = (rate: Tensor): Optimizer =>
    adamw<CausalLMParams>(() => rate, { beta1, beta2, decay, clip });
  const lossOf = (trained: CausalLMParams, codebooks: Codebooks, ids: Tensor, targets: Tensor) => {
    const { logits, auxiliary, seen } = causalLM(config, joinCodebooks(trained, codebooks), ids);
    const entropy = crossEntropy(logits, targets);
    return { loss: auxiliary ? entropy.add(auxiliary) : entropy, entropy, seen };
  };
  const update = (state: TrainState, grad: CausalLMParams, seen: SeenKeys, rate: Tensor) => {
    const { trained, codebooks } = splitCodebooks(state.params);
    const { updates, state: next } = optimizer(rate).update(grad, state.optimizer, trained);
    const params = joinCodebooks(applyUpdates(trained, updates), learnCodebooks(codebooks, seen));
    // Clipping needs the same sums of squares. A sum is not finite when one of its elements is not.
    const checks = [...leaves(grad).map((g) => sum(square(g))), ...leaves(trained).map((p) => sum(p))];
    return { state: { params, optimizer: next }, checks: stack(checks) };
  };

  const whole = compile(
    (state: TrainState, ids: Tensor, targets: Tensor, rate: Tensor) => {
      const { trained, codebooks } = splitCodebooks(state.params);
      const { value, grad } = valueAndGrad(lossOf)(trained, codebooks, ids, targets);
      return { loss: value.entropy, ...update(state, grad, value.seen, rate) };
    },
    { ...options, donate: [0] },
  );
  const micro = compile(
    (sums: Sums, params: CausalLMParams, ids: Tensor, targets: Tensor) => {
      const { trained, codebooks } = splitCodebooks(params);
      const { value, grad } = valueAndGrad(lossOf)(trained, codebooks, ids, targets);
      const share = mapTree(grad, (g) => g.mul(1 / accumulate));
      const part: Sums = { grad: share, seen: value.seen };
      return { loss: value.entropy, sums: zipTrees(sums, part, (a, g) => a.add(g)) };
    },
    { ...options, donate: [0] },
  );
  const finish = compile(
    (state: TrainState, sums: Sums, rate: Tensor) => ({
      ...update(state, sums.grad, sums.seen, rate),
      sums: mapTree(sums, (s) => zeros(s.shape)),
    }),
    { ...options, donate: [0, 1] },
  );

  let sums: Sums | undefined;
  const run: TrainStep["run"] = async (state, batch, rate) => {
    if (accumulate === 1) {
      const [ids, targets] = tensorsOf(batch);
      const result = await whole(state, ids, targets, tensor(rate));
      return report(result.state, await result.loss.item(), result.checks);
    }
    if (sums === undefined) {
      const { trained, codebooks } = splitCodebooks(state.params);
      const like: Sums = { grad: trained, seen: codebooks };
      sums = await evaluate(
        mapTree(like, (p) => zeros(p.shape)),
        options,
      );
    }
    let loss = 0;
    const size = batch.count / accumulate;
    for (let k = 0; k < accumulate; k++) {
      const [ids, targets] = tensorsOf(rows(batch, k * size, size));
      const result = await micro(sums, state.params, ids, targets);
      sums = result.sums;
      loss += (await result.loss.item()) / accumulate;
    }
    const result = await finish(state, sums, tensor(rate));
    sums = result.sums;
    return report(result.state, loss, result.checks);
  };

  return {
    names,
    init: async (params) =>
      evaluate(
        { params, optimizer: optimizer(zeros([])).init(splitCodebooks(params).trained) },
        options,
      ) as Promise<TrainState>,
    run,
    release: async () => {
      for (const program of [whole, micro, finish]) await program.release();
    },
  };
}

/** Names of all tensors of a tree, in order. */
export function namesOf(tree: unknown): string[] {
  return flattenTree(tree).map(([name]) => name);
}

/** Ids and targets of a batch as `[count, context]` tensors. */
export function tensorsOf(batch: Batch): [ids: Tensor, targets: Tensor] {
  const shape = [batch.count, batch.ids.length / batch.count];
  return [tensor(batch.ids, { shape }), tensor(batch.targets, { shape })];
}

async function report(state: TrainState, loss: number, checks: Tensor): Promise<StepReport> {
  const values = Float64Array.from((await checks.data()) as Float32Array);
  const half = values.length / 2;
  return { state, loss, norms: values.subarray(0, half).map(Math.sqrt), sums: values.subarray(half) };
}
