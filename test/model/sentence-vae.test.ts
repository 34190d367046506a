// Sentences through a vector: what moves what, cutting of texts, and that two sentences come back as they went in.
import { describe, expect, test } from "vitest";
import {
  encodeSentences,
  initSentenceVae,
  SENTENCE_IDS,
  sentenceError,
  type SentenceVaeConfig,
  sentenceLogits,
  vectorsBetween,
} from "../../src/model/sentence-vae.ts";
import { evaluate, random, type Tensor, tensor } from "../../src/tensor/index.ts";
import { memoryStore, trainRun, trainSettings } from "../../src/train/index.ts";
import {
  interpolate,
  sentencesOf,
  sentenceTask,
  sentenceText,
  wordsOf,
} from "../../src/train/sentence-task.ts";
import { expectClose, list } from "../support/check.ts";

const config = (decoder: SentenceVaeConfig["decoder"]): SentenceVaeConfig => ({
  vocabulary: 9,
  length: 4,
  width: 16,
  layers: 1,
  heads: 2,
  latent: 4,
  posterior: { type: "bn", gamma: 1 },
  decoder,
  wordDropout: 0,
});
const ids = (...rows: number[][]): Tensor =>
  tensor(Int32Array.from(rows.flat()), { shape: [rows.length, rows[0]?.length ?? 0] });

describe.each(["gru", "transformer"] as const)("a %s decoder", (decoder) => {
  const c = config(decoder);
  const params = initSentenceVae(c, random.key(1));
  const z = random.normal(random.key(2), [2, 4]);

  test("says a word from the vector and the words before it, never from later ones", async () => {
    const [a, b] = await Promise.all(
      [ids([2, 5, 6, 7], [2, 5, 6, 7]), ids([2, 5, 8, 4], [2, 5, 8, 4])].map((x) =>
        list(sentenceLogits(c, params, z, x)),
      ),
    );
    const row = (all: number[] | undefined, t: number): number[] => all?.slice(t * 9, t * 9 + 9) ?? [];
    for (const t of [0, 1]) expectClose(row(a, t), row(b, t), 1e-5);
    expect(row(a, 2)).not.toEqual(row(b, 2));
    expect(row(a, 0)).not.toEqual(a?.slice(36, 45)); // another vector
  });

  test("padding neither costs nor is read", async () => {
    const short = ids([5, 1, 0, 0], [6, 7, 1, 0]);
    const q = encodeSentences(c, params, short, { train: true });
    const error = sentenceError(c, params, q.mean, short);
    const got = await evaluate({ error, mean: q.mean });
    const likely = await list(
      sentenceLogits(c, params, got.mean, ids([2, 5, 1, 0], [2, 6, 7, 1])).logSoftmax(),
    );
    const at = (b: number, t: number, id: number): number => likely[(b * 4 + t) * 9 + id] ?? 0;
    expectClose(
      await got.error.data(),
      [-at(0, 0, 5) - at(0, 1, 1), -at(1, 0, 6) - at(1, 1, 7) - at(1, 2, 1)],
      1e-5,
    );
  });
});

test("texts are cut into sentences, words into ids by frequency; too little text is refused", () => {
  const text = Array.from(
    { length: 30 },
    (_, i) => `The cat number${i % 3} saw dog${i}. 山高月小，水落石出。`,
  ).join(" ");
  const found = sentencesOf(text, { least: 3, most: 8 });
  expect(found.words.slice(0, 3).toSorted()).toContain("the");
  expect(found.length).toBe(9);
  expect(found.train.length % 9).toBe(0);
  expect(wordsOf("It's 山水 time!")).toEqual(["it's", "山", "水", "time"]);
  const row = Array.from(found.train.subarray(0, 9));
  expect(row.includes(SENTENCE_IDS.end)).toBe(true);
  expect(sentenceText(found, row.slice(0, row.indexOf(SENTENCE_IDS.end)))).toMatch(/^[\p{L}\p{N} ]+$/u);
  expect(() => sentencesOf("One short text of words. And another.")).toThrow(
    "sentencesOf: text must hold 20 different sentences of 3 to 12 words, got",
  );
});

test("vectors between two have both at their ends", async () => {
  const ends = tensor([
    [0, 1],
    [2, 3],
  ]);
  expectClose(await vectorsBetween(ends, 3).data(), [0, 1, 1, 2, 2, 3], 1e-7);
});

test("a training learns what its sentences share, tells figures, and writes a way between two", async () => {
  const nouns = ["cat", "dog", "bird", "fish", "horse", "cow"];
  const text = nouns
    .flatMap((a) => nouns.flatMap((b) => [`The ${a} saw the ${b}.`, `A ${b} ran.`]))
    .join(" ");
  const sentences = sentencesOf(text, { least: 3, most: 5 });
  const c: SentenceVaeConfig = {
    ...config("gru"),
    vocabulary: SENTENCE_IDS.firstWord + sentences.words.length,
    length: sentences.length,
  };
  const settings = trainSettings({ steps: 90, batch: 16, rate: 1e-2, warmup: 5, seed: 1, sampleEvery: 1000 });
  const task = sentenceTask({ config: c, sentences, settings, anneal: 20, threads: 1 });
  const { params, numbers, sample } = await trainRun(task, settings, memoryStore(), { threads: 1 });
  expect(numbers?.["nllPerWord"]).toBeLessThan(1.3); // 2.3 for words drawn evenly
  expect(numbers?.["kl"]).toBeGreaterThan(1);
  expect(numbers?.["activeUnits"]).toBe(4); // γ = 1 keeps them alive
  expect(sample).toMatchObject({ text: expect.stringMatching(/\w/) as string });
  expect(await params.steps.sum().item()).toBe(90);
  const way = await interpolate(c, params, sentences, ["the cat saw the dog", "a cow ran"], 3);
  expect(way.length).toBe(3);
  for (const line of way) expect(line).toMatch(/^[a-z ]+$/);
});
