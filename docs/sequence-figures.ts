// Pictures of the methods of src/sequence, drawn with the others by `npm run figures`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { grids } from "../src/draw/grid.ts";
import { lineChart } from "../src/draw/line-chart.ts";
import { type Rounds, rtfKernel, runSequential, unrolledDeer } from "../src/sequence/index.ts";
import { matmul, random, tanh, type Tensor, tensor, zeros } from "../src/tensor/index.ts";

const draw = (name: string, svg: string): void =>
  writeFileSync(join(import.meta.dirname, "methods", `${name}.svg`), svg);
const range = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => from + i);

const moduli = [0.8, 0.95, 0.99];
const pole = (r: number): number[] => [-2 * r * Math.cos(Math.PI / 16), r * r];
const kernels = await rtfKernel(
  {
    a: tensor(Float64Array.from(moduli.flatMap(pole)), { shape: [3, 2] }),
    b: tensor(Float64Array.from([1, 0, 1, 0, 1, 0]), { shape: [3, 2] }),
  },
  { length: 128 },
).data();
draw(
  "rtf",
  lineChart({
    title: "Three kernels of two coefficients each",
    subtitle: "A pair of poles at ±π/16: their angle is the wave, their modulus how long it lasts; L = 128",
    x: "distance t",
    y: "K",
    series: moduli.map((r, i) => ({
      name: `modulus ${r}`,
      points: range(128).map((t): [number, number] => [t, Number(kernels[128 * i + t])]),
    })),
  }),
);
const sign = (x: number): number | undefined => (x === 0 ? undefined : Number(x > 0));
draw(
  "s4",
  grids({
    title: "HiPPO-LegS is normal but for rank one",
    subtitle:
      "Signs of A, and of A + PPᵀ = −½ I + S with S skew-symmetric, which a unitary V makes diagonal; N = 24",
    squares: [
      { name: "A", cell: (n, k) => (n >= k ? 0 : undefined) },
      { name: "A + PPᵀ", cell: (n, k) => sign(n === k ? -1 : k - n) },
    ],
    inks: ["negative", "positive"],
  }),
);

const mixing = random.normal(random.key(7), [8, 8], { std: 0.9 / Math.sqrt(8), dtype: "float64" });
const cell = (h: Tensor, u: Tensor): Tensor => tanh(matmul(h, mixing).add(u));
const inputs = random.normal(random.key(8), [64, 1, 8], { std: 0.5, dtype: "float64" });
const rest = zeros([1, 8], { dtype: "float64" });
const loop = Array.from(await runSequential(cell, inputs, rest).data(), Number);
const ways: readonly (readonly [string, Exclude<Rounds, { type: "fixed" }>])[] = [
  ["Newton", { type: "deer" }],
  ["diagonal", { type: "quasi-deer" }],
  ["Picard", { type: "picard" }],
  ["ELK, λ = 0.1", { type: "elk", damping: 0.1 }],
];
const errorAfter = async (
  iterations: number,
  rounds: Exclude<Rounds, { type: "fixed" }>,
): Promise<number> => {
  const got = Array.from(await unrolledDeer(cell, inputs, rest, { iterations, rounds }).data(), Number);
  return Array.from(got, (x, i) => Math.abs(x - (loop[i] ?? 0))).reduce((a, b) => Math.max(a, b), 1e-16);
};
draw(
  "deer",
  lineChart({
    title: "Largest error of 64 states by rounds",
    subtitle: "tanh(A h + u), n = 8, gain 0.9: Newton's exponent doubles, the others only add to theirs",
    x: "rounds",
    y: "log₁₀ error",
    series: await Promise.all(
      ways.map(async ([name, rounds]) => ({
        name,
        points: await Promise.all(
          range(9, 1).map(
            async (k): Promise<[number, number]> => [k, Math.log10(await errorAfter(k, rounds))],
          ),
        ),
      })),
    ),
  }),
);
