// The smallest program that still goes wrong: fewer results, steps turned into inputs that hold their values, bodies
// with fewer steps.
import { type Rounding } from "../../reference/dual.ts";
import { type Inner, isFloatKind, type Program, runProgram, type Step } from "../../reference/program.ts";
import { HOLD } from "../../reference/program-values.ts";
import { pruned } from "./generate.ts";

const QUIET: Rounding = { unit: {}, loose: 0, next: () => 0, fragile: () => undefined };

/** `program` with step `at` gone: its results become inputs of the same values. */
function cut(program: Program, at: number): Program | undefined {
  const step = program.steps[at];
  if (step === undefined) return undefined;
  const scope = runProgram(program, QUIET);
  const inputs = step.outs.flatMap(({ id }) => {
    const val = scope.get(id);
    if (val === undefined) return [];
    const values = val.data.map((x) => HOLD[val.dtype](x.v));
    const direction = isFloatKind(val.dtype) ? values.map((_, i) => (i % 2 === 0 ? 1 : -0.5)) : [];
    return [{ id, dtype: val.dtype, shape: val.shape, values, direction }];
  });
  return pruned({
    inputs: [...program.inputs, ...inputs],
    steps: program.steps.filter((_, i) => i !== at),
    results: program.results.filter((id) => !step.outs.some((o) => o.id === id)),
  });
}

/** Bodies with one step less: what it made is replaced by another variable in reach. */
function thinner(step: Step): Step[] {
  const { inner } = step;
  if (inner === undefined) return [];
  const renamed = (from: number, to: number): Inner => {
    const text = JSON.stringify({ ...inner, steps: inner.steps.filter((s) => s.outs[0]?.id !== from) });
    const moved = text.replaceAll(`{"ref":${from}}`, `{"ref":${to}}`);
    const parsed = JSON.parse(moved) as Inner;
    return { ...parsed, results: parsed.results.map((id) => (id === from ? to : id)) };
  };
  const fewer = inner.steps.flatMap((s, i) => {
    const from = s.outs[0]?.id;
    if (s.outs.length !== 1 || from === undefined) return [];
    const before = [...inner.parameters, ...inner.steps.slice(0, i).flatMap((x) => x.outs.map((o) => o.id))];
    return before.map((to) => ({ ...step, inner: renamed(from, to) }));
  });
  const deeper = inner.steps.flatMap((s, i) =>
    thinner(s).map((thin) => ({
      ...step,
      inner: { ...inner, steps: inner.steps.map((x, j) => (j === i ? thin : x)) },
    })),
  );
  return [...fewer, ...deeper];
}

/** Programs one change smaller, the boldest first. */
function* smaller(program: Program): Generator<Program> {
  if (program.results.length > 1) {
    for (const id of program.results) yield pruned({ ...program, results: [id] });
  }
  for (let i = program.steps.length - 2; i >= 0; i--) {
    const less = cut(program, i);
    if (less) yield less;
  }
  for (const [i, step] of program.steps.entries()) {
    for (const thin of thinner(step)) {
      yield pruned({ ...program, steps: program.steps.map((s, j) => (j === i ? thin : s)) });
    }
  }
  for (const [i, x] of program.inputs.entries()) {
    const tidy = x.values.map((v) => Math.round(v * 4) / 4);
    if (tidy.every((v, j) => v === x.values[j])) continue;
    yield { ...program, inputs: program.inputs.map((y, j) => (j === i ? { ...x, values: tidy } : y)) };
  }
}

/** The smallest program found in at most `tries` runs of `fails`. */
export async function shrink(
  program: Program,
  fails: (program: Program) => Promise<boolean>,
  tries = 200,
): Promise<Program> {
  let best = program;
  for (let left = tries; left > 0; ) {
    let found = false;
    for (const candidate of smaller(best)) {
      if (left-- <= 0) break;
      if (!(await fails(candidate).catch(() => false))) continue;
      best = candidate;
      found = true;
      break;
    }
    if (!found) break;
  }
  return best;
}
