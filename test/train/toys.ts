// Small trainings that are no language model: each asks the contract of tasks for something else.
import { crossEntropy } from "../../src/nn/index.ts";
import {
  add,
  expandDims,
  gather,
  iota,
  less,
  matmul,
  max,
  mean,
  oneHot,
  random,
  softmax,
  softplus,
  square,
  sum,
  type Tensor,
  tensor,
  where,
} from "../../src/tensor/index.ts";
import type { Task } from "../../src/train/index.ts";

/** Which numbers tell that a toy has learnt, at most how large they are in the end. */
export interface Toy<P, B, S = unknown> {
  readonly task: Task<P, B, S>;
  readonly steps: number;
  readonly rate: number;
  readonly optimizer?: "adamw" | "tiger" | "sgd" | "lion";
  readonly ends: Readonly<Record<string, number>>;
}

const SIZE = 12;
const noise = (name: string, step: number, part: number, shape: number[]): Tensor =>
  random.normal(random.fold(random.fold(random.fold(random.key(11), name), step), part), shape);

interface Gan {
  readonly generator: { readonly shift: Tensor };
  readonly critic: { readonly slope: Tensor };
}

/** Two losses, two groups: a generator that shifts noise to the mean of the data, and a linear critic. */
export function gan(): Toy<Gan, { real: Tensor; z: Tensor }> {
  const fake = (p: Gan, z: Tensor): Tensor => z.add(p.generator.shift);
  const score = (p: Gan, x: Tensor): Tensor => x.mul(p.critic.slope);
  return {
    steps: 150,
    rate: 0.1,
    optimizer: "sgd",
    ends: { distance: 0.5 },
    task: {
      kind: "gan",
      unit: { name: "points", perStep: SIZE },
      init: () => ({ generator: { shift: tensor([0]) }, critic: { slope: tensor([0]) } }),
      batch: (step, part, parts) => ({
        real: noise("real", step, part, [SIZE / parts])
          .mul(0.3)
          .add(2),
        z: noise("z", step, part, [SIZE / parts]).mul(0.3),
      }),
      losses: {
        critic: (p, { real, z }) => ({
          loss: mean(softplus(score(p, fake(p, z))))
            .add(mean(softplus(score(p, real).neg())))
            .add(sum(square(p.critic.slope)).mul(0.1)),
        }),
        generator: (p, { z }) => ({ loss: mean(softplus(score(p, fake(p, z)).neg())) }),
      },
      groups: {
        critic: (name) => name.startsWith("critic."),
        generator: (name) => name.startsWith("generator."),
      },
      validate: async (p) => ({ distance: Math.abs((await sum(p.generator.shift).item()) - 2) }),
    },
  };
}

const [TOKENS, WIDTH, LONGEST, MASK] = [7, 8, 6, 6];

interface Encoder {
  readonly table: Tensor;
  readonly query: Tensor;
  readonly head: Tensor;
}

interface Masked {
  readonly ids: Tensor;
  readonly lengths: Tensor;
  readonly targets: Tensor;
}

/** Sequences of one token each, of uneven lengths, in which one token is masked. @param padding Id beyond the end. */
export function maskedBatch(step: number, part: number, count: number, padding: number): Masked {
  const ids = new Int32Array(count * LONGEST).fill(padding);
  const lengths = new Int32Array(count);
  const targets = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    const n = step * 31 + part * 7 + row;
    lengths[row] = 2 + (n % (LONGEST - 1));
    targets[row] = (n * n + 3 * n) % MASK;
    ids.fill(targets[row] ?? 0, row * LONGEST, row * LONGEST + (lengths[row] ?? 0));
    ids[row * LONGEST + (n % (lengths[row] ?? 1))] = MASK;
  }
  return {
    ids: tensor(ids, { shape: [count, LONGEST] }),
    lengths: tensor(lengths),
    targets: tensor(targets),
  };
}

/** Cross-entropy of the masked token from what the others show: attention within each sequence's length. */
export function maskedLoss(p: Encoder, { ids, lengths, targets }: Masked): Tensor {
  const x = gather(p.table, ids); // [B, T, C]
  const inside = less(expandDims(iota(LONGEST), 0), expandDims(lengths, -1)); // [B, T]
  const scores = where(inside, sum(matmul(x, expandDims(p.query, -1)), { axis: -1 }), -1e9);
  const mixed = sum(x.mul(expandDims(softmax(scores), -1)), { axis: 1 }); // [B, C]
  return crossEntropy(matmul(mixed, p.head), targets);
}

/** A masked encoder over sequences of uneven lengths. */
export function encoder(): Toy<Encoder, Masked> {
  return {
    steps: 60,
    rate: 0.1,
    ends: { validationLoss: 0.3 },
    task: {
      kind: "masked-encoder",
      unit: { name: "sequences", perStep: SIZE },
      init: (key) => ({
        table: random.normal(random.fold(key, "table"), [TOKENS, WIDTH], { std: 0.5 }),
        query: random.normal(random.fold(key, "query"), [WIDTH], { std: 0.1 }),
        head: random.normal(random.fold(key, "head"), [WIDTH, MASK], { std: 0.5 }),
      }),
      batch: (step, part, parts) => maskedBatch(step, part, SIZE / parts, 0),
      losses: { loss: (p, batch) => ({ loss: maskedLoss(p, batch) }) },
      role: (name, p) => (name === "table" ? "table" : p.rank < 2 ? "gain" : "matrix"),
      validate: async (p) => ({ validationLoss: await maskedLoss(p, maskedBatch(999, 0, 24, 0)).item() }),
    },
  };
}

interface Means {
  readonly centres: Tensor;
}

interface Assigned {
  readonly counts: Tensor;
  readonly sums: Tensor;
}

const CENTRES = [-2, 0, 3];
const points = (step: number, part: number, count: number): Tensor => {
  const which = Array.from({ length: count }, (_, i) => CENTRES[(step + part + i) % 3] ?? 0);
  return tensor(which).add(noise("points", step, part, [count]).mul(0.1));
};

/** K-means: its start reads batches, no gradient trains it, and it learns from sums over the whole batch. */
export function kMeans(): Toy<Means & { readonly scale: Tensor }, { x: Tensor }, Assigned> {
  const distances = (p: Means, x: Tensor): Tensor => square(expandDims(x, -1).sub(expandDims(p.centres, 0))); // [B, K]
  return {
    steps: 25,
    rate: 0.05,
    ends: { spread: 0.05 },
    task: {
      kind: "k-means",
      unit: { name: "points", perStep: SIZE },
      async init(_, batches) {
        const [first] = await batches(1);
        const data = Array.from((await first?.x.data()) ?? [], Number);
        return { centres: tensor(data.slice(0, 3)), scale: tensor([1]) };
      },
      batch: (step, part, parts) => ({ x: points(step, part, SIZE / parts) }),
      losses: {
        loss(p, { x }) {
          const d = distances(p, x);
          const nearest = max(d.neg(), { axis: -1 }); // [B]
          const mine = where(less(d.neg(), expandDims(nearest, -1)), d.mul(0), d.mul(0).add(1)); // [B, K]
          return {
            // The scale of the distances is all that gradients train.
            loss: mean(square(sum(p.scale).sub(2))).sub(mean(nearest)),
            shown: mean(nearest).neg(),
            seen: { counts: sum(mine, { axis: 0 }), sums: sum(mine.mul(expandDims(x, -1)), { axis: 0 }) },
          };
        },
      },
      trained: (name) => name === "scale",
      learn: (p, { counts, sums }) => ({
        ...p,
        centres: p.centres.mul(0.8).add(sums.div(counts.add(1e-6)).mul(0.2)),
      }),
      async validate(p) {
        const centres = Array.from(await p.centres.data(), Number).sort((a, b) => a - b);
        const off = centres.map((c, i) => Math.abs(c - (CENTRES[i] ?? 0)));
        return { spread: Math.max(...off), scale: await sum(p.scale).item() };
      },
      sample: async (p) => ({
        png: Uint8Array.from(Array.from(await p.centres.data(), Number), (c) => 128 + 10 * c),
      }),
    },
  };
}

/** A regression whose batches arrive later, as from a disk or a network. @param late Whether they do. */
export function regression(late: boolean): Toy<{ readonly w: Tensor }, { x: Tensor; y: Tensor }> {
  return {
    steps: 60,
    rate: 0.15,
    ends: { validationLoss: 0.01 },
    task: {
      kind: "regression",
      unit: { name: "rows", perStep: SIZE },
      init: (key) => ({ w: random.normal(key, [3, 1]) }),
      batch(step, part, parts) {
        const x = noise("x", step, part, [SIZE / parts, 3]);
        const batch = { x, y: matmul(x, tensor([[1], [-2], [0.5]])) };
        return late ? new Promise((resolve) => setTimeout(() => resolve(batch), 2)) : batch;
      },
      losses: { loss: ({ w }, { x, y }) => ({ loss: mean(square(matmul(x, w).sub(y))) }) },
      validate: async ({ w }) => ({
        validationLoss: await mean(square(w.sub(tensor([[1], [-2], [0.5]])))).item(),
      }),
      sample: async ({ w }) => ({ text: Array.from(await w.data(), Number).join(" ") }),
    },
  };
}

/** Classes from one-hot rows, by Tiger: its momentum takes in the parts of a batch. */
export function classes(): Toy<{ readonly w: Tensor }, { x: Tensor; y: Tensor }> {
  return {
    steps: 120,
    rate: 0.1,
    optimizer: "tiger",
    ends: { validationLoss: 0.2 },
    task: {
      kind: "classes",
      unit: { name: "rows", perStep: SIZE },
      init: (key) => ({ w: random.normal(key, [5, 3], { std: 0.3 }) }),
      batch(step, part, parts) {
        const ids = tensor(
          Int32Array.from({ length: SIZE / parts }, (_, i) => (step * 3 + part + 2 * i) % 5),
        );
        return { x: oneHot(ids, 5), y: gather(tensor(Int32Array.of(0, 1, 2, 0, 1)), ids) };
      },
      losses: { loss: ({ w }, { x, y }) => ({ loss: crossEntropy(matmul(x, w), y) }) },
      validate: async ({ w }) => ({
        validationLoss: await crossEntropy(w, tensor(Int32Array.of(0, 1, 2, 0, 1))).item(),
      }),
    },
  };
}

/** Weights with an averaged twin that no gradient moves. */
export function averaged(): Toy<{ readonly w: Tensor; readonly twin: Tensor }, { x: Tensor }> {
  return {
    steps: 60,
    rate: 0.1,
    ends: { gap: 0.5 },
    task: {
      kind: "averaged",
      unit: { name: "points", perStep: SIZE },
      init: () => ({ w: tensor([0]), twin: tensor([5]) }),
      batch: (step, part, parts) => ({ x: noise("average", step, part, [SIZE / parts]).add(3) }),
      losses: { loss: ({ w }, { x }) => ({ loss: mean(square(x.sub(w))) }) },
      trained: (name) => name !== "twin",
      learn: (p) => ({ ...p, twin: add(p.twin.mul(0.9), p.w.mul(0.1)) }),
      validate: async ({ twin }) => ({ gap: Math.abs((await sum(twin).item()) - 3) }),
    },
  };
}
