// Draws docs/methods/random-segmentation.svg and prints the table beside it:
// `node --conditions=source examples/tokenizer/random-segmentation.ts`
import { join } from "node:path";
import { writeFileAtomic } from "../../src/files/node/atomic.ts";
import {
  IdBuffer,
  type SampleMethod,
  randomStream,
  sampleBiased,
  sampleUnigram,
  unigramEncoder,
  unigramSampler,
} from "../../src/tokenizer/index.ts";
import { barChart } from "../../src/draw/bar-chart.ts";

const DRAWS = 400_000;
const utf8 = new TextEncoder();

/** Pieces with counts; the text has 20 segmentations. */
const WORDS = { a: 5, b: 4, c: 3, ab: 6, bc: 2, abc: 3, ca: 2 };
const TEXT = "abcabc";

const names = Object.keys(WORDS);
const total = Object.values(WORDS).reduce((a, b) => a + b, 0);
const pieces = names.map((w) => utf8.encode(w));
const logProbs = Float64Array.from(Object.values(WORDS), (c) => Math.log(c / total));
const sampler = unigramSampler(unigramEncoder(pieces, logProbs), pieces);
const bytes = utf8.encode(TEXT);

/** All segmentations, as piece indices. */
function all(from = 0): number[][] {
  if (from === TEXT.length) return [[]];
  return names.flatMap((name, id) =>
    TEXT.startsWith(name, from) ? all(from + name.length).map((rest) => [id, ...rest]) : [],
  );
}

/** Shares of the segmentations in `DRAWS` draws. */
function shares(segmentations: readonly number[][], draw: (out: IdBuffer) => void): number[] {
  const index = new Map(segmentations.map((s, i) => [s.join(), i]));
  const counts = segmentations.map(() => 0);
  const out = new IdBuffer();
  for (let k = 0; k < DRAWS; k++) {
    out.length = 0;
    draw(out);
    const i = index.get(out.toArray().join()) ?? 0;
    counts[i] = (counts[i] ?? 0) + 1 / DRAWS;
  }
  return counts;
}

/** Total variation and Pearson's χ² of shares against probabilities. */
function distance(share: readonly number[], p: readonly number[]): { tv: number; chi: number } {
  const tv = share.reduce((sum, x, i) => sum + Math.abs(x - (p[i] ?? 0)) / 2, 0);
  const chi = share.reduce((sum, x, i) => sum + (DRAWS * (x - (p[i] ?? 0)) ** 2) / (p[i] ?? 1), 0);
  return { tv, chi };
}

const segmentations = all();
for (const alpha of [0, 0.2, 1, 3]) {
  const weights = segmentations.map((s) =>
    Math.exp(alpha * s.reduce((sum, id) => sum + (logProbs[id] ?? 0), 0)),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  const p = weights.map((w) => w / sum);
  const random = randomStream(1);
  const exact = (method: SampleMethod): number[] =>
    shares(segmentations, (out) =>
      sampleUnigram(sampler, bytes, 0, bytes.length, alpha, random, method, out),
    );
  const drawn: Record<string, number[]> = {
    backward: exact("backward"),
    reservoir: exact("reservoir"),
    "first version": shares(segmentations, (out) => sampleBiased(sampler, bytes, alpha, random, out)),
  };
  for (const [name, share] of Object.entries(drawn)) {
    const { tv, chi } = distance(share, p);
    console.log(
      `α = ${alpha}  ${name.padEnd(14)} total variation ${tv.toFixed(4)}  χ² (19) ${chi.toFixed(1)}`,
    );
  }
  if (alpha === 0.2) {
    const order = p.map((_, i) => i).sort((a, b) => (p[b] ?? 0) - (p[a] ?? 0));
    const rows = order.map((i) => ({
      name: (segmentations[i] ?? []).map((id) => names[id]).join(" "),
      values: [p[i] ?? 0, drawn["backward"]?.[i] ?? 0, drawn["first version"]?.[i] ?? 0],
    }));
    const chart = barChart({
      title: `Segmentations of “${TEXT}” at α = 0.2: probability and share of ${DRAWS.toLocaleString("en")} draws`,
      names: ["exact probability", "backward sampling", "first version (biased)"],
      rows,
      format: (v) => `${(100 * v).toFixed(1)} %`,
    });
    await writeFileAtomic(join(import.meta.dirname, "../../docs/methods/random-segmentation.svg"), chart);
  }
}
