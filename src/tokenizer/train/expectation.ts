// Kudo 2018, section 3.2, https://arxiv.org/abs/1804.10959 (EM for a Unigram vocabulary): expected counts of
// pieces over all segmentations of a text, by the forward-backward recursion on a trie,
//
//   α[0] = 1, α[e] = Σ α[e-|w|] p(w);   β[n] = 1/α[n], β[s] = Σ p(w) β[s+|w|];   E c(w) = Σ α[s] p(w) β[s+|w|]
//
// in plain products instead of logarithms: every p(w) is multiplied by exp(λ|w|), λ the nats per byte of the
// last pass, which keeps α near 1, and every 16 bytes what has drifted is scaled back.
import type { ChunkBlock } from "./chunk.ts";
import { BASE_MASK, type Trie, buildTrie } from "../encode/trie.ts";

/** Positions between two looks at the scale of α: 16 bytes of probability 10⁻⁹ stay above 10⁻¹⁴⁴. */
const RESCALE = 16;
const TOO_SMALL = 1e-60;
const TOO_LARGE = 1e60;

/** A vocabulary compiled for expectation. */
export interface Lattice {
  trie: Trie;
  /** p(w) exp(λ|w|) by trie node. */
  tilted: Float64Array;
  /** Expected counts by trie node. */
  expected: Float64Array;
  /** λ, nats per byte. */
  tilt: number;
  alpha: Float64Array;
  beta: Float64Array;
  scale: Float64Array;
}

/**
 * Compiles pieces with their probabilities.
 * @param tilt Expected nats per byte; any finite number is right, a near one is fast.
 */
export function buildLattice(pieces: readonly Uint8Array[], p: Float64Array, tilt: number): Lattice {
  const trie = buildTrie(pieces);
  const tilted = new Float64Array(trie.units.length);
  for (let node = 0; node < trie.units.length; node++) {
    const id = trie.values[node] ?? -1;
    if (id >= 0) tilted[node] = (p[id] ?? 0) * Math.exp(tilt * (pieces[id]?.length ?? 0));
  }
  return {
    trie,
    tilted,
    expected: new Float64Array(trie.units.length),
    tilt,
    alpha: new Float64Array(1 << 12),
    beta: new Float64Array(1 << 12),
    scale: new Float64Array((1 << 12) / RESCALE + 1),
  };
}

/** Fills α of `bytes[from..to)`; returns ln α[n] before scaling. */
function forward(
  units: Int32Array,
  root: number,
  reach: number,
  tilted: Float64Array,
  bytes: Uint8Array,
  from: number,
  to: number,
  alpha: Float64Array,
  scale: Float64Array,
): number {
  const n = to - from;
  let logScale = 0;
  alpha.fill(0, 0, n + 1);
  alpha[0] = 1;
  for (let i = 0; i < n; i++) {
    if (i % RESCALE === 0) {
      // Every path passes the positions i … i + reach: the largest α there is what counts, not α[i] itself,
      // which is tiny inside a long piece.
      const top = Math.min(n, i + reach);
      let largest = 0;
      for (let k = i; k <= top; k++) if ((alpha[k] ?? 0) > largest) largest = alpha[k] ?? 0;
      let factor = 1;
      if (largest < TOO_SMALL || largest > TOO_LARGE) {
        factor = 1 / largest;
        logScale += Math.log(largest);
        for (let k = i; k <= top; k++) alpha[k] = (alpha[k] ?? 0) * factor;
      }
      scale[i / RESCALE] = factor;
    }
    const a = alpha[i] ?? 0;
    let base = root;
    for (let j = from + i; j < to; j++) {
      const c = bytes[j] ?? 0;
      const node = base ^ c;
      const unit = units[node] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0) alpha[j - from + 1] = (alpha[j - from + 1] ?? 0) + a * (tilted[node] ?? 0);
      base = (unit >>> 8) & BASE_MASK;
    }
  }
  return logScale + Math.log(alpha[n] ?? 0);
}

/** Fills β and adds expected counts. */
function backward(
  units: Int32Array,
  root: number,
  reach: number,
  tilted: Float64Array,
  bytes: Uint8Array,
  from: number,
  to: number,
  alpha: Float64Array,
  beta: Float64Array,
  scale: Float64Array,
  expected: Float64Array,
): void {
  const n = to - from;
  beta[n] = 1 / (alpha[n] ?? 1);
  for (let i = n - 1; i >= 0; i--) {
    const a = alpha[i] ?? 0;
    let base = root;
    let sum = 0;
    for (let j = from + i; j < to; j++) {
      const c = bytes[j] ?? 0;
      const node = base ^ c;
      const unit = units[node] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0) {
        const part = (beta[j - from + 1] ?? 0) * (tilted[node] ?? 0);
        sum += part;
        expected[node] = (expected[node] ?? 0) + a * part;
      }
      base = (unit >>> 8) & BASE_MASK;
    }
    beta[i] = sum;
    if (i % RESCALE === 0) {
      const factor = scale[i / RESCALE] ?? 1;
      if (factor === 1) continue;
      const top = Math.min(n, i + reach);
      for (let k = i; k <= top; k++) beta[k] = (beta[k] ?? 0) * factor;
    }
  }
}

/** Adds the expected counts of every chunk of `block`; returns the block's log-probability in nats. */
export function expectBlock(lattice: Lattice, { bytes, ends }: ChunkBlock): number {
  const { trie, tilted, expected, tilt } = lattice;
  const { units, root, maxLength } = trie;
  let logProbability = 0;
  let start = 0;
  for (let c = 0; c < ends.length; c++) {
    const end = ends[c] ?? 0;
    const n = end - start;
    if (n + 1 > lattice.alpha.length) {
      lattice.alpha = new Float64Array(2 * n);
      lattice.beta = new Float64Array(2 * n);
      lattice.scale = new Float64Array((2 * n) / RESCALE + 1);
    }
    const { alpha, beta, scale } = lattice;
    logProbability += forward(units, root, maxLength, tilted, bytes, start, end, alpha, scale) - tilt * n;
    backward(units, root, maxLength, tilted, bytes, start, end, alpha, beta, scale, expected);
    start = end;
  }
  return logProbability;
}

/** The expected counts by piece. */
export function expectedByPiece(lattice: Lattice, size: number): Float64Array {
  const out = new Float64Array(size);
  for (let node = 0; node < lattice.trie.values.length; node++) {
    const id = lattice.trie.values[node] ?? -1;
    if (id >= 0) out[id] = lattice.expected[node] ?? 0;
  }
  return out;
}

/** ψ(x), the derivative of ln Γ, for x > 0: the recurrence up to 8, then the asymptotic series. */
export function digamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 8; y += 1) shift -= 1 / y;
  const z = 1 / (y * y);
  return shift + Math.log(y) - 0.5 / y - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z / 240)));
}
