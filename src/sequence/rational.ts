// Between state spaces (A, B, C̃) and the coefficients of their transfer functions, and where the poles are. Su 2024,
// https://kexue.fm/archives/10180, section "from S4 to RTF". Small exact problems on the host, in float64.
import { OptionError } from "../errors.ts";
import { checkShapes, type Dtype, random, type Tensor, tensor, zeros } from "../tensor/index.ts";

/** `C̃ (I − zA)⁻¹ B` as numbers, row by row. */
export interface StateSpace {
  readonly A: Tensor; // [d, d]
  readonly B: Tensor; // [d]
  readonly C: Tensor; // [d]
}

/**
 * Coefficients of `C (I − zA)⁻¹ B = (b₁ + … + b_d z^{d−1}) / (1 + a₁z + … + a_d z^d)`: with Faddeev and Le Verrier's
 * `M₁ = I`, `aₖ = −tr(A Mₖ)/k`, `Mₖ₊₁ = A Mₖ + aₖ I`, `bₖ = C Mₖ B`. Rounding grows with the order: for `d` up to some 32.
 */
export async function rationalOf({ A, B, C }: StateSpace): Promise<{ a: Tensor; b: Tensor }> {
  const { d } = checkShapes("rationalOf", { A: [A, "d d"], B: [B, "d"], C: [C, "d"] });
  const [matrix, input, output] = await Promise.all(
    [A, B, C].map(async (x) => Array.from(await x.data(), Number)),
  );
  const [m, u, v] = [matrix ?? [], input ?? [], output ?? []];
  const places = Array.from({ length: d }, (_, i) => i);
  const dot = (f: (i: number) => number): number => places.reduce((total, i) => total + f(i), 0);
  const at = (x: readonly number[], i: number, j: number): number => x[i * d + j] ?? 0;
  let power = places.flatMap((i) => places.map((j) => Number(i === j))); // Mₖ
  const [a, b]: [number[], number[]] = [[], []];
  for (let k = 1; k <= d; k++) {
    const now = power;
    b.push(dot((i) => (v[i] ?? 0) * dot((j) => at(now, i, j) * (u[j] ?? 0))));
    const next = places.flatMap((i) => places.map((j) => dot((l) => at(m, i, l) * at(now, l, j))));
    const coefficient = -dot((i) => at(next, i, i)) / k;
    a.push(coefficient);
    power = next.map((x, i) => (i % (d + 1) === 0 ? x + coefficient : x));
  }
  const { dtype } = A;
  return { a: tensor(a, { dtype }), b: tensor(b, { dtype }) };
}

/** The companion form of coefficients: `A` has `−a` in its first row and ones below its diagonal, `B = e₁`, `C̃ = b`. */
export async function stateSpaceOf({
  a,
  b,
}: {
  readonly a: Tensor;
  readonly b: Tensor;
}): Promise<StateSpace> {
  const { d } = checkShapes("stateSpaceOf", { a: [a, "d"], b: [b, "d"] });
  const { dtype } = a;
  const values = Array.from(await a.data(), Number);
  const A = Float64Array.from({ length: d * d }, (_, at) => {
    const [i, j] = [Math.floor(at / d), at % d];
    return i === 0 ? -(values[j] ?? 0) : Number(i === j + 1);
  });
  const B = Float64Array.from({ length: d }, (_, i) => Number(i === 0));
  return { A: tensor(A, { shape: [d, d], dtype }), B: tensor(B, { dtype }), C: b };
}

/**
 * Moduli of the poles of `1 / (1 + a₁z + … + a_d z^d)` as a recurrence, that is of the roots of
 * `λ^d + a₁λ^{d−1} + … + a_d`, largest first, by Durand and Kerner's iteration.
 * @param a Coefficients of one group.
 */
export function poleModuli(a: readonly number[]): number[] {
  const d = a.length;
  const radius = 1 + Math.max(0, ...a.map(Math.abs)); // Cauchy's bound
  let roots = a.map((_, i): [number, number] => {
    const angle = (2 * Math.PI * i) / d + 0.4;
    return [0.7 * radius * Math.cos(angle), 0.7 * radius * Math.sin(angle)];
  });
  for (let round = 0; round < 500; round++) {
    let moved = 0;
    const now = roots;
    roots = now.map(([x, y], i) => {
      // p(λ) by Horner, and Π (λ − λⱼ).
      let [re, im] = [1, 0];
      for (const coefficient of a) [re, im] = [re * x - im * y + coefficient, re * y + im * x];
      let [p, q] = [1, 0];
      now.forEach(([s, t], j) => {
        if (i !== j) [p, q] = [p * (x - s) - q * (y - t), p * (y - t) + q * (x - s)];
      });
      const size = p * p + q * q;
      if (size === 0) return [x + 1e-9, y - 1e-9];
      const [dx, dy] = [(re * p + im * q) / size, (im * p - re * q) / size];
      moved = Math.max(moved, Math.hypot(dx, dy));
      return [x - dx, y - dy];
    });
    if (moved < 1e-14 * radius) break;
  }
  return roots.map(([x, y]) => Math.hypot(x, y)).sort((x, y) => y - x);
}

/**
 * @param a `[G, d]`. @throws OptionError for a group with a pole on or outside the unit circle, whose recurrence grows,
 * with the largest modulus.
 */
export async function checkPoles(a: Tensor): Promise<void> {
  const { G, d } = checkShapes("checkPoles", { a: [a, "G d"] });
  const values = Array.from(await a.data(), Number);
  for (let g = 0; g < G; g++) {
    const [largest = 0] = poleModuli(values.slice(g * d, (g + 1) * d));
    if (largest < 1) continue;
    throw new OptionError(
      `rtf: poles of group ${g} must lie inside the unit circle, got a largest modulus of ${largest.toPrecision(6)}. Use montel.`,
    );
  }
}

/** How coefficients begin: all poles at the origin (`zero`), `U(±1/√d)` (`xavier`), or `U(±1/d)` (`montel`). */
export type RationalInit = "zero" | "xavier" | "montel";

/** First coefficients `[rows, d]`. With `montel` their absolute values add up to less than one. */
export function rationalInit(
  init: RationalInit,
  key: random.Key,
  [rows, d]: readonly [rows: number, d: number],
  { dtype = "float32" }: { dtype?: Dtype } = {},
): Tensor {
  if (init === "zero") return zeros([rows, d], { dtype });
  const bound = init === "xavier" ? 1 / Math.sqrt(d) : 1 / d;
  return random.uniform(key, [rows, d], { low: -bound, high: bound, dtype });
}
