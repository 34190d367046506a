// Su 2024, "Transformer upgrade path 18: a bound for the base of RoPE". https://kexue.fm/archives/10122
// After Men et al. 2024, "Base of RoPE bounds context length". https://arxiv.org/abs/2405.14591
import { OptionError } from "../errors.ts";
import { checkWhole } from "./scale.ts";

/** The smallest base found, or how far the search went in vain. */
export type BaseBound =
  | { readonly found: true; readonly base: number }
  | { readonly found: false; readonly searchedTo: number };

/** Rounding of the recurrence grows with its steps; from here it starts anew. */
const RESEED = 1024;
/** Distances that refuted recent bases; neighbours mostly fail at the same ones. */
const WITNESSES = 16;

/** `f_b(m) = Σᵢ cos(m θᵢ)`, the expected lead of a like key over a random one at distance `m` (times `1/2σ²`). */
export function ropeLead(frequencies: Float64Array, m: number): number {
  let sum = 0;
  for (const theta of frequencies) sum += Math.cos(m * theta);
  return sum;
}

/** The first whole `0 ≤ m < L` with `f_b(m) < 0`, or −1; every `m` is tried, by the angle-addition recurrence. */
export function firstNegativeLead(frequencies: Float64Array, L: number): number {
  const leads = new Float64Array(RESEED);
  for (let from = 0; from < L; from += RESEED) {
    const count = leadsFrom(frequencies, from, Math.min(RESEED, L - from), leads);
    for (let i = 0; i < count; i++) if ((leads[i] ?? 0) < 0) return from + i;
  }
  return -1;
}

/** Some whole `0 ≤ m < L` with `f_b(m) < 0`, the worst of its block, or −1. Leads fall with `m`: the last block is first. */
function someNegativeLead(frequencies: Float64Array, L: number, leads: Float64Array): number {
  for (let from = Math.floor((L - 1) / RESEED) * RESEED; from >= 0; from -= RESEED) {
    const count = leadsFrom(frequencies, from, Math.min(RESEED, L - from), leads);
    let least = 0;
    let at = -1;
    for (let i = 0; i < count; i++) {
      const lead = leads[i] ?? 0;
      if (lead < least) [least, at] = [lead, from + i];
    }
    if (at >= 0) return at;
  }
  return -1;
}

/** `f_b(from … from + count − 1)` into `leads`: each pair of the head turns by its own step. @returns `count`. */
function leadsFrom(frequencies: Float64Array, from: number, count: number, leads: Float64Array): number {
  leads.fill(0, 0, count);
  for (const theta of frequencies) {
    const [u, v] = [Math.cos(theta), Math.sin(theta)];
    let c = Math.cos(from * theta);
    let s = Math.sin(from * theta);
    for (let i = 0; i < count; i++) {
      leads[i] = (leads[i] ?? 0) + c;
      const next = c * u - s * v;
      s = c * v + s * u;
      c = next;
    }
  }
  return count;
}

/**
 * The least base for which a like key is expected to lead at every distance below `L`:
 * `inf { b : f_b(m) ≥ 0 for all whole 0 ≤ m < L }`, by the article's search. Passing bases form no interval, so
 * the search refines: of the 10^k points `B·j/10^k` the first that passes replaces `B`, k = 1 … 5. It starts from
 * `B = 1000·L`; when nothing passes, from ten times that, and so on.
 * @param D Width of the turned part of a head, even. @param L Context length, whole.
 * @param options `largest`: where to give up, default `10⁶·L`.
 */
export function ropeBaseBound(
  D: number,
  L: number,
  { largest = 1e6 * L }: { largest?: number } = {},
): BaseBound {
  checkWhole("ropeBaseBound", "length", L);
  if (D < 2 || D % 2 !== 0) throw new OptionError(`ropeBaseBound: head width must be even, got ${D}.`);
  const leads = new Float64Array(RESEED);
  const witnesses: number[] = [];
  const passes = (base: number): boolean => {
    if (!(base > 1)) return false;
    const frequencies = quickFrequencies(D, base);
    // A lead that is negative by more than rounding at one distance refutes the base at once.
    for (const [i, m] of witnesses.entries()) {
      if (ropeLead(frequencies, m) >= -1e-9) continue;
      witnesses.splice(i, 1);
      witnesses.unshift(m);
      return false;
    }
    const m = someNegativeLead(frequencies, L, leads);
    if (m < 0) return true;
    witnesses.unshift(m);
    witnesses.length = Math.min(witnesses.length, WITNESSES);
    return false;
  };
  let top = 1000 * L;
  while (top <= largest) {
    let base = firstPassing(top, 10, passes);
    for (let k = 2; base !== undefined && k <= 5; k++) base = firstPassing(base, 10 ** k, passes) ?? base;
    if (base !== undefined) return { found: true, base };
    top *= 10;
  }
  return { found: false, searchedTo: top / 10 };
}

/** `ropeFrequencies` by repeated multiplication, to a few units of the last place. */
function quickFrequencies(D: number, base: number): Float64Array {
  const ratio = base ** (-2 / D);
  const out = new Float64Array(D / 2);
  let theta = 1;
  for (let i = 0; i < out.length; i++, theta *= ratio) out[i] = theta;
  return out;
}

function firstPassing(top: number, points: number, passes: (base: number) => boolean): number | undefined {
  for (let j = 1; j <= points; j++) {
    const base = (top * j) / points;
    if (passes(base)) return base;
  }
  return undefined;
}
