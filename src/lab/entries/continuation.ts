// The continuation problem: a prompt that ends inside what would have been one piece. Stepping back at inference, and
// random cuts in training, against doing nothing. A bigram model of tokens stands for the network.
import { barChart } from "../../draw/bar-chart.ts";
import {
  type Backoff,
  backoffs,
  branchDistribution,
  createTokenizer,
  pieceOrder,
  type PieceOrder,
  randomStream,
  takeBranch,
  type Tokenizer,
  trainUnigram,
} from "../../tokenizer/index.ts";
import { englishBooks } from "../../train/books.ts";
import type { Entry, LabContext } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { BOOKS } from "../needs.ts";
import { known, meanOf, seedsOf } from "../statistics.ts";

const WAYS = ["as it is", "one step back", "all steps back", "random cuts in training"] as const;
type Way = (typeof WAYS)[number];
const PLACES = ["inside a word", "after a word", "after a space"] as const;
/** Weight of the unigram distribution in the bigram model, in counts. */
const SMOOTHING = 20;

interface ContinuationSettings {
  readonly size: number;
  readonly prompts: number;
  /** Characters of the books; default all. */
  readonly characters?: number;
}

export interface ContinuationRow {
  readonly method: Way;
  readonly place: (typeof PLACES)[number];
  readonly prompts: number;
  /** Bits for the byte that truly follows, mean. */
  readonly bits: number;
  /** Share of prompts whose true byte gets less than 1/1000. */
  readonly lost: number;
}

type Rows = (last: number) => Float64Array;

/** `ln p(w | v)` of a bigram model, row by row as they are asked for. */
function bigram(ids: Int32Array, V: number): Rows {
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
  const kept = new Map<number, Float64Array>();
  return (last) => {
    const row = kept.get(last);
    if (row !== undefined) return row;
    const counts = followers.get(last) ?? new Map<number, number>();
    const seen = [...counts.values()].reduce((a, b) => a + b, 0);
    const p = unigram.map((c) => (SMOOTHING * c) / mass / (seen + SMOOTHING));
    for (const [id, c] of counts) p[id] = (p[id] ?? 0) + c / (seen + SMOOTHING);
    const logs = p.map((x) => Math.log(x));
    kept.set(last, logs);
    return logs;
  };
}

/** Probability of `byte` after `prompt`, with the given ways of stepping back. */
function nextByte(
  tokenizer: Tokenizer,
  order: PieceOrder,
  rows: Rows,
  prompt: Int32Array,
  steps: readonly Backoff[],
  byte: number,
): number {
  const branches = branchDistribution(order, prompt, steps, (c) =>
    c > 0 ? rows(prompt[c - 1] ?? 0) : undefined,
  );
  let found = 0;
  branches.probabilities.forEach((share, i) => {
    if (i > 0) {
      if (takeBranch(order, prompt, branches, i).added[0] === byte) found += share;
      return;
    }
    rows(prompt.at(-1) ?? 0).forEach((lp, id) => {
      if (tokenizer.bytesOf(id)[0] === byte) found += share * Math.exp(lp);
    });
  });
  return found;
}

/** What stands on either side of a cut. */
function placeOf(before: string, after: string): ContinuationRow["place"] | undefined {
  if (/\w/.test(before)) return /\w/.test(after) ? "inside a word" : "after a word";
  return before === " " ? "after a space" : undefined;
}

async function run(
  { size, prompts, characters = Infinity }: ContinuationSettings,
  seed: number,
  context: LabContext,
): Promise<ContinuationRow[]> {
  const books = englishBooks(new TextDecoder().decode(await context.bytes(BOOKS)));
  const text = books
    .map(([, book]) => book)
    .join("\n")
    .slice(0, characters);
  const sentences = text.split(/(?<=[.!?”"]\s)/);
  const heldOut = sentences.filter((_, i) => i % 10 === 9).join("");
  const train = sentences.filter((_, i) => i % 10 !== 9).join("");
  const [model] = (await trainUnigram([train], { vocabularySize: size })).models;
  if (model === undefined) throw new Error("training gave no vocabulary");
  const tokenizer = createTokenizer(model);
  const order = pieceOrder(tokenizer);
  const usual = bigram(tokenizer.encode(train), tokenizer.vocabularySize);
  const cut = bigram(tokenizer.sample(train, { alpha: 0.2, seed }), tokenizer.vocabularySize);
  context.report(`${tokenizer.vocabularySize} pieces learnt`);
  const bits = new Map<string, number[]>();
  const random = randomStream(seed, 7);
  for (let k = 0; k < prompts; k++) {
    const at = 400 + Math.floor(random() * (heldOut.length - 500));
    // The prompt starts after a space, far enough back to leave the model a context.
    const prompt = heldOut.slice(heldOut.indexOf(" ", at - 200), at);
    const place = placeOf(heldOut.charAt(at - 1), heldOut.charAt(at));
    const [byte = 255] = new TextEncoder().encode(heldOut.charAt(at));
    if (place === undefined || byte > 127) continue;
    const tokens = tokenizer.encode(prompt);
    const steps: Readonly<Record<Way, readonly Backoff[]>> = {
      "as it is": [],
      "one step back": backoffs(order, tokens, 1),
      "all steps back": backoffs(order, tokens),
      "random cuts in training": [],
    };
    for (const way of WAYS) {
      const rows = way === "random cuts in training" ? cut : usual;
      const p = nextByte(tokenizer, order, rows, tokens, steps[way], byte);
      const list = bits.get(`${way}\n${place}`) ?? [];
      bits.set(`${way}\n${place}`, [...list, -Math.log2(p)]);
    }
  }
  return [...bits].map(([key, list]) => {
    const [method, place] = key.split("\n") as [Way, ContinuationRow["place"]];
    const lost = list.filter((b) => b > Math.log2(1000)).length / list.length;
    return { method, place, prompts: list.length, bits: meanOf(list), lost };
  });
}

const inside = (rows: readonly ContinuationRow[], of: (row: ContinuationRow) => number) =>
  byMethod(
    rows.filter((r) => r.place === "inside a word"),
    of,
  );
const bitsOf = (rows: readonly ContinuationRow[]) => inside(rows, (r) => r.bits);

export const continuation: Entry<ContinuationSettings, ContinuationRow> = {
  name: "continuation",
  row: "continuation",
  claim: {
    en: "With a large vocabulary prompts that end inside a piece are continued badly; stepping back over the last tokens repairs it, and so does training on random cuts.",
    zh: "大词表下，结尾落在片段内部的提示续写很差；回退最后若干 token 可以修复，训练时随机分词也可以。",
  },
  source: {
    says: "Su 2023, The continuation problem of large vocabularies",
    links: ["https://kexue.fm/archives/9762", "https://arxiv.org/abs/2601.23223"],
  },
  needs: [BOOKS],
  minutes: { quick: 1, full: 5 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ size: 400, prompts: 10, characters: 20_000 }],
    quick: [{ size: 4000, prompts: 500, characters: 1_500_000 }],
    full: [{ size: 8000, prompts: 3000 }],
  },
  rules: [
    {
      says: {
        en: "As it is, more than a tenth of the prompts that end inside a word lose their true continuation (below 1/1000).",
        zh: "不作处理时，结尾在词内的提示有超过十分之一丢失真正的续写（概率低于 1/1000）。",
      },
      holds: (rows) => known([inside(rows, (r) => r.lost).mean("as it is")], (lost = 0) => lost > 0.1),
      shows: (rows) => inside(rows, (r) => r.lost).shows(WAYS, 3),
    },
    {
      says: { en: "One step back lowers the bits inside words.", zh: "回退一步可降低词内的比特数。" },
      holds: (rows) =>
        known(
          [bitsOf(rows).mean("one step back"), bitsOf(rows).mean("as it is")],
          (own = 1, as = 0) => own < as,
        ),
      shows: (rows) => bitsOf(rows).shows(["as it is", "one step back"]),
    },
    {
      says: {
        en: "One step is too few: all steps lower them further, by half a bit or more.",
        zh: "一步不够：回退所有步可再降半比特以上。",
      },
      holds: (rows) =>
        known(
          [bitsOf(rows).mean("all steps back"), bitsOf(rows).mean("one step back")],
          (all = 1, one = 0) => all < one - 0.5,
        ),
      shows: (rows) => bitsOf(rows).shows(["one step back", "all steps back"]),
    },
    {
      says: {
        en: "Random cuts in training lower them too, without stepping back.",
        zh: "训练时随机分词无需回退也能降低。",
      },
      holds: (rows) =>
        known(
          [bitsOf(rows).mean("random cuts in training"), bitsOf(rows).mean("as it is")],
          (own = 1, as = 0) => own < as,
        ),
      shows: (rows) => bitsOf(rows).shows(["as it is", "random cuts in training"]),
    },
    {
      says: {
        en: "Stepping back costs little after a whole word: at most a quarter of a bit.",
        zh: "在完整单词之后回退代价很小：至多四分之一比特。",
      },
      holds: (rows) => {
        const after = byMethod(
          rows.filter((r) => r.place === "after a word"),
          (r) => r.bits,
        );
        return known(
          [after.mean("all steps back"), after.mean("as it is")],
          (all = 1, as = 0) => all < as + 0.25,
        );
      },
      shows: (rows) =>
        byMethod(
          rows.filter((r) => r.place === "after a word"),
          (r) => r.bits,
        ).shows(["as it is", "all steps back"]),
    },
  ],
  beyond: [
    {
      en: "That trained networks lose three orders of magnitude on a quarter of Chinese word ends needs large models; here a bigram model compares the ways.",
      zh: "“训练好的网络在四分之一的中文词尾损失三个数量级”需要大模型；这里用二元模型比较各种做法。",
    },
  ],
  run,
  figures(rows) {
    const places = PLACES.filter((place) => rows.some((r) => r.place === place));
    const figure = barChart({
      title: "Bits for the byte that truly follows a prompt",
      subtitle: `By where the prompt ends; fewer are better; ${seedsOf(rows)}`,
      names: WAYS,
      rows: places.map((place) => ({
        name: place,
        values: WAYS.map(
          (way) =>
            byMethod(
              rows.filter((r) => r.place === place),
              (r) => r.bits,
            ).mean(way) ?? 0,
        ),
      })),
    });
    return { "continuation-bits.svg": figure };
  },
};
