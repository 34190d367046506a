// Random programs: calls are drawn one by one, run by the reference at once, and kept where the numbers stay tame and
// no decision hangs by a rounding.
import type { Rounding } from "../../reference/dual.ts";
import {
  type Arg,
  inputValues,
  type Inner,
  type Input,
  isFloatKind,
  type Kind,
  type Program,
  runStep,
  type Scope,
  type Step,
  type Val,
} from "../../reference/program.ts";
import { count } from "../../reference/array.ts";
import { HOLD, zeros } from "../../reference/program-values.ts";
import { type Call, MOST, type Variable } from "./call.ts";
import { CALLS } from "./calls.ts";
import { avoided } from "./known-today.ts";
import { reads } from "./reads.ts";
import { type Random, randomOf } from "./random.ts";

/** Relative roundings that a fragile decision is told by. */
export const UNITS: Readonly<Record<string, number>> = {
  float16: 2 ** -13,
  float32: 2 ** -20,
  float64: 2 ** -44,
};

/** Bounds on values and derivatives: beyond them float32 has little left to say, and float16 none: it ends at 65504. */
const TAME = { value: 200, slope: 2000, whole: 1000, half: { value: 8, slope: 32 } };

export interface Generated {
  readonly program: Program;
  /** Values of all variables, by the reference. */
  readonly scope: Scope;
}

/** What a program may hold. */
export interface Choice {
  /** Only these dtypes (default all). */
  readonly dtypes?: readonly Kind[];
  /** Most steps outside of bodies (default 40). */
  readonly longest?: number;
}

function tame(x: Val): boolean {
  if (count(x.shape) > MOST || x.shape.length > 5 || x.shape.some((s) => s > 24)) return false;
  const { value, slope } = x.dtype === "float16" ? TAME.half : TAME;
  const limit = isFloatKind(x.dtype) ? value : TAME.whole;
  const slopes = (v: Float64Array | null): boolean => v === null || v.every((d) => Math.abs(d) <= slope);
  return x.data.every(
    ({ v, d, t, h }) =>
      Number.isFinite(v) && Math.abs(v) <= limit && slopes(d) && Math.abs(t) <= slope && slopes(h),
  );
}

interface State {
  readonly random: Random;
  readonly choice: Choice;
  nextId: number;
}

function makeInput(state: State): Input {
  const { random, choice } = state;
  const dtypes = (
    ["float32", "float32", "float32", "float64", "float64", "float16", "int32", "bool"] as const
  ).filter((k) => choice.dtypes?.includes(k) ?? true);
  const dtype = random.of<Kind>(dtypes);
  const rank = random.of([0, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
  let shape = Array.from({ length: rank }, () =>
    random.of([1, 1, 2, 2, 3, 3, 4, 5, 6, 7, ...(random.chance(0.15) ? [0] : [])]),
  );
  while (count(shape) > 24) shape = shape.map((s) => Math.ceil(s / 2));
  const size = count(shape);
  const value = (): number => {
    if (dtype === "bool") return Number(random.chance(0.5));
    if (dtype === "int32") return random.of([0, 0, 1, 1, 2, 3, -1, 4]);
    const x = random.chance(0.1) ? random.of([0, 1, -1, 2, 0.5]) : 2 * random.next();
    return HOLD[dtype](x);
  };
  return {
    id: state.nextId++,
    dtype,
    shape,
    values: Array.from({ length: size }, value),
    direction: isFloatKind(dtype)
      ? Array.from({ length: size }, () => random.of([1, -1, 0.5, 0.25, -0.5]))
      : [],
  };
}

/** The rounding of generation: none, but decisions that are too close are refused. */
function watching(): { rounding: Rounding; fragile: () => boolean } {
  let fragile = false;
  return {
    rounding: { unit: UNITS, loose: 0, next: () => 0, fragile: () => (fragile = true) },
    fragile: () => fragile,
  };
}

function find(state: State, pool: readonly Variable[], holds: (x: Val) => boolean): Variable | undefined {
  const fit = pool.filter((v) => holds(v.val));
  if (fit.length === 0) return undefined;
  // The square root prefers what was made last.
  const at = Math.floor(Math.sqrt(state.random.below(1024) / 1024) * fit.length);
  return fit[Math.min(fit.length - 1, at)];
}

/** `call` as a step, if the reference takes it and what comes out is tame. */
function attempt(state: State, call: Call & { inner?: Inner }, scope: Scope): Step | undefined {
  const outs = call.places.map((at) => ({ id: state.nextId++, at }));
  const step: Step = { fn: call.fn, args: call.args, outs, ...(call.inner && { inner: call.inner }) };
  if (avoided(step, scope)) return undefined;
  const { rounding, fragile } = watching();
  const trial: Scope = new Map(scope);
  try {
    runStep(step, trial, rounding);
  } catch {
    return undefined;
  }
  const results = outs.map(({ id }) => trial.get(id) as Val);
  if (fragile() || !results.every(tame)) return undefined;
  if (state.choice.dtypes && results.some((x) => !state.choice.dtypes?.includes(x.dtype))) return undefined;
  outs.forEach(({ id }, i) => scope.set(id, results[i] as Val));
  return step;
}

const NESTING = ["scan", "checkpoint", "customGradient"] as const;

/** A call that holds a program: its body is drawn on the values of its first run. */
function nested(
  state: State,
  pool: readonly Variable[],
  scope: Scope,
  depth: number,
): (Call & { inner: Inner }) | undefined {
  const { random } = state;
  const fn = random.of(NESTING);
  const operands: Variable[] = [];
  const firsts: Val[] = [];
  const take = (holds: (x: Val) => boolean, first: (x: Val) => Val = (x) => x): boolean => {
    const x = find(state, pool, holds);
    if (!x) return false;
    operands.push(x);
    firsts.push(first(x.val));
    return true;
  };
  // Of no rows the first is zeros: the body is drawn on them, and never run.
  const row = (x: Val): Val => {
    const shape = x.shape.slice(1);
    return x.shape[0] === 0 ? zeros(x.dtype, shape) : { ...x, shape, data: x.data.slice(0, count(shape)) };
  };
  const carries = fn === "scan" ? 1 + random.below(2) : 0;
  for (let i = 0; i < carries; i++)
    if (!take((x) => isFloatKind(x.dtype) || random.chance(0.2))) return undefined;
  let length = -1;
  const others = 1 + random.below(2);
  for (let i = 0; i < others; i++) {
    const scanned = (x: Val): boolean => x.shape.length > 0 && (length < 0 || x.shape[0] === length);
    const ok =
      fn === "scan"
        ? take(scanned, row)
        : take((x) => isFloatKind(x.dtype) || (fn === "checkpoint" && random.chance(0.3)));
    if (!ok) break;
    if (fn === "scan") length = operands.at(-1)?.val.shape[0] ?? -1;
  }
  if (operands.length <= carries) return undefined;
  const parameters = firsts.map(() => state.nextId++);
  // The rule of a custom derivative may use nothing from outside.
  const inside: Scope = fn === "customGradient" ? new Map() : new Map(scope);
  parameters.forEach((id, i) => inside.set(id, firsts[i] as Val));
  const own: Variable[] = parameters.map((id, i) => ({ id, val: firsts[i] as Val }));
  const outer = fn === "customGradient" ? [] : pool;
  const steps = grow(state, [...outer, ...own], inside, 1 + random.below(5), depth + 1);
  const made = steps.flatMap((s) => s.outs.map((o) => o.id));
  const candidates = [...parameters, ...made].map((id) => ({ id, val: inside.get(id) as Val }));
  const results: number[] = [];
  for (const start of operands.slice(0, carries)) {
    const fits = (x: Val): boolean =>
      x.dtype === start.val.dtype && x.shape.join() === start.val.shape.join();
    const carry = find(state, candidates, fits);
    if (!carry) return undefined;
    results.push(carry.id);
  }
  const floats = (x: Val): boolean => fn !== "customGradient" || isFloatKind(x.dtype);
  for (let i = 0; i < 1 + random.below(2); i++) {
    const y = find(state, candidates, floats);
    if (y) results.push(y.id);
  }
  const inner: Inner = { parameters, steps, results };
  if (fn !== "scan") {
    return { fn, args: operands.map((v) => ({ ref: v.id })), inner, places: results.map((_, i) => `${i}`) };
  }
  const refs = operands.map((v): Arg => ({ ref: v.id }));
  const places = results.map((_, i) => (i < carries ? `carry.${i}` : `ys.${i - carries}`));
  const options = { reverse: random.chance(0.4) };
  return { fn, args: [refs.slice(0, carries), refs.slice(carries), options], inner, places };
}

/** Up to `length` steps on the variables of `pool`. */
function grow(state: State, pool: readonly Variable[], scope: Scope, length: number, depth: number): Step[] {
  const { random } = state;
  const variables = [...pool];
  const steps: Step[] = [];
  const kinds = Object.keys(CALLS);
  for (let tries = 0; steps.length < length && tries < 12 * length; tries++) {
    const call =
      depth < 3 && random.chance(depth === 0 ? 0.1 : 0.06)
        ? nested(state, variables, scope, depth)
        : random.of(CALLS[random.of(kinds)] ?? [])({
            random,
            find: (holds) => find(state, variables, holds),
          });
    const step = call && attempt(state, call, scope);
    if (!step) continue;
    steps.push(step);
    for (const { id } of step.outs) variables.push({ id, val: scope.get(id) as Val });
  }
  return steps;
}

/** Only what `results` need. */
export function pruned({ inputs, steps, results }: Program): Program {
  const needed = new Set(results);
  const live: Step[] = [];
  for (const step of [...steps].reverse()) {
    if (!step.outs.some((o) => needed.has(o.id))) continue;
    live.push(step);
    for (const id of reads(step)) needed.add(id);
  }
  return { inputs: inputs.filter((x) => needed.has(x.id)), steps: live.reverse(), results };
}

/** The program of `seed`. */
export function generate(seed: number, choice: Choice = {}): Generated {
  const random = randomOf(seed);
  const state: State = { random, choice, nextId: 0 };
  const inputs = Array.from({ length: 2 + random.below(4) }, () => makeInput(state));
  const scope = inputValues(inputs);
  const pool = inputs.map(({ id }) => ({ id, val: scope.get(id) as Val }));
  const longest = choice.longest ?? 40;
  const length = Math.min(longest, random.chance(0.1) ? 20 + random.below(21) : 5 + random.below(12));
  const steps = grow(state, pool, scope, length, 0);
  const used = new Set(steps.flatMap(reads));
  const made = steps.flatMap((s) => s.outs.map((o) => o.id));
  const ends = made.filter((id) => !used.has(id));
  const results = [...random.shuffled(ends).slice(0, 4), ...made.slice(-1)];
  return { program: pruned({ inputs, steps, results: [...new Set(results)] }), scope };
}
