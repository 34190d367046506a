// One table over all update rules, after optax's common test. A new rule is in it by its line in rules/all.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openSafetensors, writeSafetensors } from "../../src/files/node/safetensors.ts";
import {
  applyUpdates,
  constantRate,
  makeOptimizer,
  type OptimizerChoice,
  optimizerConfig,
  parseOptimizer,
  RULES,
  type Transform,
} from "../../src/optim/index.ts";
import {
  compile,
  type Dtype,
  evaluate,
  flattenTree,
  leaves,
  mapTree,
  matmul,
  mean,
  ones,
  square,
  type Tensor,
  tensor,
  valueAndGrad,
  zeros,
} from "../../src/tensor/index.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-optim-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Params = { readonly w: Tensor; readonly b: Tensor };
type Rule = Transform<Params, Record<string, unknown>>;
type State = Record<string, unknown>;

const NAMES = Object.keys(RULES);
/** Rates at which 150 steps reach the bottom of a small regression. */
const RATES: Readonly<Record<string, number>> = {
  adamw: 0.05,
  eg: 0.5,
  "funnelled-gain": 0.02,
  lion: 0.02,
  "meta-gain": 0.05,
  muon: 0.1,
  sgd: 0.05,
  tiger: 0.05,
};

function rule(type: string, schedule = constantRate(RATES[type] ?? 0.01)): Rule {
  const decayless = { type, ...("decay" in (RULES[type]?.needs ?? {}) && { decay: 0 }) };
  return makeOptimizer<Params>(optimizerConfig(decayless as OptimizerChoice), schedule);
}

/** Inputs of a regression whose answer is known. */
function rows(dtype: Dtype, from: number, count: number): { x: Tensor; y: Tensor } {
  const wave = (i: number, j: number): number =>
    Math.sin(1.7 * (from + i) + 2.3 * j) + Math.cos(0.9 * (from + i) * (j + 1));
  const x = Array.from({ length: count }, (_, i) => [0, 1, 2].map((j) => wave(i, j)));
  const y = x.map(([a = 0, b = 0, c = 0]) => [0.7 * a - 0.4 * b + 0.3, 0.5 * c - 0.6]);
  return { x: tensor(x, { dtype }), y: tensor(y, { dtype }) };
}

const start = (dtype: Dtype): Params => ({
  w: tensor(
    [
      [0.1, -0.2],
      [0.3, 0.1],
      [-0.1, 0.2],
    ],
    { dtype },
  ),
  b: zeros([2], { dtype }),
});

const loss = ({ w, b }: Params, x: Tensor, y: Tensor): Tensor => mean(square(matmul(x, w).add(b).sub(y)));

function stepOf(
  r: Rule,
): (
  params: Params,
  state: State,
  x: Tensor,
  y: Tensor,
) => Promise<{ params: Params; state: State; loss: Tensor }> {
  return compile((params: Params, state: State, x: Tensor, y: Tensor) => {
    const { value, grad } = valueAndGrad(loss)(params, x, y);
    const { updates, state: next } = r.update(grad, state, params);
    return { params: applyUpdates(params, updates), state: next, loss: value };
  });
}

async function train(
  r: Rule,
  steps: number,
  { dtype = "float32" as Dtype, from }: { dtype?: Dtype; from?: { params: Params; state: State } } = {},
): Promise<{ params: Params; state: State; losses: number[] }> {
  const step = stepOf(r);
  let { params, state } = from ?? (await evaluate({ params: start(dtype), state: r.init(start(dtype)) }));
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const { x, y } = rows(dtype, 0, 8);
    const next = await step(params, state, x, y);
    ({ params, state } = next);
    losses.push(await next.loss.item());
  }
  return { params, state, losses };
}

async function numbers(tree: unknown): Promise<Record<string, number[]>> {
  const out: Record<string, number[]> = {};
  for (const [name, t] of flattenTree(tree)) out[name] = Array.from(await t.data(), Number);
  return out;
}

test("every rule has a rate here", () => {
  expect(Object.keys(RATES).sort()).toEqual([...NAMES].sort());
});

describe.each(NAMES)("%s", (type) => {
  test("converges on a regression", async () => {
    // Rules of signs end within a step of the bottom, so the rate falls to 0.
    const falling = (t: Tensor): Tensor =>
      t
        .mul(-1 / 150)
        .add(1)
        .mul(RATES[type] ?? 0.01);
    const { losses } = await train(rule(type, falling), 150);
    expect(losses[0]).toBeGreaterThan(0.3);
    expect(losses.at(-1)).toBeLessThan(0.01);
  });

  test.each(["float32", "float64"] as const)("keeps %s, in updates and in its moments", async (dtype) => {
    const r = rule(type);
    const params = start(dtype);
    const state = r.init(params);
    const { x, y } = rows(dtype, 0, 4);
    const { updates, state: next } = r.update(valueAndGrad(loss)(params, x, y).grad, state, params);
    expect(leaves(updates).map((u) => u.dtype)).toEqual([dtype, dtype]);
    const types = (tree: unknown): string[] =>
      flattenTree(tree).map(([name, t]) => `${name} ${t.dtype} [${t.shape.join()}]`);
    expect(types(next)).toEqual(types(state));
    expect(types(updates)).toEqual(types(params));
  });

  test("has a state of named fields, all of them finite tensors", async () => {
    const { state } = await train(rule(type), 3);
    const named = await numbers(state);
    expect(Object.keys(named).length).toBeGreaterThan(0);
    for (const [name, values] of Object.entries(named)) {
      expect(name).toMatch(/^[a-z][A-Za-z0-9]*(\.[a-zA-Z0-9]+)*$/);
      expect(values.every(Number.isFinite), name).toBe(true);
    }
    // The rate and the step of a run can be read.
    const step = Object.entries(named).find(([name]) => name.endsWith("step"));
    expect(step?.[1]).toEqual([3]);
    expect(Object.entries(named).find(([name]) => name.endsWith("rate"))?.[1][0]).toBeCloseTo(
      RATES[type] ?? 0,
      7,
    );
  });

  test("saved and read again, goes on bitwise as if never stopped", async () => {
    const r = rule(type);
    const whole = await train(r, 9);
    const half = await train(r, 4);
    const path = join(folder, `${type}.safetensors`);
    const tree = { params: half.params, state: half.state };
    await writeSafetensors(
      path,
      new Map(
        flattenTree(tree).map(([name, t]) => [
          name,
          { dtype: t.dtype, shape: t.shape.map(Number), data: () => t.data() },
        ]),
      ),
    );
    await using file = await openSafetensors(path);
    const read = new Map<string, Tensor>();
    for (const name of file.entries.keys()) {
      const { data, dtype, shape } = await file.read(name);
      read.set(name, tensor(data, { dtype, shape }));
    }
    const from = mapTree(tree, (t, name) => read.get(name) ?? t) as { params: Params; state: State };
    const resumed = await train(r, 5, { from });
    expect(await numbers(resumed.params)).toEqual(await numbers(whole.params));
    expect(await numbers(resumed.state)).toEqual(await numbers(whole.state));
  });

  test("accumulates: the mean of two halves' gradients is the gradient of the whole", async () => {
    const r = rule(type);
    const dtype = "float64";
    const whole = { params: start(dtype), state: r.init(start(dtype)) };
    const halves = { params: start(dtype), state: r.init(start(dtype)) };
    const gradient = (params: Params, from: number, count: number): Params => {
      const { x, y } = rows(dtype, from, count);
      return valueAndGrad(loss)(params, x, y).grad;
    };
    for (let i = 0; i < 3; i++) {
      const one = r.update(gradient(whole.params, 0, 8), whole.state, whole.params);
      Object.assign(
        whole,
        await evaluate({ params: applyUpdates(whole.params, one.updates), state: one.state }),
      );
      const [a, b] = [gradient(halves.params, 0, 4), gradient(halves.params, 4, 4)];
      let two: { updates: Params; state: State };
      if (r.micro === undefined) {
        const sum = { w: a.w.add(b.w).mul(0.5), b: a.b.add(b.b).mul(0.5) };
        two = r.update(sum, halves.state, halves.params);
      } else {
        const first = r.micro.take(a, halves.state, ones([]), 2);
        two = r.micro.finish(r.micro.take(b, first, zeros([]), 2), halves.params, 2);
      }
      Object.assign(
        halves,
        await evaluate({ params: applyUpdates(halves.params, two.updates), state: two.state }),
      );
      const [x, y] = [await numbers(whole.params), await numbers(halves.params)];
      for (const [name, values] of Object.entries(x)) {
        values.forEach((v, j) => expect(y[name]?.[j]).toBeCloseTo(v, 12));
      }
    }
  });

  test("its fields are checked, and read from text", () => {
    const [field = "", { usual = 0, high = 0 } = {}] = Object.entries(RULES[type]?.needs ?? {})[0] ?? [];
    expect(optimizerConfig({ type } as OptimizerChoice)).toMatchObject({ type, [field]: usual });
    expect(parseOptimizer(`${type}:${field}=${usual / 2}`)).toEqual({ type, [field]: usual / 2 });
    expect(() => parseOptimizer(`${type}:${field}=${high + 1}`)).toThrow(
      `optimizer: ${type}: ${field} must be`,
    );
    expect(() => parseOptimizer(`${type}:${field}=`)).toThrow("must be field=number");
    expect(() => parseOptimizer(`${type}:x${field}=1`)).toThrow("is unknown");
  });
});

test("a rule that does not exist is refused with the nearest", () => {
  expect(() => parseOptimizer("adanw")).toThrow(
    'optimizer: type must be one of adamw, eg, funnelled-gain, lion, meta-gain, muon, sgd, tiger, got "adanw". Did you mean adamw?',
  );
  expect(() => parseOptimizer("adamw:beta1=0.9:more")).toThrow("text must be name:field=number,…");
  expect(() => optimizerConfig({ type: "toString" } as never)).toThrow('got "toString"');
});
