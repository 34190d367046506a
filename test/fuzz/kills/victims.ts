// What is killed: how each begins and goes on, and what must be the same however often it was killed.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { athanor, babble } from "../../train/helpers.ts";
import { oaiService } from "./oai-service.ts";

export interface Victim {
  /** Writes what it reads into `folder`; what it returns ends what serves it. */
  prepare(folder: string, seed: number): void | Promise<() => void>;
  /** Arguments of the command line that begin it at `at`, or go on with what a kill left there. */
  command(folder: string, at: string): readonly string[];
  /** What must be equal at the end. */
  contents(at: string): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

const trainingText = (folder: string, seed: number): void =>
  writeFileSync(join(folder, "text.txt"), babble(2000, seed + 1));

/** Options of a run of 16 steps, a checkpoint every second. */
const SIZES = "--preset tiny --batch 4 --steps 16 --checkpoint-every 2 --context 16";
const BEGIN = `${SIZES} --width 16 --layers 1 --heads 2 --optimizer lion --seed 3`.split(" ");

/** Goes on where there is a run, else begins one. */
const training: Victim = {
  prepare: trainingText,
  command: (folder, at) =>
    existsSync(join(at, "config.json"))
      ? ["train", "--resume", at]
      : ["train", join(folder, "text.txt"), ...BEGIN, "--run", at],
  contents: runContents,
};

/** Tensors of the last checkpoint, metrics but for the clock, samples, the files that are there. */
function runContents(at: string): Record<string, string> {
  const checkpoints = join(at, "checkpoints");
  const newest =
    readdirSync(checkpoints)
      .filter((n) => n.startsWith("step-"))
      .sort()
      .at(-1) ?? "";
  const file = readFileSync(join(checkpoints, newest));
  const tensors = file.subarray(8 + Number(file.readBigUInt64LE(0)));
  const lines = readFileSync(join(at, "metrics.jsonl"), "utf8").trim().split("\n");
  const metrics = lines.map((line) => JSON.stringify({ ...(JSON.parse(line) as object), seconds: 0 }));
  return {
    checkpoint: newest,
    tensors: tensors.toString("base64"),
    metrics: metrics.join("\n"),
    samples: readFileSync(join(at, "samples.txt"), "utf8"),
    files: readdirSync(at).sort().join(" "),
    left: readdirSync(checkpoints).sort().join(" "),
  };
}

/** Words in many orders: enough that counting, expectation-maximisation and pruning each take a while. */
const tokenizer = (mode: "unigram" | "bytepiece"): Victim => ({
  prepare: (folder, seed) => writeFileSync(join(folder, `${mode}.txt`), babble(60_000, seed + 2)),
  command: (folder, at) => [
    ..."tokenizer train --vocab 400 --memory 256MB --workers 1 --mode".split(" "),
    mode,
    join(folder, `${mode}.txt`),
    "--output",
    `${at}.json`,
  ],
  contents: (at) => ({
    vocabulary: readFileSync(`${at}.json`, "utf8"),
    unfinished: String(existsSync(`${at}.json.unfinished`)),
  }),
});

/** One import of many papers: what a kill left is gone on with, no paper twice, and no note of a place remains. */
const papersFrom = (file: string, prepare: Victim["prepare"]): Victim => ({
  prepare,
  command: (folder, at) => ["papers", "add", join(folder, file), "--store", `${at}.db`],
  async contents(at) {
    const { stdout } = await athanor(["papers", "export", "--store", `${at}.db`]);
    return {
      papers: stdout.split("\n").sort().join("\n"),
      unfinished: String(existsSync(`${at}.db.progress.json`)),
    };
  },
});

const papers = papersFrom(
  "papers.jsonl",

  (folder, seed) => {
    const lines = Array.from({ length: 4000 }, (_, i) =>
      JSON.stringify({
        id: `24${String(1 + (i % 12)).padStart(2, "0")}.${String(10_000 + i)}`,
        title: babble(60, seed + i),
        authors: [`A${i % 97} B${i % 89}`],
        abstract: babble(400, seed + 7 * i),
        categories: ["cs.CL"],
        announced: "2024-01-02",
      }),
    );
    writeFileSync(join(folder, "papers.jsonl"), `${lines.join("\n")}\n`);
  },
);

/** Entries that only keys name, each key twice for two papers: what is read again must meet the same papers. */
const bibliography = papersFrom("works.bib", (folder, seed) => {
  const entries = Array.from({ length: 3000 }, (_, i) => {
    const [title, abstract] = [babble(60, seed + i), babble(300, seed + 5 * i)];
    return `@article{key${i % 1500}, title={${title} ${i}}, author={B${i % 89}, A}, year={${1950 + (i % 70)}}, abstract={${abstract}}}`;
  });
  writeFileSync(join(folder, "works.bib"), `${entries.join("\n")}\n`);
});

/** Papers listed by a service in pages: the place of a kill is a resumption token. */
const oai: Victim = {
  ...papersFrom("", () => undefined),
  async prepare(folder, seed) {
    const { address, close } = await oaiService(seed);
    writeFileSync(join(folder, "service"), address);
    return close;
  },
  command: (folder, at) => {
    const base = readFileSync(join(folder, "service"), "utf8");
    return ["papers", "add", "--oai", "--set", "cs", "--base", base, "--store", `${at}.db`];
  },
};

export const VICTIMS: Readonly<Record<string, Victim>> = {
  training,
  unigram: tokenizer("unigram"),
  bytepiece: tokenizer("bytepiece"),
  papers,
  bibliography,
  oai,
};
