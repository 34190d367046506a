import { describe, expect, test } from "vitest";
import { OptionError, ShapeError } from "../../src/errors.ts";
import { buildGraph } from "../../src/graph/build.ts";
import { targetOf } from "../../src/graph/target.ts";
import * as t from "../../src/tensor/index.ts";
import * as ref from "../reference/images.ts";
import { Checks, sample } from "../support/check.ts";

/** Padding of both sides, stride, dilation, groups. */
const OPTIONS: readonly [
  padding: number | [t.PerAxis, t.PerAxis],
  stride: t.PerAxis,
  dilation: t.PerAxis,
  groups: number,
][] = [
  [0, 1, 1, 1],
  [1, 1, 1, 1],
  [2, 2, 1, 2],
  [[1, [0, 2]], [2, 3], 1, 4],
  [[[2, 0], 1], 1, [2, 3], 2],
  [3, 3, 2, 1],
];

const both = (x: t.PerAxis): [number, number] => (typeof x === "number" ? [x, x] : [x[0], x[1]]);

function windows(
  padding: number | [t.PerAxis, t.PerAxis],
  stride: t.PerAxis,
  dilation: t.PerAxis,
): ref.Windows {
  const [top, left] = (typeof padding === "number" ? [padding, padding] : padding).map(both) as [
    [number, number],
    [number, number],
  ];
  return {
    stride: both(stride),
    dilation: both(dilation),
    before: [top[0], left[0]],
    after: [top[1], left[1]],
  };
}

describe.each(["float32", "float64", "float16"] as const)("%s", (dtype) => {
  test("conv2d and its transpose: every padding, stride, dilation and number of groups against loops", async () => {
    const checks = new Checks();
    const tolerance = dtype === "float16" ? 1e-2 : undefined;
    for (const [padding, stride, dilation, groups] of OPTIONS) {
      const w = windows(padding, stride, dilation);
      const options = { padding, stride, dilation, groups };
      const x = sample([2, 4, 9, 11], { dtype, low: -1, high: 1 });
      const weight = sample([8, 4 / groups, 3, 2], { dtype, seed: "w", low: -1, high: 1 });
      const expected = ref.conv2d(x.ref, weight.ref, w, groups);
      const what = JSON.stringify(options);
      checks.add(`conv2d ${what}`, t.conv2d(x.x, weight.x, options), expected, tolerance);
      const g = sample([1, 8, 4, 5], { dtype, seed: "g", low: -1, high: 1 });
      for (const outputPadding of [
        0,
        Math.max(...both(stride)) > 1 && Math.min(...both(stride)) > 1 ? 1 : 0,
      ]) {
        const y = t.convTranspose2d(g.x, weight.x, { ...options, outputPadding });
        const size = y.shape.slice(2) as [number, number];
        const spread = ref.convTranspose2d(g.ref, weight.ref, w, groups, size);
        checks.add(`convTranspose2d ${what} ${outputPadding}`, y, spread, tolerance);
      }
    }
    await checks.run();
  });

  test("pooling and up-sampling against loops", async () => {
    const checks = new Checks();
    const x = sample([2, 3, 7, 8], { dtype });
    const average = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
    for (const [kernel, padding, stride, dilation] of [
      [2, 0, undefined, 1],
      [[3, 2], 1, 2, 1],
      [3, [[1, 0], 1], 1, 1],
      [2, 0, [1, 3], [3, 2]],
    ] as [t.PerAxis, number | [t.PerAxis, t.PerAxis], t.PerAxis | undefined, t.PerAxis][]) {
      const w = windows(padding, stride ?? kernel, dilation);
      const options = { padding, dilation, ...(stride !== undefined && { stride }) };
      const what = JSON.stringify([kernel, options]);
      checks.add(
        `max ${what}`,
        t.maxPool2d(x.x, kernel, options),
        ref.pool(x.ref, both(kernel), w, (v) => Math.max(...v)),
      );
      checks.add(
        `mean ${what}`,
        t.averagePool2d(x.x, kernel, options),
        ref.pool(x.ref, both(kernel), w, average),
      );
    }
    for (const scale of [1, 2, 3]) {
      checks.add(`nearest ${scale}`, t.upsample2d(x.x, { scale }), ref.nearest(x.ref, scale));
      checks.add(
        `bilinear ${scale}`,
        t.upsample2d(x.x, { scale, mode: "bilinear" }),
        ref.bilinear(x.ref, scale),
      );
    }
    await checks.run();
  });
});

test("a convolution of one row is conv1d", async () => {
  const x = sample([2, 4, 1, 9]);
  const weight = sample([6, 2, 1, 3], { seed: "w" });
  const options = { stride: 2, dilation: 2, groups: 2 };
  const row = t.conv1d(t.squeeze(x.x, 2), t.squeeze(weight.x, 2), { ...options, padding: 1 });
  const image = t.conv2d(x.x, weight.x, { ...options, padding: [0, 1] });
  const checks = new Checks();
  checks.add("row", t.squeeze(image, 2), {
    shape: row.shape as number[],
    data: Array.from(await row.data(), Number),
  });
  await checks.run();
});

test("the runtime's operators do the work, forward and backward", () => {
  const [x, w] = [t.ones([1, 4, 8, 8]), t.ones([4, 4, 3, 3])];
  const loss = (p: t.Tensor[]): t.Tensor =>
    t.sum(t.maxPool2d(t.conv2d(p[0] ?? x, p[1] ?? w, { padding: 1 }), 2).mul(t.averagePool2d(p[0] ?? x, 2)));
  const roots = [loss([x, w]), ...t.grad(loss)([x, w])].map((v, i) => [`y${i}`, v] as const);
  const { graph } = buildGraph(roots, [], { target: targetOf("cpu"), leaves: "feed" });
  const ops = new Set(graph.nodes.map((n) => n.opType));
  expect(["Conv", "ConvTranspose", "MaxPool", "AveragePool"].filter((op) => !ops.has(op))).toEqual([]);
});

test("ties of a window share its derivative", async () => {
  const x = t.tensor([
    [
      [
        [1, 3, 3],
        [3, 0, 0],
      ],
    ],
  ]);
  const g = t.grad((p: t.Tensor) => t.maxPool2d(p, 2, { stride: 1 }).sum())(x);
  expect(await g.toArray()).toEqual([
    [
      [
        [0, 1, 0.5],
        [0.5, 0, 0],
      ],
    ],
  ]);
});

const image = t.ones([1, 4, 5, 6]);
const kernel = t.ones([2, 4, 3, 3]);
const BAD: readonly [string, () => unknown, Error][] = [
  [
    "rank",
    () => t.conv2d(t.ones([4, 5, 6]), kernel),
    new ShapeError("conv2d: x must be [B, C, H, W] of known sizes, got [4, 5, 6]."),
  ],
  [
    "channels",
    () => t.conv2d(image, t.ones([2, 3, 3, 3])),
    new ShapeError("conv2d: weight must be [O, C/groups=4, U, V], got [2, 3, 3, 3]."),
  ],
  [
    "groups",
    () => t.conv2d(image, kernel, { groups: 3 }),
    new OptionError("conv2d: groups must be a whole number that divides 4 channels, got 3."),
  ],
  [
    "groups of outputs",
    () => t.conv2d(image, t.ones([2, 1, 3, 3]), { groups: 4 }),
    new OptionError("conv2d: groups must be a whole number that divides 2 channels, got 4."),
  ],
  [
    "kernel",
    () => t.conv2d(image, kernel, { dilation: 3 }),
    new ShapeError("conv2d: kernel must fit 5 padded places of axis 2, got 7."),
  ],
  [
    "stride",
    () => t.conv2d(image, kernel, { stride: 0 }),
    new OptionError("conv2d: stride must be whole numbers ≥ 1, one or two, got 0."),
  ],
  [
    "option",
    () => t.conv2d(image, kernel, { strides: 2 } as never),
    new OptionError('conv2d: option "strides" is unknown. Did you mean stride?'),
  ],
  [
    "output padding",
    () => t.convTranspose2d(t.ones([1, 2, 3, 3]), kernel, { outputPadding: 1 }),
    new OptionError("convTranspose2d: outputPadding must be a whole number below stride or dilation, got 1."),
  ],
  [
    "transposed channels",
    () => t.convTranspose2d(image, kernel),
    new ShapeError("convTranspose2d: weight must be [O=4, C/groups, U, V], got [2, 4, 3, 3]."),
  ],
  [
    "nothing left",
    () => t.convTranspose2d(t.ones([1, 2, 1, 1]), kernel, { padding: 2 }),
    new ShapeError("convTranspose2d: padding must leave a place on axis 2, got -1."),
  ],
  [
    "pool padding",
    () => t.maxPool2d(image, 2, { padding: 2 }),
    new OptionError("maxPool2d: padding must be at most half of the kernel [2, 2], got 2."),
  ],
  [
    "pool kernel",
    () => t.averagePool2d(image, 7),
    new ShapeError("averagePool2d: kernel must fit 5 padded places of axis 2, got 7."),
  ],
  [
    "mode",
    () => t.upsample2d(image, { scale: 2, mode: "cubic" as "nearest" }),
    new OptionError('upsample2d: mode must be nearest or bilinear, got "cubic".'),
  ],
  [
    "scale",
    () => t.upsample2d(image, { scale: 1.5 }),
    new OptionError("upsample2d: scale must be a whole number ≥ 1, got 1.5."),
  ],
  ["no tensor", () => t.conv2d(3 as never, kernel), new Error("conv2d: x must be a tensor, got 3.")],
];

test.each(BAD)("bad input: %s", (_, f, error) => {
  expect(f).toThrow(error.message);
  if (error.constructor !== Error) expect(f).toThrow(error.constructor as typeof OptionError);
});
