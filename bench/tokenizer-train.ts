// Tokenizer training: processor time, memory and held-out bytes per token, ours in each mode beside
// SentencePiece (`spm_train`, if installed) on the same text.
//
//   npm run bench -- tokenizer-train [english|chinese|mixed …] [sizes=8000,32000] [peers] [unsplit] [large] --json
//
// `peers` adds SentencePiece, `unsplit` its slow mode without splitting at white space, `large` the 100 MB text
// within 256 MB on one and two workers. Processor seconds are user time of the whole process.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { OptionError } from "../src/errors.ts";
import { type CorpusName, type CorpusFiles, corpusFiles, largeCorpus } from "./tokenizer-corpora.ts";
import type { Job, JobResult } from "./tokenizer-train-job.ts";

const NAMES: readonly CorpusName[] = ["english", "chinese", "mixed"];
const isCorpus = (name: string): name is CorpusName => NAMES.some((known) => known === name);

/** SentencePiece without any splitting, as close to BytePiece's freedom as its options allow. */
const UNSPLIT = [
  "--split_by_whitespace=false",
  "--split_by_number=false",
  "--split_by_unicode_script=false",
  "--remove_extra_whitespaces=false",
  "--max_sentencepiece_length=36",
  "--add_dummy_prefix=false",
];

async function job(work: Job): Promise<JobResult> {
  const file = join(import.meta.dirname, "tokenizer-train-job.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(work)], {
    maxBuffer: 1 << 24,
  });
  const result: JobResult = JSON.parse(stdout);
  return result;
}

/** One SentencePiece training. */
export interface PeerResult {
  peer: string;
  cpuSeconds: number;
  peakMB: number;
  size: number;
  bytesPerToken: number;
  /** SentencePiece spends no token on line ends; here one is added for each. */
  bytesPerTokenWithNewlines: number;
}

function hasSentencePiece(): boolean {
  try {
    execFileSync("spm_train", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Trains SentencePiece with one thread, bytes as fallback, no normalisation; encodes the held-out text. */
function sentencePiece(
  name: string,
  files: CorpusFiles,
  size: number,
  type: string,
  extra: string[],
): PeerResult {
  const folder = mkdtempSync(join(tmpdir(), "athanor-spm-"));
  try {
    const prefix = join(folder, "m");
    const log = join(folder, "time");
    const flags = [
      `--input=${files.train}`,
      `--model_prefix=${prefix}`,
      `--vocab_size=${size}`,
      `--model_type=${type}`,
      "--byte_fallback",
      "--normalization_rule_name=identity",
      "--num_threads=1",
      // 8,000 pieces cannot hold all Chinese characters of the corpus.
      `--character_coverage=${name === "english" ? 0.9999 : 0.995}`,
      "--max_sentence_length=100000",
      "--minloglevel=2",
      ...extra,
    ];
    execFileSync("/usr/bin/time", ["-o", log, "-f", "%U %M", "spm_train", ...flags], {
      stdio: "ignore",
    });
    const [cpuSeconds = 0, peakKB = 0] = readFileSync(log, "utf8").trim().split(" ").map(Number);
    const ids = execFileSync("spm_encode", [`--model=${prefix}.model`, "--output_format=id"], {
      input: readFileSync(files.heldOut),
      maxBuffer: 1 << 28,
    }).toString();
    const tokens = ids.split(/\s+/).filter((id) => id !== "").length;
    const lines = readFileSync(files.heldOut, "utf8").split("\n").length - 1;
    const bytes = statSync(files.heldOut).size;
    return {
      peer: `sentencepiece ${type}${extra.length > 0 ? " unsplit" : ""}`,
      cpuSeconds,
      peakMB: Math.round(peakKB / 1024),
      size,
      bytesPerToken: bytes / tokens,
      bytesPerTokenWithNewlines: bytes / (tokens + lines),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the benchmark; see the head of this file for `args`. */
export async function run(args: string[]): Promise<unknown> {
  const words = args.filter((arg) => !arg.startsWith("--"));
  const unknown = words.find((w) => !isCorpus(w) && !/^(sizes=[\d,]+|peers|unsplit|large)$/.test(w));
  if (unknown !== undefined) {
    throw new OptionError(
      `bench tokenizer-train: argument must be a corpus, sizes=…, peers, unsplit or large, got "${unknown}".`,
    );
  }
  const chosen = words.filter(isCorpus);
  const sizes = (words.find((w) => w.startsWith("sizes=")) ?? "sizes=8000").slice(6).split(",").map(Number);
  const peers = words.includes("peers") && hasSentencePiece();
  const rows: unknown[] = [];
  for (const name of chosen.length > 0 || words.includes("large") ? chosen : (["english"] as const)) {
    const files = corpusFiles(name);
    const about = {
      corpus: name,
      trainBytes: statSync(files.train).size,
      heldOutBytes: statSync(files.heldOut).size,
    };
    for (const mode of ["bytepiece", "unigram", "bpe"] as const) {
      for (const size of sizes) {
        const work = { mode, file: files.train, heldOut: files.heldOut, sizes: [size], workers: 1 };
        rows.push({ ...about, ...(await job(work)) });
      }
    }
    if (!peers) continue;
    for (const size of sizes) {
      rows.push({ ...about, ...sentencePiece(name, files, size, "unigram", []) });
      rows.push({ ...about, ...sentencePiece(name, files, size, "bpe", []) });
      if (words.includes("unsplit")) {
        rows.push({ ...about, ...sentencePiece(name, files, size, "unigram", UNSPLIT) });
      }
    }
  }
  if (words.includes("large")) {
    const file = largeCorpus();
    for (const workers of [1, 2]) {
      const work: Job = { mode: "bytepiece", file, sizes: [8000], workers, memoryLimit: 2 ** 28 };
      rows.push({ corpus: "large", trainBytes: statSync(file).size, ...(await job(work)) });
    }
  }
  return {
    command: `npm run bench -- tokenizer-train ${args.join(" ")}`.trim(),
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model ?? "unknown",
    note: "Processor seconds are user time of the whole process; the machine was shared, wall times are not comparable.",
    rows,
  };
}
