// One update of the parameters, compiled: forward, backward, the optimizer's rule; what no gradient moves beside it.
import { OptionError } from "../errors.ts";
import { blockSums, makeRule, type RuleChoice, ruleNamed } from "../optim/index.ts";
import {
  cast,
  compile,
  type CompileOptions,
  evaluate,
  flattenTree,
  mapTree,
  ones,
  square,
  stack,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
  zeros,
  zipTrees,
} from "../tensor/index.ts";
import { largestEntry, type Measured, reportOf, type UpdateReport } from "./diagnostics.ts";
import type { TrainSettings } from "./settings.ts";
import type { Found, LeafRule, Task } from "./task.ts";

/** Everything that changes from step to step. */
export interface TrainState<P = unknown> {
  readonly params: P;
  /** State of the rule over the parameters that gradients train, by the names of its parts. */
  readonly optimizer: Record<string, unknown>;
}

/** What an update found. */
export interface StepReport<P> {
  readonly state: TrainState<P>;
  /** Mean of each loss over the batch, before the update. */
  readonly losses: Readonly<Record<string, number>>;
  /**
   * Norm of each parameter's gradient before clipping, in the order of `names`. A rule that accumulates without a
   * buffer never has the whole gradient: then the root mean square of the norms of the parts.
   */
  readonly norms: Float64Array;
  /** Sum of each parameter before the update: not finite where the parameter is not. */
  readonly sums: Float64Array;
  /** What the settings' diagnostics ask for. */
  readonly update?: UpdateReport;
}

/** A compiled update. */
export interface TrainStep<P, B> {
  /** Names of the parameters that gradients train. */
  readonly names: readonly string[];
  /** Updates; `state` must not be used again. @param batch Gives the parts of the batch, one after another. */
  run(state: TrainState<P>, batch: (part: number) => B | Promise<B>, rate: number): Promise<StepReport<P>>;
  release(): Promise<void>;
}

/** Trained parameters by name: what rules and gradients see. */
type Leaves = Readonly<Record<string, Tensor>>;

/** What the parts of a batch add up. */
interface Sums<S> {
  readonly grad: Leaves;
  readonly seen: S | undefined;
}

/** The part of the settings that the program depends on. */
export type StepSettings = RuleChoice & Pick<TrainSettings, "accumulate" | "diagnostics">;

/** Where and on how many threads to run. */
export type StepOptions = Pick<CompileOptions, "device" | "threads">;

/** Names of the parameters that gradients train, in order. */
export function trainedNames<P, B, S>(task: Task<P, B, S>, params: P): string[] {
  const float = (t: Tensor): boolean => t.dtype.startsWith("float");
  return flattenTree(params).flatMap(([name, t]) =>
    float(t) && (task.trained?.(name) ?? true) ? [name] : [],
  );
}

/** State before the first step. */
export async function initialState<P, B, S>(
  task: Task<P, B, S>,
  settings: RuleChoice,
  params: P,
  options: StepOptions = {},
): Promise<TrainState<P>> {
  const leaves = pick(params, trainedNames(task, params));
  const rule = ruleOf(task, settings, zeros([]));
  return evaluate({ params, optimizer: rule.init(leaves) }, options);
}

/**
 * Compiles the update of a task for parameters like `params`. With `accumulate` = k the batch comes in k equal parts
 * whose gradients are averaged: the gradient of the whole batch, up to rounding, in the memory of a k-th. The sum takes
 * a buffer of the size of the parameters, but for rules that accumulate in their own state.
 * @throws OptionError when a parameter belongs to none or to several of the groups of losses.
 */
export function trainStep<P, B, S>(
  task: Task<P, B, S>,
  settings: StepSettings,
  params: P,
  options: StepOptions = {},
): TrainStep<P, B> {
  const { accumulate, diagnostics = false } = settings;
  const names = trainedNames(task, params);
  const groups = groupsOf(task, names);
  checkTables(task, settings, pick(params, names));
  // The rate is an input of the program (see `rateAt`).
  const optimizer = (rate: Tensor): LeafRule => ruleOf(task, settings, rate);
  const [only, ...others] = Object.values(task.losses);
  /** Blocks of what is measured, known when an update has been traced. */
  let blocks: readonly string[] = [];

  /** Losses and gradients of a part. */
  const look = (at: P, batch: B) => {
    const shown: Record<string, Tensor> = {};
    let total: Tensor = zeros([]);
    const grads: Record<string, Tensor> = {};
    let seen: S | undefined;
    for (const [name, loss] of Object.entries(task.losses)) {
      const fn = (leaves: Leaves): Found<S> => loss(place(at, leaves), batch);
      const { value, grad } = valueAndGrad(fn)(pick(at, groups[name] ?? []));
      shown[name] = value.shown ?? value.loss;
      total = value.loss;
      Object.assign(grads, grad);
      if (value.seen !== undefined) seen = { ...seen, ...value.seen };
    }
    const grad: Leaves = Object.fromEntries(names.map((n) => [n, grads[n] as Tensor]));
    return { shown, seen, grad, loss: total };
  };
  /** What diagnostics look at in an update: nothing where nobody asked. */
  const measured = (after: P, updates: Leaves, grad: Leaves | undefined): { measured?: Measured } => {
    if (!diagnostics) return {};
    const largest = largestEntry(pick(after, names), task.role);
    if (grad === undefined) return { measured: { ...(largest && { largest }) } };
    const found = blockSums(
      mapTree(updates, (u) => u.neg()),
      grad,
    );
    blocks = found.names;
    return { measured: { sums: found.sums, ...(largest && { largest }) } };
  };
  /** The rule's updates, where some parameters have a rate of their own. */
  const paced = (updates: Leaves): Leaves => {
    const factor = (name: string): number => task.rate?.(name) ?? 1;
    return mapTree(updates, (u, name) => (factor(name) === 1 ? u : u.mul(factor(name))));
  };
  /** Parameters after the rule's updates and after what no gradient moves. */
  const move = (at: P, leaves: Leaves, updates: Leaves, seen: S | undefined): P => {
    const moved = place(
      at,
      zipTrees(leaves, updates, (p, u) => p.add(u)),
    );
    return task.learn ? task.learn(moved, seen as S) : moved;
  };
  // Clipping needs the same sums of squares. A sum is not finite when one of its elements is not.
  const squares = (grad: Leaves): Tensor[] => Object.values(grad).map((g) => sum(square(g)));
  const checksOf = (list: readonly Tensor[]): Tensor => stack(list.map((t) => cast(t, "float32")));
  const update = (state: TrainState<P>, grad: Leaves, seen: S | undefined, rate: Tensor) => {
    const leaves = pick(state.params, names);
    const { updates: whole, state: next } = optimizer(rate).update(grad, state.optimizer, leaves);
    const updates = paced(whole);
    const checks = [...squares(grad), ...Object.values(leaves).map((p) => sum(p))];
    const moved = move(state.params, leaves, updates, seen);
    return {
      state: { params: moved, optimizer: next },
      checks: checksOf(checks),
      ...measured(moved, updates, grad),
    };
  };

  const whole = compile(
    (state: TrainState<P>, batch: B, rate: Tensor) => {
      const { shown, seen, grad, loss } = look(state.params, batch);
      return { shown, ...(diagnostics && { loss }), ...update(state, grad, seen, rate) };
    },
    { ...options, donate: [0] },
  );
  const part = compile(
    (sums: Sums<S>, at: P, batch: B) => {
      const { shown, seen, grad, loss } = look(at, batch);
      const share: Sums<S> = { grad: mapTree(grad, (g) => g.mul(1 / accumulate)), seen };
      return {
        shown,
        ...(diagnostics && { loss }),
        sums: zipTrees(sums, share, (a, g) => a.add(g)) as Sums<S>,
      };
    },
    { ...options, donate: [0] },
  );
  const finish = compile(
    (state: TrainState<P>, sums: Sums<S>, rate: Tensor) => ({
      ...update(state, sums.grad, sums.seen, rate),
      sums: zerosLike(sums),
    }),
    { ...options, donate: [0, 1] },
  );
  // The same for rules that accumulate in their own state.
  const micro = optimizer(zeros([])).micro;
  const take = compile(
    (state: Record<string, unknown>, learnt: { seen: S | undefined }, at: P, batch: B, first: Tensor) => {
      const { shown, seen, grad, loss } = look(at, batch);
      return {
        shown,
        ...(diagnostics && { loss }),
        optimizer: micro?.take(grad, state, first, accumulate) ?? state,
        learnt: zipTrees(learnt, { seen }, (a, s) => a.add(s)) as { seen: S | undefined },
        squares: checksOf(squares(grad)),
      };
    },
    { ...options, donate: [0, 1] },
  );
  const close = compile(
    (state: TrainState<P>, learnt: { seen: S | undefined }, rate: Tensor) => {
      const leaves = pick(state.params, names);
      const done = optimizer(rate).micro?.finish(state.optimizer, leaves, accumulate);
      if (done === undefined) throw new Error("a rule that accumulates must finish");
      const updates = paced(done.updates);
      const moved = move(state.params, leaves, updates, learnt.seen);
      return {
        state: { params: moved, optimizer: done.state },
        sums: checksOf(Object.values(leaves).map((p) => sum(p))),
        learnt: zerosLike(learnt),
        ...measured(moved, updates, undefined),
      };
    },
    { ...options, donate: [0, 1] },
  );

  const lossAt = compile((at: P, batch: B) => only?.(at, batch).loss ?? zeros([]), options);
  /** What was measured, with the loss on the same batch after the update; of several losses none is the one. */
  const reported = async (
    { measured, state }: { measured?: Measured; state: TrainState<P> },
    before: number,
    batch: (part: number) => B | Promise<B>,
  ): Promise<{ update?: UpdateReport }> => {
    if (measured === undefined) return {};
    let after = 0;
    if (others.length === 0) {
      for (let k = 0; k < accumulate; k++)
        after += (await (await lossAt(state.params, await batch(k))).item()) / accumulate;
    }
    return { update: await reportOf(measured, blocks, others.length === 0 ? { before, after } : undefined) };
  };

  const inOne: TrainStep<P, B>["run"] = async (state, batch, rate) => {
    const result = await whole(state, await batch(0), tensor(rate));
    const checks = await numbersOf(result.checks);
    return {
      state: result.state,
      losses: await itemsOf(result.shown),
      ...halves(checks),
      ...(await reported(result, (await result.loss?.item()) ?? 0, batch)),
    };
  };
  let sums: Sums<S> | undefined;
  const inParts: TrainStep<P, B>["run"] = async (state, batch, rate) => {
    const losses: Record<string, number> = {};
    let before = 0;
    for (let k = 0; k < accumulate; k++) {
      const now = await batch(k);
      sums ??= await evaluate(
        zerosLike({ grad: pick(state.params, names), seen: look(state.params, now).seen }),
        options,
      );
      const result = await part(sums, state.params, now);
      sums = result.sums;
      await addLosses(losses, result.shown, accumulate);
      before += ((await result.loss?.item()) ?? 0) / accumulate;
    }
    const result = await finish(state, sums as Sums<S>, tensor(rate));
    sums = result.sums;
    return {
      state: result.state,
      losses,
      ...halves(await numbersOf(result.checks)),
      ...(await reported(result, before, batch)),
    };
  };
  let learnt: { seen: S | undefined } | undefined;
  const inItsState: TrainStep<P, B>["run"] = async (state, batch, rate) => {
    const losses: Record<string, number> = {};
    const norms = new Float64Array(names.length);
    let before = 0;
    let { optimizer } = state;
    for (let k = 0; k < accumulate; k++) {
      const now = await batch(k);
      learnt ??= await evaluate(zerosLike({ seen: look(state.params, now).seen }), options);
      const result = await take(optimizer, learnt, state.params, now, k === 0 ? ones([]) : zeros([]));
      ({ optimizer, learnt } = result);
      await addLosses(losses, result.shown, accumulate);
      before += ((await result.loss?.item()) ?? 0) / accumulate;
      (await numbersOf(result.squares)).forEach((s, i) => (norms[i] = (norms[i] ?? 0) + s / accumulate));
    }
    const result = await close(
      { params: state.params, optimizer },
      learnt ?? { seen: undefined },
      tensor(rate),
    );
    learnt = result.learnt;
    return {
      state: result.state,
      losses,
      norms: norms.map(Math.sqrt),
      sums: await numbersOf(result.sums),
      ...(await reported(result, before, batch)),
    };
  };

  return {
    names,
    run: accumulate === 1 ? inOne : micro === undefined ? inParts : inItsState,
    release: async () => {
      for (const program of [whole, part, finish, take, close, lossAt]) await program.release();
    },
  };
}

/** Whether a training by these rules goes on after a gradient that is not finite. */
export function mends({ optimizer, embedding }: RuleChoice): boolean {
  const rules = [optimizer, ...(embedding ? [embedding.optimizer] : [])];
  return rules.every(({ type }) => ruleNamed(type).mends === true);
}

/** @throws OptionError where something is asked of embeddings, and there are none. */
function checkTables<P, B, S>({ role, kind }: Task<P, B, S>, choice: RuleChoice, leaves: Leaves): void {
  const asked = choice.embedding ? "embedding" : choice.lazyRows ? "lazyRows" : undefined;
  if (asked === undefined || Object.entries(leaves).some(([name, p]) => role?.(name, p) === "table")) return;
  throw new OptionError(
    `train: ${asked} must find trained parameters of role "table", got none in a task "${kind}". Leave it out.`,
  );
}

/** The rule of the settings, and what the task makes of it. */
function ruleOf<P, B, S>(task: Task<P, B, S>, choice: RuleChoice, rate: Tensor): LeafRule {
  const usual = makeRule<Leaves>(choice, () => rate, task.role);
  return task.rule?.(usual, () => rate, choice.optimizer) ?? usual;
}

/** Leaves of `tree` by name. */
function pick(tree: unknown, names: readonly string[]): Leaves {
  const all = new Map(flattenTree(tree));
  return Object.fromEntries(names.map((name) => [name, all.get(name) as Tensor]));
}

/** `tree` with some leaves in place of its own. */
function place<P>(tree: P, leaves: Leaves): P {
  return mapTree(tree, (t, name) => leaves[name] ?? t) as P;
}

function zerosLike<T>(tree: T): T {
  return mapTree(tree, (t) => zeros(t.shape, { dtype: t.dtype })) as T;
}

/** Which parameters each loss moves. */
function groupsOf<P, B, S>(task: Task<P, B, S>, names: readonly string[]): Record<string, string[]> {
  const losses = Object.keys(task.losses);
  const { groups } = task;
  if (groups === undefined && losses.length === 1) return { [losses[0] ?? ""]: [...names] };
  const moved = Object.fromEntries(losses.map((l) => [l, names.filter((n) => groups?.[l]?.(n) ?? false)]));
  for (const name of names) {
    const by = losses.filter((l) => moved[l]?.includes(name));
    if (by.length === 1) continue;
    throw new OptionError(
      `train: parameter "${name}" must be moved by one of the losses ${losses.join(", ")}, got ${by.length === 0 ? "none" : by.join(" and ")}. Say which in the task's groups, or exclude it with trained.`,
    );
  }
  return moved;
}

async function itemsOf(losses: Readonly<Record<string, Tensor>>): Promise<Record<string, number>> {
  const out: Record<string, number> = {};
  for (const [name, t] of Object.entries(losses)) out[name] = await t.item();
  return out;
}

async function addLosses(
  to: Record<string, number>,
  shown: Readonly<Record<string, Tensor>>,
  parts: number,
): Promise<void> {
  for (const [name, value] of Object.entries(await itemsOf(shown)))
    to[name] = (to[name] ?? 0) + value / parts;
}

async function numbersOf(t: Tensor): Promise<Float64Array> {
  return Float64Array.from((await t.data()) as Float32Array);
}

function halves(checks: Float64Array): { norms: Float64Array; sums: Float64Array } {
  const half = checks.length / 2;
  return { norms: checks.subarray(0, half).map(Math.sqrt), sums: checks.subarray(half) };
}
