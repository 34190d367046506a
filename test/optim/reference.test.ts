// Update rules on matrices, with gradients that change their sign and size, against a number at a time.
import { test } from "vitest";
import {
  adamw,
  applyUpdates,
  constantRate,
  eg,
  funnelledGain,
  lion,
  metaGain,
  muon,
  sgd,
  tiger,
  type Role,
  type Transform,
} from "../../src/optim/index.ts";
import { evaluate, type Tensor, tensor } from "../../src/tensor/index.ts";
import * as reference from "../reference/optimizers.ts";
import { expectClose } from "../support/check.ts";
import { numbers, seedOf } from "../support/numbers.ts";

type Params = { readonly w: Tensor };
const [ROWS, WIDTH, STEPS] = [3, 4, 9];
const next = numbers(seedOf("optimizers"));
const start = Array.from({ length: ROWS * WIDTH }, next);
/** Follows the parameters a little, swings, and grows by steps: signs flip, and second moments matter. */
const gradient: reference.GradientOf = (x, step) =>
  x.map((v, i) => 0.3 * v + Math.cos(1.7 * step + i) * (1 + step) - (i % 5 === 0 ? 4 : 0));
const matrix = (values: readonly number[]): Tensor =>
  tensor(Float64Array.from(values), { shape: [ROWS, WIDTH] });

async function path(
  rule: Transform<Params, Record<string, unknown>>,
  from: readonly number[] = start,
): Promise<number[][]> {
  let params: Params = { w: matrix(from) };
  let state = rule.init(params);
  const out: number[][] = [];
  for (let step = 0; step < STEPS; step++) {
    const now = Array.from(await params.w.data(), Number);
    const done = rule.update({ w: matrix(gradient(now, step)) }, state, params);
    ({ params, state } = await evaluate({ params: applyUpdates(params, done.updates), state: done.state }));
    out.push(Array.from(await params.w.data(), Number));
  }
  return out;
}

const rate = 0.02;
const shared = { rate, steps: STEPS };
const by = constantRate(rate);
const as = (role: Role) => (): Role => role;
const bounds = { low: 0.5, high: 2 };
const sizes = start.map(Math.abs);
const rows = sizes.map(
  (v, i) =>
    v /
    sizes.slice(Math.floor(i / WIDTH) * WIDTH, Math.floor(i / WIDTH) * WIDTH + WIDTH).reduce((a, b) => a + b),
);
const egOf = { ...shared, beta: 0.3, width: WIDTH };
const funnel = { whole: 0.3, beta: 0.7, momentum: 0.6, decay: 0.2, ...bounds };
const CASES: readonly (readonly [
  string,
  Transform<Params, Record<string, unknown>>,
  number[][],
  (readonly number[])?,
])[] = [
  ["eg", eg(by), reference.egPath(sizes, gradient, { ...egOf, form: "positive" }), sizes],
  [
    "eg on distributions",
    eg(by, { form: "simplex" }),
    reference.egPath(rows, gradient, { ...egOf, form: "simplex" }),
    rows,
  ],
  [
    "eg on signed numbers",
    eg(by, { form: "signed", beta: 0.3 }),
    reference.egPath(start, gradient, { ...egOf, form: "signed" }),
  ],
  ...([false, true] as const).flatMap((normalise) => [
    [
      `meta-gain, ${normalise ? "by signs" : "as it is"}`,
      metaGain<Params>(by, { gamma: 0.1, ...bounds, normalise, decay: 0.2 }),
      reference.metaGainPath(start, gradient, { ...shared, gamma: 0.1, ...bounds, normalise, decay: 0.2 }),
    ] as const,
    [
      `funnelled gains, ${normalise ? "by signs and cosines" : "as they are"}`,
      funnelledGain<Params>(by, { gamma: 0.05, ...funnel, normalise }),
      reference.funnelledGainPath(start, gradient, { ...shared, gamma: 0.05, ...funnel, normalise }),
    ] as const,
  ]),
  [
    "muon",
    muon(by, { momentum: 0.8, turns: 3, decay: 0.4 }),
    reference.muonPath(start, gradient, { ...shared, momentum: 0.8, turns: 3, decay: 0.4, width: WIDTH }),
  ],

  [
    "adamw",
    adamw(by, { beta1: 0.8, beta2: 0.95, epsilon: 1e-3, decay: 0.3 }),
    reference.adamwPath(start, gradient, { ...shared, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, decay: 0.3 }),
  ],
  ["sgd", sgd(by), reference.sgdPath(start, gradient, { ...shared, momentum: 0 })],
  [
    "sgd with momentum and decay",
    sgd(by, { momentum: 0.7, decay: 0.2 }),
    reference.sgdPath(start, gradient, { ...shared, momentum: 0.7, decay: 0.2 }),
  ],
  [
    "sgd that looks ahead",
    sgd(by, { momentum: 0.7, nesterov: 1 }),
    reference.sgdPath(start, gradient, { ...shared, momentum: 0.7, nesterov: true }),
  ],
  [
    "lion",
    lion(by, { beta1: 0.6, beta2: 0.9, decay: 0.5 }),
    reference.lionPath(start, gradient, { ...shared, beta1: 0.6, beta2: 0.9, decay: 0.5 }),
  ],
  [
    "tiger on a matrix",
    tiger(by, { beta: 0.8, decay: 0.4 }, as("matrix")),
    reference.tigerPath(start, gradient, {
      ...shared,
      beta: 0.8,
      decay: 0.4,
      floor: 0.005,
      width: WIDTH,
      byRow: false,
    }),
  ],
  [
    "tiger on a table",
    tiger(by, { beta: 0.8, decay: 0.4, floor: 0.9 }, as("table")),
    reference.tigerPath(start, gradient, {
      ...shared,
      beta: 0.8,
      decay: 0.4,
      floor: 0.9,
      width: WIDTH,
      byRow: true,
    }),
  ],
];

// Rates and bias corrections are float32.
test.each(CASES.map(([name, rule, expected, from = start]) => [name, rule, expected, from] as const))(
  "%s",
  async (name, rule, expected, from) => {
    expectClose((await path(rule, from)).flat(), expected.flat(), 1e-6, name);
  },
);
