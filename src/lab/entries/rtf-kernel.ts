// Rational filters: kernel by FFT, recurrence and aliasing are one thing, at a cost that does not depend on the order.
import { lineChart } from "../../draw/line-chart.ts";
import { rtfKernel, rtfReadout, rtfState, rtfSteps } from "../../sequence/index.ts";
import { compile, evaluate, random, tensor, zeros } from "../../tensor/index.ts";
import type { Entry, Seeded } from "../entry.ts";
import { known } from "../statistics.ts";

/** Poles of a largest modulus; or times at a length. */
type KernelSettings =
  | { readonly what: "exact"; readonly modulus: number; readonly order: number; readonly length: number }
  | { readonly what: "time"; readonly order: number; readonly length: number; readonly channels: number };

export interface KernelRow {
  readonly what: "exact" | "time";
  readonly order: number;
  readonly length: number;
  /** Largest modulus of the poles. */
  readonly modulus: number | null;
  /** Largest difference of the kernel and the recurrence's answer to an impulse. */
  readonly difference: number | null;
  /** Largest difference of the kernel and the folded endless answer, read by `b` uncorrected. */
  readonly folded: number | null;
  /** How far the uncorrected recurrence is from the kernel. */
  readonly uncorrected: number | null;
  /** Best of five, milliseconds, on one thread. */
  readonly kernelMs: number | null;
  readonly scanMs: number | null;
}

/** Coefficients of a polynomial with conjugate pairs of roots of moduli up to `modulus`. */
function denominator(key: random.Key, order: number, modulus: number): number[] {
  const draws = random.uniforms(key, order);
  let a = [1];
  for (let i = 0; i < order / 2; i++) {
    const size = i === 0 ? modulus : modulus * Math.sqrt(draws[2 * i] ?? 0);
    const pair = [1, -2 * size * Math.cos(Math.PI * (draws[2 * i + 1] ?? 0)), size * size];
    const grown = Array.from({ length: a.length + 2 }, () => 0);
    a.forEach((x, j) => pair.forEach((y, k) => (grown[j + k] = (grown[j + k] ?? 0) + x * y)));
    a = grown;
  }
  return a.slice(1);
}

/** `Σⱼ k[t + jL]` of the endless answer of `b / (1 + a)`, until it is nothing. */
function foldedAnswer(
  a: readonly number[],
  b: readonly number[],
  L: number,
): { folded: number[]; first: number[] } {
  const folded = Array.from({ length: L }, () => 0);
  const k: number[] = [];
  for (let t = 0; t < 400 * L; t++) {
    let value = b[t] ?? 0;
    for (let i = 0; i < a.length; i++) value -= (a[i] ?? 0) * (k[t - 1 - i] ?? 0);
    k.push(value);
    folded[t % L] = (folded[t % L] ?? 0) + value;
    if (t % L === 0 && t > 0 && k.slice(-L).every((v) => Math.abs(v) < 1e-18)) break;
  }
  return { folded, first: k.slice(0, L) };
}

const farthest = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  Array.from(x).reduce((most, v, i) => Math.max(most, Math.abs(v - (y[i] ?? 0))), 0);

async function exact(
  { modulus, order, length }: Extract<KernelSettings, { what: "exact" }>,
  seed: number,
): Promise<KernelRow> {
  const key = random.fold(random.key(seed), `${modulus} ${order}`);
  const a = denominator(key, order, modulus);
  const b = Array.from(random.normals(random.fold(key, "b"), order));
  const on = { dtype: "float64" } as const;
  const params = {
    a: tensor(a, { shape: [1, order], ...on }),
    b: tensor(b, { shape: [1, order], ...on }),
    h0: zeros([1], on),
  };
  const impulse = tensor(
    Float64Array.from({ length }, (_, t) => Number(t === 0)),
    { shape: [1, length, 1] },
  );
  const found = await evaluate({
    kernel: rtfKernel(params, { length }),
    steps: rtfSteps(params, impulse, rtfState(params, 1), { length }).y,
    readout: rtfReadout(params, { length }),
  });
  const [kernel, steps] = [await found.kernel.data(), await found.steps.data()].map((x) =>
    Float64Array.from(x, Number),
  );
  const { folded, first } = foldedAnswer(a, b, length);
  return {
    what: "exact",
    order,
    length,
    modulus,
    difference: farthest(kernel ?? [], steps ?? []),
    folded: farthest(kernel ?? [], folded),
    uncorrected: farthest(kernel ?? [], first),
    kernelMs: null,
    scanMs: null,
  };
}

async function timed({
  order,
  length,
  channels,
}: Extract<KernelSettings, { what: "time" }>): Promise<KernelRow> {
  const key = random.key(0);
  const params = await evaluate({
    a: random.uniform(key, [1, order], { low: -0.5 / order, high: 0.5 / order }),
    b: random.normal(key, [channels, order]),
    h0: zeros([channels]),
  });
  const u = await evaluate(random.normal(key, [1, length, channels]));
  const kernel = compile((p: typeof params) => rtfKernel(p, { length }), { threads: 1 });
  const scan = compile((p: typeof params, x: typeof u) => rtfSteps(p, x, rtfState(p, 1), { length }).y, {
    threads: 1,
  });
  const best = async (work: () => Promise<unknown>): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < 6; round++) {
      const from = performance.now();
      await work();
      if (round > 0) times.push(performance.now() - from);
    }
    return Math.min(...times);
  };
  const [kernelMs, scanMs] = [await best(() => kernel(params)), await best(() => scan(params, u))];
  await Promise.all([kernel.release(), scan.release()]);
  return {
    what: "time",
    order,
    length,
    modulus: null,
    difference: null,
    folded: null,
    uncorrected: null,
    kernelMs,
    scanMs,
  };
}

const cases = (moduli: readonly number[], orders: readonly number[], length: number): KernelSettings[] =>
  moduli.flatMap((modulus) => orders.map((order) => ({ what: "exact" as const, modulus, order, length })));
const times = (orders: readonly number[], length: number, channels: number): KernelSettings[] =>
  orders.map((order) => ({ what: "time" as const, order, length, channels }));

const exactOnes = (rows: readonly Seeded<KernelRow>[]) => rows.filter((r) => r.what === "exact");
const most = (rows: readonly Seeded<KernelRow>[], of: (r: KernelRow) => number | null): number =>
  exactOnes(rows).reduce((m, r) => Math.max(m, of(r) ?? 0), 0);
/** Longest time over shortest, from the least order to the largest. */
const growth = (
  rows: readonly Seeded<KernelRow>[],
  of: (r: KernelRow) => number | null,
): number | undefined => {
  const all = rows.filter((r) => r.what === "time").sort((a, b) => a.order - b.order);
  const [first, last] = [all[0], all.at(-1)];
  return first && last && first !== last ? (of(last) ?? Number.NaN) / (of(first) ?? Number.NaN) : undefined;
};

export const rtfKernelEntry: Entry<KernelSettings, KernelRow> = {
  name: "rtf-kernel",
  row: "rtf",
  claim: {
    en: "A rational transfer function gives the kernel of a state space by two FFTs, exactly, in a time that does not depend on the size of the state.",
    zh: "有理传递函数用两次 FFT 精确给出状态空间的卷积核，耗时与状态大小无关。",
  },
  source: {
    says: "Parnichkun et al. 2024, sections 3 and 4; Su 2024",
    links: ["https://arxiv.org/abs/2405.06147", "https://kexue.fm/archives/10180"],
  },
  needs: [],
  minutes: { quick: 0.2, full: 2 },
  seeds: [0, 1, 2],
  settings: {
    smallest: cases([0.9], [4], 16),
    quick: [...cases([0.9, 0.97], [4, 8], 64), ...times([4, 256], 1024, 8)],
    full: [...cases([0.9, 0.97, 0.99], [2, 4, 8, 12], 64), ...times([4, 16, 64, 256, 1024, 2048], 4096, 8)],
  },
  rules: [
    {
      says: {
        en: "The recurrence read by c (I − Aᴸ) = b answers an impulse as the kernel says (to 10⁻⁹).",
        zh: "按 c (I − Aᴸ) = b 读出的递归，其冲激响应与卷积核一致（10⁻⁹ 以内）。",
      },
      holds: (rows) => (exactOnes(rows).length === 0 ? null : most(rows, (r) => r.difference) < 1e-9),
      shows: (rows) => most(rows, (r) => r.difference).toExponential(1),
    },
    {
      says: {
        en: "Read by b itself it is another filter, whose endless answer folded at L is the kernel (to 10⁻⁹).",
        zh: "若直接用 b 读出则是另一个滤波器，其无限响应按 L 折叠后才等于卷积核（10⁻⁹ 以内）。",
      },
      holds: (rows) =>
        exactOnes(rows).length === 0
          ? null
          : most(rows, (r) => r.folded) < 1e-9 && most(rows, (r) => r.uncorrected) > 1e-3,
      shows: (rows) =>
        `folded ${most(rows, (r) => r.folded).toExponential(1)}, uncorrected ${most(rows, (r) => r.uncorrected).toExponential(1)}`,
    },
    {
      says: {
        en: "From the least order to the largest the kernel's time grows by less than half, the recurrence's more than twofold.",
        zh: "从最小阶到最大阶，卷积核耗时增长不到一半，递归耗时增长超过一倍。",
      },
      holds: (rows) =>
        known(
          [growth(rows, (r) => r.kernelMs), growth(rows, (r) => r.scanMs)],
          (k = 9, s = 0) => k < 1.5 && s > 2,
        ),
      direction: (rows) =>
        known([growth(rows, (r) => r.kernelMs), growth(rows, (r) => r.scanMs)], (k = 9, s = 0) => k < s),
      shows: (rows) =>
        `kernel × ${growth(rows, (r) => r.kernelMs)?.toFixed(2) ?? "–"}, recurrence × ${growth(rows, (r) => r.scanMs)?.toFixed(2) ?? "–"}`,
    },
  ],
  beyond: [
    {
      en: "Accuracies of Long Range Arena and perplexities of WikiText-103 ask for days on a GPU.",
      zh: "Long Range Arena 的准确率与 WikiText-103 的困惑度需要数天 GPU 时间。",
    },
  ],
  async run(settings, seed, { report }) {
    const row = settings.what === "exact" ? await exact(settings, seed) : await timed(settings);
    report(
      `order ${row.order}: ${row.what === "exact" ? `difference ${row.difference?.toExponential(1)}` : `${row.kernelMs?.toFixed(2)} ms, scan ${row.scanMs?.toFixed(2)} ms`}`,
    );
    return [row];
  },
  figures(rows) {
    const all = rows.filter((r) => r.what === "time").sort((a, b) => a.order - b.order);
    const of = (name: string, ms: (r: KernelRow) => number | null) => ({
      name,
      points: all.map((r): [number, number] => [r.order, ms(r) ?? 0]),
    });
    const differences = exactOnes(rows).filter((r) => (r.difference ?? 0) > 0);
    const moduli = [...new Set(differences.map((r) => r.modulus ?? 0))].sort((a, b) => a - b);
    const exactness = lineChart({
      title: "One filter, two ways",
      subtitle:
        "log10 of the largest difference of kernel and recurrence, all seeds, by the largest modulus of the poles",
      x: "order d",
      y: "log10 of the difference",
      series: moduli.map((modulus) => ({
        name: `modulus ${modulus}`,
        points: differences
          .filter((r) => r.modulus === modulus)
          .map((r): [number, number] => [r.order, Math.log10(r.difference ?? 1)]),
      })),
    });
    if (all.length === 0) return { "rtf-kernel-exact.svg": exactness };
    return {
      ...(differences.length > 0 && { "rtf-kernel-exact.svg": exactness }),
      "rtf-kernel-time.svg": lineChart({
        title: "A kernel's time does not know the order",
        subtitle: `Length ${all[0]?.length}, milliseconds on one thread, best of five`,
        x: "order d",
        y: "milliseconds",
        xScale: "log2",
        series: [of("kernel by FFT", (r) => r.kernelMs), of("recurrence", (r) => r.scanMs)],
      }),
    };
  },
};
