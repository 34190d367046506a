// FSQ against VQ by the number of codes, in a synthetic auto-encoder: error, codes in use, and where the two cross.
import { lineChart } from "../../draw/line-chart.ts";
import { linear, type LinearParams } from "../../nn/index.ts";
import {
  codeCounts,
  codeUse,
  fsqEncode,
  fsqQuantize,
  vqBook,
  vqCounted,
  vqEncode,
  vqQuantize,
  vqRestart,
  type VqSeen,
  vqSeen,
  type VqState,
  vqState,
} from "../../quantize/index.ts";
import {
  cast,
  compile,
  floor,
  gather,
  matmul,
  random,
  relu,
  tanh,
  type Tensor,
  zeros,
} from "../../tensor/index.ts";
import { memoryStore, type Task, trainRun, trainSettings } from "../../train/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { known, seedsOf } from "../statistics.ts";

const METHODS = ["FSQ", "VQ", "VQ with averages and restarts"] as const;
type Method = (typeof METHODS)[number];

/** Levels by number of codes; the paper's where it has some. */
const LEVELS: Readonly<Record<number, readonly number[]>> = {
  64: [8, 8],
  240: [8, 6, 5],
  1000: [8, 5, 5, 5],
  4375: [7, 5, 5, 5, 5],
  15360: [8, 8, 8, 6, 5],
};
const SIZES = Object.keys(LEVELS).map(Number);

interface Settings {
  readonly method: Method;
  readonly codes: number;
  readonly steps: number;
}

export interface QuantizerRow {
  readonly method: Method;
  readonly codes: number;
  /** Mean squared error over the variance of the data: 1 is what the mean vector leaves. */
  readonly error: number;
  /** Share of the codes that 20,000 new vectors use. */
  readonly usage: number;
  readonly perplexity: number;
}

const [FACTORS, WIDTH, HIDDEN, CHANNELS, BATCH] = [4, 16, 64, 8, 256];
const [SAMPLES, RATE, COMMITMENT, DECAY] = [20_000, 2e-3, 0.25, 0.95];

/** Vectors `tanh(u) A`: four bounded factors, mixed into 16 numbers by the same matrix for all seeds. */
function vectors(key: random.Key, count: number): Tensor {
  const mix = random.normal(random.key(2309), [FACTORS, WIDTH], { std: 0.5 });
  return matmul(tanh(random.normal(key, [count, FACTORS])), mix);
}

interface Params {
  readonly net: Readonly<Record<"in" | "code" | "back" | "out", LinearParams>>;
  readonly book: { readonly codes: Tensor } | VqState;
}

interface Seen extends VqSeen {
  readonly candidates: Tensor;
}

const bookOf = ({ book }: Params): Tensor => ("codes" in book ? book.codes : vqBook(book));

function start({ method, codes }: Settings, key: random.Key): Params {
  const width = method === "FSQ" ? (LEVELS[codes] ?? []).length : CHANNELS;
  const layer = (name: string, out: number, from: number): LinearParams => ({
    weight: random.normal(random.fold(key, name), [out, from], { std: Math.sqrt(2 / from) }),
    bias: zeros([out]),
  });
  const book = random.uniform(random.fold(key, "book"), [codes, CHANNELS], {
    low: -1 / codes,
    high: 1 / codes,
  });
  return {
    net: {
      in: layer("in", HIDDEN, WIDTH),
      code: layer("code", width, HIDDEN),
      back: layer("back", HIDDEN, width),
      out: layer("out", WIDTH, HIDDEN),
    },
    book: method === "VQ with averages and restarts" ? vqState(book) : { codes: book },
  };
}

const encoded = ({ net }: Params, x: Tensor): Tensor => linear(net.code, relu(linear(net.in, x)));
const decoded = ({ net }: Params, code: Tensor): Tensor => linear(net.out, relu(linear(net.back, code)));

/** Trains one auto-encoder and looks at new vectors. */
async function trained(settings: Settings, seed: number): Promise<QuantizerRow> {
  const { method, codes, steps } = settings;
  const levels = LEVELS[codes] ?? [];
  const key = random.fold(random.key(seed), "fsq-against-vq");
  const averaged = method === "VQ with averages and restarts";
  const task: Task<Params, { x: Tensor; key: Tensor }, Seen> = {
    kind: "fsq-against-vq",
    unit: { name: "vectors", perStep: BATCH },
    init: () => start(settings, random.fold(key, "start")),
    batch(step) {
      const own = random.fold(random.fold(key, "batch"), step);
      return { x: vectors(own, BATCH), key: random.traced(own) };
    },
    trained: (name) => !name.startsWith("book") || method === "VQ",
    losses: {
      loss(params, { x, key: at }) {
        const z = encoded(params, x);
        const error = (code: Tensor): Tensor => decoded(params, code).sub(x).square().mean();
        if (method === "FSQ") return { loss: error(fsqQuantize(z, { levels })) };
        const found = vqQuantize(bookOf(params), z);
        const loss = error(found.codes).add(found.commitment.mul(COMMITMENT));
        if (!averaged) return { loss: loss.add(found.bookLoss) };
        const places = cast(floor(random.uniform(random.fold(at, "restart"), [codes]).mul(BATCH)), "int32");
        return { loss, seen: { ...vqSeen(z, found.indices, codes), candidates: gather(z, places) } };
      },
    },
    ...(averaged && {
      learn(params: Params, seen: Seen): Params {
        if ("codes" in params.book) return params;
        const moved = vqCounted(params.book, seen, { decay: DECAY });
        return { ...params, book: vqRestart(moved, seen.candidates) };
      },
    }),
  };
  const optimizer = { type: "adamw", beta2: 0.999, decay: 0, clip: 0 } as const;
  const how = trainSettings({ steps, batch: BATCH, rate: RATE, floor: RATE, warmup: 0, optimizer, seed });
  const { params } = await trainRun(task, how, memoryStore({ keepStates: false }), { threads: 1 });
  const look = compile(
    (p: Params, x: Tensor) => {
      const z = encoded(p, x);
      const fsq = method === "FSQ";
      const code = fsq ? fsqQuantize(z, { levels }) : vqQuantize(bookOf(p), z).codes;
      const indices = fsq ? fsqEncode(z, { levels }) : vqEncode(bookOf(p), z);
      const centred = x.sub(x.mean({ axis: 0 }));
      const error = decoded(p, code).sub(x).square().mean().div(centred.square().mean());
      return { error, counts: codeCounts(indices, codes) };
    },
    { threads: 1 },
  );
  const { error, counts } = await look(params, vectors(random.fold(key, "new"), SAMPLES));
  const use = codeUse((await counts.data()) as Float32Array);
  const row = { method, codes, error: await error.item(), ...use };
  await look.release();
  return row;
}

const at = (rows: readonly QuantizerRow[], codes: number): QuantizerRow[] =>
  rows.filter((r) => r.codes === codes);
const errors = (rows: readonly QuantizerRow[], codes: number) => byMethod(at(rows, codes), (r) => r.error);
const usages = (rows: readonly QuantizerRow[], codes: number) => byMethod(at(rows, codes), (r) => r.usage);
const grid = (sizes: readonly number[], steps: number): Settings[] =>
  sizes.flatMap((codes) => METHODS.map((method) => ({ method, codes, steps })));

const [FSQ, VQ, BETTER] = METHODS;

export const fsqAgainstVq: Entry<Settings, QuantizerRow> = {
  name: "fsq-against-vq",
  row: "fsq",
  claim: {
    en: "With few codes VQ reconstructs a little better than FSQ; from about 1,000 on FSQ does, for it uses its codes and VQ does not.",
    zh: "编码较少时 VQ 的重建略优于 FSQ；约 1000 个编码起 FSQ 更好，因为它用上了编码，而 VQ 没有。",
  },
  source: {
    says: "Su 2023, FSQ: rounding in place of VQ; Mentzer et al. 2023, figure 3",
    links: ["https://kexue.fm/archives/9826", "https://arxiv.org/abs/2309.15505"],
  },
  needs: [],
  minutes: { quick: 1, full: 45 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: FSQ, codes: 64, steps: 1 }],
    quick: grid([64, 1000], 400),
    full: grid(SIZES, 3000),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "FSQ learns: at 1,000 codes it leaves less than half of the variance.",
        zh: "FSQ 学到了东西：1000 个编码时剩余误差不到方差的一半。",
      },
      holds: (rows) => known([errors(rows, 1000).mean(FSQ)], (e = 1) => e < 0.5),
      shows: (rows) => errors(rows, 1000).shows([FSQ], 3),
    },
    {
      says: {
        en: "From 1,000 codes on FSQ's error is below plain VQ's.",
        zh: "自 1000 个编码起，FSQ 的误差低于朴素 VQ。",
      },
      holds: (rows) => {
        const sizes = SIZES.filter((size) => size >= 1000);
        const pairs = sizes.flatMap((size) => [errors(rows, size).mean(FSQ), errors(rows, size).mean(VQ)]);
        return known(pairs, (...e) => sizes.every((_, i) => (e[2 * i] ?? 1) < (e[2 * i + 1] ?? 0)));
      },
      direction: (rows) => {
        const e = errors(rows, 1000);
        return known([e.mean(FSQ), e.mean(VQ)], (f = 1, v = 0) => f < v);
      },
      shows: (rows) => errors(rows, 1000).shows([FSQ, VQ], 3),
    },
    {
      says: {
        en: "At 1,000 codes FSQ uses nine tenths of them or more and plain VQ less than half.",
        zh: "1000 个编码时，FSQ 用到九成以上，朴素 VQ 不到一半。",
      },
      holds: (rows) => {
        const u = usages(rows, 1000);
        return known([u.mean(FSQ), u.mean(VQ)], (f = 0, v = 1) => f >= 0.9 && v < 0.5);
      },
      direction: (rows) => {
        const u = usages(rows, 1000);
        return known([u.mean(FSQ), u.mean(VQ)], (f = 0, v = 1) => f > v);
      },
      shows: (rows) => usages(rows, 1000).shows([FSQ, VQ], 3),
    },
    {
      says: {
        en: "At 64 codes the better of the two forms of VQ is no worse than FSQ.",
        zh: "64 个编码时，两种 VQ 中较好者不逊于 FSQ。",
      },
      holds: (rows) => {
        const e = errors(rows, 64);
        return known([e.mean(FSQ), e.mean(VQ), e.mean(BETTER)], (f = 0, v = 1, b = 1) => Math.min(v, b) <= f);
      },
      shows: (rows) => errors(rows, 64).shows(METHODS, 3),
    },
    {
      says: {
        en: "Averages with restarts lie between at 1,000 codes: more codes in use than plain VQ, and a smaller error.",
        zh: "1000 个编码时，带重启的滑动平均居中：比朴素 VQ 用到更多编码，误差也更小。",
      },
      holds: (rows) => {
        const [e, u] = [errors(rows, 1000), usages(rows, 1000)];
        const all = [e.mean(VQ), e.mean(BETTER), u.mean(VQ), u.mean(BETTER)];
        return known(all, (ev = 0, eb = 1, uv = 1, ub = 0) => eb < ev && ub > uv);
      },
      shows: (rows) =>
        `${errors(rows, 1000).shows([VQ, BETTER], 3)}; in use ${usages(rows, 1000).shows([VQ, BETTER], 3)}`,
    },
  ],
  beyond: [
    {
      en: "The FIDs of the paper on ImageNet (4.51 and 4.53 at 1,024 codes) take trainings of days on accelerators.",
      zh: "论文在 ImageNet 上的 FID（1024 个编码时为 4.51 与 4.53）需要加速卡训练数天。",
    },
  ],
  run: async (settings, seed) => [await trained(settings, seed)],
  figures(rows) {
    const line = (of: (r: QuantizerRow) => number, most: number, title: string, y: string): string =>
      lineChart({
        title,
        subtitle: `Synthetic auto-encoder, ${seedsOf(rows)}`,
        x: "codes",
        y,
        xScale: "log2",
        yMost: most,
        series: METHODS.flatMap((method) => {
          const points = SIZES.flatMap((codes): (readonly [number, number])[] => {
            const mean = byMethod(at(rows, codes), of).mean(method);
            return mean === undefined ? [] : [[codes, mean]];
          });
          return points.length === 0 ? [] : [{ name: method, points }];
        }),
      });
    return {
      "fsq-against-vq-error.svg": line((r) => r.error, 1, "Error by number of codes", "error / variance"),
      "fsq-against-vq-usage.svg": line((r) => 100 * r.usage, 100, "Codes in use", "%"),
    };
  },
};
