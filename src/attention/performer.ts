// Choromanski et al. 2020, "Rethinking attention with Performers", sections 2.3 and 2.4. https://arxiv.org/abs/2009.14794
import { OptionError } from "../errors.ts";
import {
  cast,
  checkShapes,
  exp,
  matmul,
  max,
  random,
  square,
  stopGradient,
  sum,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import { checkWhole } from "./blocks.ts";

/** The random directions of a layer, and the largest of their squared lengths. */
export interface PerformerProjection {
  /** `ω` `[M, D]`. */
  readonly directions: Tensor;
  readonly largest: number;
}

export interface ProjectionOptions {
  /** Number `M` of features; default `⌊D ln D⌋`. */
  readonly features?: number;
  /** `independent` normal directions, or `orthogonal` in groups of D (default), with lengths as if independent. */
  readonly kind?: "independent" | "orthogonal";
}

/** Draws the directions of heads of width `D`. */
export function performerProjection(
  key: random.Key,
  D: number,
  { features = Math.max(1, Math.floor(D * Math.log(D))), kind = "orthogonal" }: ProjectionOptions = {},
): PerformerProjection {
  checkWhole("performerProjection", "width", D);
  checkWhole("performerProjection", "features", features);
  if (kind !== "independent" && kind !== "orthogonal") {
    throw new OptionError(
      `performerProjection: kind must be independent or orthogonal, got ${String(kind)}.`,
    );
  }
  const rows: Float64Array[] = [];
  for (let group = 0; rows.length < features; group++) {
    const draws = random.normals(random.fold(key, group), D * D);
    const vectors = Array.from({ length: D }, (_, r) => draws.slice(r * D, (r + 1) * D));
    const lengths = vectors.map(norm); // χ-distributed with D degrees of freedom
    if (kind === "orthogonal") orthonormalise(vectors);
    vectors.forEach((x, r) => rows.push(kind === "orthogonal" ? x.map((y) => y * (lengths[r] ?? 0)) : x));
  }
  rows.length = features;
  const flat = Float64Array.from(rows.flatMap((x) => Array.from(x)));
  return {
    directions: tensor(flat, { shape: [features, D] }),
    largest: Math.max(...rows.map((x) => norm(x) ** 2)),
  };
}

function norm(x: Float64Array): number {
  return Math.hypot(...x);
}

/** Gram and Schmidt, each vector cleaned twice, which is enough for full precision. */
function orthonormalise(vectors: Float64Array[]): void {
  vectors.forEach((x, n) => {
    for (let round = 0; round < 2; round++) {
      for (const y of vectors.slice(0, n)) {
        const along = x.reduce((s, v, i) => s + v * (y[i] ?? 0), 0);
        for (let i = 0; i < x.length; i++) x[i] = (x[i] ?? 0) - along * (y[i] ?? 0);
      }
    }
    const length = norm(x);
    for (let i = 0; i < x.length; i++) x[i] = (x[i] ?? 0) / length;
  });
}

/**
 * Positive features `φ(x)ᵣ = M^(−1/2) exp(ωᵣ·x − ‖x‖²/2)` with `E[φ(q)·φ(k)] = e^(q·k)`.
 * @param x `[B, H, T, D]`, scaled already. @returns `[B, H, T, M]`.
 */
export function performerFeatures(x: Tensor, projection: PerformerProjection): Tensor {
  return exp(logFeatures(x, projection)).mul(1 / Math.sqrt(Number(projection.directions.shape[0])));
}

function logFeatures(x: Tensor, { directions }: PerformerProjection): Tensor {
  checkShapes("performer", { x: [x, "B~ H T~ D"], directions: [directions, "M D"] });
  const along = matmul(x, cast(directions, x.dtype), { transposeB: true });
  return along.sub(sum(square(x), { axis: -1, keep: true }).mul(0.5));
}

export interface PerformerOptions {
  readonly projection: PerformerProjection;
  /** Factor of the scores that are approximated; default `1/√D`. */
  readonly scale?: number;
}

/**
 * Features of queries and keys that make softmax attention linear, up to factors that its ratio cancels, held where
 * exponentials are tame: `linearAttention`, `causalLinearAttention` or `linearStep` of them.
 * @param q `[B, H, T, D]`, unscaled. @param k `[B, H, S, D]`. @returns `[B, H, T, M]` and `[B, H, S, M]`.
 */
export function performerPair(
  q: Tensor,
  k: Tensor,
  { projection, scale }: PerformerOptions,
): { q: Tensor; k: Tensor } {
  const root = (scale ?? 1 / Math.sqrt(Number(q.shape.at(-1)))) ** 0.5;
  const query = logFeatures(q.mul(root), projection);
  // A query's own largest logarithm cancels. Keys need one factor for all, or outputs would depend on later tokens;
  // `ω·k − ‖k‖²/2 ≤ ‖ω‖²/2`, so a quarter of the largest centres their range.
  const key = logFeatures(k.mul(root), projection).sub(projection.largest / 4);
  return { q: exp(query.sub(stopGradient(max(query, { axis: -1, keep: true })))), k: exp(key) };
}
