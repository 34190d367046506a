// Where a book begins: Lloyd's algorithm from vectors drawn without return.
// Lloyd 1982, https://doi.org/10.1109/TIT.1982.1056489
import { OptionError } from "../errors.ts";
import { random } from "../tensor/index.ts";

/**
 * `K` centres of vectors: each round every vector goes to its nearest centre, and every centre to the mean of its vectors
 * (one without vectors stays).
 * @param vectors `[N, D]`, row by row. @param options `D`, `K`; `rounds`, default 10; `key` decides the first centres.
 * @returns `[K, D]`. @throws OptionError for fewer than `K` vectors.
 */
export function kMeans(
  vectors: ArrayLike<number>,
  {
    D,
    K,
    key,
    rounds = 10,
  }: { readonly D: number; readonly K: number; readonly key: random.Key; readonly rounds?: number },
): Float64Array {
  const N = vectors.length / D;
  if (!Number.isSafeInteger(N) || N < K) {
    throw new OptionError(
      `kMeans: vectors must be ${K} or more of ${D} numbers, got ${N}. Give more of them.`,
    );
  }
  const centres = new Float64Array(K * D);
  drawn(N, K, key).forEach((from, k) => {
    for (let d = 0; d < D; d++) centres[k * D + d] = vectors[from * D + d] as number;
  });
  for (let round = 0; round < rounds; round++) moveCentres(vectors, centres, N, D, K);
  return centres;
}

/** `K` different whole numbers below `N`. */
function drawn(N: number, K: number, key: random.Key): number[] {
  const order = Uint32Array.from({ length: N }, (_, i) => i);
  const draws = random.uniforms(key, K);
  return Array.from({ length: K }, (_, i) => {
    const j = i + Math.floor((draws[i] as number) * (N - i));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
    return order[i];
  });
}

function moveCentres(
  vectors: ArrayLike<number>,
  centres: Float64Array,
  N: number,
  D: number,
  K: number,
): void {
  const sums = new Float64Array(K * D);
  const counts = new Float64Array(K);
  for (let n = 0; n < N; n++) {
    let best = 0;
    let least = Infinity;
    for (let k = 0; k < K; k++) {
      let distance = 0;
      for (let d = 0; d < D && distance < least; d++) {
        const apart = (vectors[n * D + d] as number) - (centres[k * D + d] as number);
        distance += apart * apart;
      }
      if (distance < least) [best, least] = [k, distance];
    }
    counts[best] = (counts[best] as number) + 1;
    for (let d = 0; d < D; d++) {
      sums[best * D + d] = (sums[best * D + d] as number) + (vectors[n * D + d] as number);
    }
  }
  for (let k = 0; k < K; k++) {
    const count = counts[k] as number;
    if (count === 0) continue;
    for (let d = 0; d < D; d++) centres[k * D + d] = (sums[k * D + d] as number) / count;
  }
}
