// The nearest Monarch matrix beside the nearest of low rank, both of as many numbers; and the Fourier matrix, which is one.
import { lineChart } from "../../draw/line-chart.ts";
import { projectMonarch } from "../../structured/index.ts";
import { random, svd, tensor } from "../../tensor/index.ts";
import type { Entry, Seeded } from "../entry.ts";
import { known, meanOf } from "../statistics.ts";

type SvdSettings =
  | { readonly what: "random"; readonly size: number; readonly density: number }
  | { readonly what: "fourier"; readonly size: number; readonly permuted: boolean };

export interface SvdRow {
  readonly what: "random" | "fourier";
  readonly size: number;
  /** Share of numbers that are not zero. */
  readonly density: number | null;
  readonly permuted: boolean | null;
  /** `‖A − M‖ / ‖A‖` of the nearest Monarch matrix; of the Fourier matrix its square. */
  readonly monarch: number;
  /** The same of the nearest matrix of rank √n. */
  readonly rank: number | null;
}

async function ofRandom(size: number, density: number, seed: number): Promise<SvdRow> {
  const key = random.fold(random.key(seed), `${size} ${density}`);
  const [values, draws] = [
    random.normals(key, size * size),
    random.uniforms(random.fold(key, "kept"), size * size),
  ];
  const kept = values.map((v, i) => ((draws[i] ?? 1) < density ? v : 0));
  const w = tensor(kept, { shape: [size, size] });
  const m = Math.round(Math.sqrt(size));
  const { lost, total } = await projectMonarch(w, { type: "monarch", blocks: m });
  const sizes = Array.from(await (await svd(w)).s.data(), Number);
  const rest = sizes.slice(m).reduce((sum, s) => sum + s * s, 0);
  return {
    what: "random",
    size,
    density,
    permuted: null,
    monarch: Math.sqrt(lost / total),
    rank: Math.sqrt(rest / total),
  };
}

/** Share of the energy of the Fourier matrix that no slice of rank one holds; complex slices as real ones of twice the size. */
async function ofFourier(n: number, permuted: boolean): Promise<SvdRow> {
  const m = Math.round(Math.sqrt(n));
  let lost = 0;
  for (let way = 0; way < m; way++) {
    for (let block = 0; block < m; block++) {
      const angle = (i: number, j: number): number => {
        const [row, column] = [i * m + way, block * m + j];
        const from = permuted ? (column % m) * m + Math.floor(column / m) : column;
        return (-2 * Math.PI * ((row * from) % n)) / n;
      };
      const entry = (i: number, j: number): number => {
        const at = angle(i % m, j % m);
        if (i < m === j < m) return Math.cos(at);
        return i < m ? -Math.sin(at) : Math.sin(at);
      };
      const slice = Float64Array.from({ length: 4 * m * m }, (_, k) =>
        entry(Math.floor(k / (2 * m)), k % (2 * m)),
      );
      const sizes = Array.from(await (await svd(tensor(slice, { shape: [2 * m, 2 * m] }))).s.data(), Number);
      // Each singular value stands there twice.
      lost += sizes.slice(2).reduce((sum, s) => sum + s * s, 0) / 2;
    }
  }
  return { what: "fourier", size: n, density: null, permuted, monarch: lost / (n * n), rank: null };
}

const randoms = (sizes: readonly number[], densities: readonly number[]): SvdSettings[] =>
  sizes.flatMap((size) => densities.map((density) => ({ what: "random" as const, size, density })));
const fouriers = (size: number): SvdSettings[] =>
  [true, false].map((permuted) => ({ what: "fourier" as const, size, permuted }));

/** Monarch's error over that of low rank, for matrices whose density is within bounds. */
function ratios(rows: readonly Seeded<SvdRow>[], low: number, high: number): number[] {
  return rows.flatMap((r) =>
    r.density !== null && r.rank !== null && r.density >= low && r.density <= high
      ? [r.monarch / r.rank]
      : [],
  );
}

const fourierOf = (rows: readonly Seeded<SvdRow>[], permuted: boolean): number | undefined =>
  rows.find((r) => r.permuted === permuted)?.monarch;

export const monarchSvd: Entry<SvdSettings, SvdRow> = {
  name: "monarch-svd",
  row: "monarch",
  claim: {
    en: "Of as many numbers, a Monarch matrix comes as near to a dense matrix as one of low rank, and nearer to a sparse one; the Fourier matrix is a Monarch matrix up to the order of its columns.",
    zh: "参数量相同时，Monarch 矩阵逼近稠密矩阵与低秩矩阵相当，逼近稀疏矩阵则更好；傅里叶矩阵在列重排后就是 Monarch 矩阵。",
  },
  source: {
    says: "Dao et al. 2022, section 3; Su 2024",
    links: ["https://arxiv.org/abs/2204.00595", "https://kexue.fm/archives/10249"],
  },
  needs: [],
  minutes: { quick: 0.3, full: 10 },
  seeds: [0, 1, 2],
  settings: {
    smallest: randoms([16], [1]),
    quick: [...randoms([64], [1, 0.2, 0.05]), ...fouriers(64)],
    full: [...randoms([64, 144, 256], [1, 0.2, 0.05, 0.01]), ...fouriers(64), ...fouriers(256)],
  },
  rules: [
    {
      says: {
        en: "On dense matrices both errors differ by less than 3 %.",
        zh: "对稠密矩阵，两者误差相差不到 3%。",
      },
      holds: (rows) => {
        const all = ratios(rows, 1, 1);
        return all.length === 0 ? null : all.every((x) => Math.abs(x - 1) < 0.03);
      },
      shows: (rows) =>
        ratios(rows, 1, 1)
          .map((x) => x.toFixed(3))
          .join(", "),
    },
    {
      says: {
        en: "On matrices with at most a twentieth of their numbers the error of the Monarch matrix is below 0.9 of the other.",
        zh: "对非零比例至多二十分之一的矩阵，Monarch 的误差低于对方的 0.9 倍。",
      },
      holds: (rows) => {
        const all = ratios(rows, 0, 0.05);
        return all.length === 0 ? null : all.every((x) => x < 0.9);
      },
      shows: (rows) =>
        ratios(rows, 0, 0.05)
          .map((x) => x.toFixed(3))
          .join(", "),
    },
    {
      says: {
        en: "With its columns in another order the Fourier matrix loses nothing (below 10⁻²⁰), without more than half of its energy.",
        zh: "列重排后傅里叶矩阵毫无损失（低于 10⁻²⁰），不重排则失去一半以上的能量。",
      },
      holds: (rows) =>
        known([fourierOf(rows, true), fourierOf(rows, false)], (yes = 9, no = 0) => yes < 1e-20 && no > 0.5),
      shows: (rows) =>
        `${fourierOf(rows, true)?.toExponential(1) ?? "–"} and ${fourierOf(rows, false)?.toFixed(3) ?? "–"}`,
    },
  ],
  async run(settings, seed, { report }) {
    const row =
      settings.what === "random"
        ? await ofRandom(settings.size, settings.density, seed)
        : await ofFourier(settings.size, settings.permuted);
    report(
      `${row.what} of ${row.size}: Monarch ${row.monarch.toPrecision(3)}, rank ${row.rank?.toPrecision(3) ?? "–"}`,
    );
    return [row];
  },
  figures(rows) {
    const own = rows.filter((r) => r.what === "random");
    const size = Math.max(...own.map((r) => r.size));
    const at = own.filter((r) => r.size === size);
    const densities = [...new Set(at.map((r) => r.density ?? 0))].sort((a, b) => a - b);
    const line = (name: string, of: (r: SvdRow) => number) => ({
      name,
      points: densities.map((d): [number, number] => [d, meanOf(at.filter((r) => r.density === d).map(of))]),
    });
    if (at.length === 0) return {};
    return {
      "monarch-svd.svg": lineChart({
        title: "The sparser, the better for Monarch",
        subtitle: `Relative error at equal numbers of parameters, size ${size}`,
        x: "share of numbers that are not zero",
        y: "relative error",
        series: [line("Monarch", (r) => r.monarch), line("rank √n", (r) => r.rank ?? 0)],
      }),
    };
  },
};
