// Tokenizer training: processor time, memory and held-out bytes per token, ours in each mode beside
// SentencePiece (`spm_train`, if installed) on the same text.
//
//   npm run bench -- tokenizer-train [english|chinese|mixed …] [modes=bytepiece,unigram,bpe] [sizes=8000,32000]
//     [peers] [unsplit] [rust] [large] --json
//
// `peers` adds SentencePiece, `unsplit` its slow mode without splitting at white space, `rust` the training of npm
// `tokenizers`, `large` the 100 MB text within 256 MB on one and two workers. Processor seconds are user and system
// time of the whole process. Each part can be run alone, so that the machine need not be quiet for long.
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
    execFileSync("/usr/bin/time", ["-o", log, "-f", "%U %S %M", "spm_train", ...flags], {
      stdio: "ignore",
    });
    const [user = 0, system = 0, peakKB = 0] = readFileSync(log, "utf8").trim().split(" ").map(Number);
    const ids = execFileSync("spm_encode", [`--model=${prefix}.model`, "--output_format=id"], {
      input: readFileSync(files.heldOut),
      maxBuffer: 1 << 28,
    }).toString();
    const tokens = ids.split(/\s+/).filter((id) => id !== "").length;
    const lines = readFileSync(files.heldOut, "utf8").split("\n").length - 1;
    const bytes = statSync(files.heldOut).size;
    return {
      peer: `sentencepiece ${type}${extra.length > 0 ? " unsplit" : ""}`,
      cpuSeconds: user + system,
      peakMB: Math.round(peakKB / 1024),
      size,
      bytesPerToken: bytes / tokens,
      bytesPerTokenWithNewlines: bytes / (tokens + lines),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Byte-level BPE by npm `tokenizers`. Its trainer takes no options: always 30,000 ids. (Its Unigram trainer makes
 * 8,000 ids without one for the unknown, which its own encoder refuses.)
 */
async function rustBpe(files: CorpusFiles): Promise<PeerResult | { peer: string; missing: string }> {
  const peer = "npm tokenizers bpe";
  const code = `
    const { readFileSync } = require("node:fs");
    const { Tokenizer, BPE, byteLevelPreTokenizer } = require("tokenizers");
    const [train, heldOut] = process.argv.slice(1);
    const tokenizer = new Tokenizer(BPE.empty());
    tokenizer.setPreTokenizer(byteLevelPreTokenizer(false));
    tokenizer.train([train]);
    const { user, system } = process.cpuUsage();
    const peak = process.resourceUsage().maxRSS;
    const text = readFileSync(heldOut, "utf8");
    tokenizer.encode(text, null, { addSpecialTokens: false }).then((encoding) => {
      const tokens = encoding.getLength();
      console.log(JSON.stringify({ seconds: (user + system) / 1e6, peak, tokens, size: tokenizer.getVocabSize() }));
    });`;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", code, files.train, files.heldOut], {
      cwd: join(import.meta.dirname, "peers/tokenizers"),
    });
    const got: { seconds: number; peak: number; tokens: number; size: number } = JSON.parse(stdout);
    const bytesPerToken = statSync(files.heldOut).size / got.tokens;
    const peakMB = Math.round(got.peak / 1024);
    // Its byte level makes tokens of line ends, too.
    const bytesPerTokenWithNewlines = bytesPerToken;
    return {
      peer,
      cpuSeconds: got.seconds,
      peakMB,
      size: got.size,
      bytesPerToken,
      bytesPerTokenWithNewlines,
    };
  } catch (error) {
    return {
      peer,
      missing: error instanceof Error ? error.message.split("\n").slice(0, 12).join(" ") : String(error),
    };
  }
}

/** Runs the benchmark; see the head of this file for `args`. */
export async function run(args: string[]): Promise<unknown> {
  const words = args.filter((arg) => !arg.startsWith("--"));
  const unknown = words.find(
    (w) => !isCorpus(w) && !/^(sizes=[\d,]+|modes=[a-z,]+|peers|unsplit|rust|large)$/.test(w),
  );
  if (unknown !== undefined) {
    throw new OptionError(
      `bench tokenizer-train: argument must be a corpus, modes=…, sizes=…, peers, unsplit, rust or large, got "${unknown}".`,
    );
  }
  const chosen = words.filter(isCorpus);
  const sizes = (words.find((w) => w.startsWith("sizes=")) ?? "sizes=8000").slice(6).split(",").map(Number);
  const modes = (words.find((w) => w.startsWith("modes=")) ?? "modes=bytepiece,unigram,bpe")
    .slice(6)
    .split(",");
  const peers = words.includes("peers") && hasSentencePiece();
  const rows: unknown[] = [];
  for (const name of chosen.length > 0 || words.includes("large") ? chosen : (["english"] as const)) {
    const files = corpusFiles(name);
    const about = {
      corpus: name,
      trainBytes: statSync(files.train).size,
      heldOutBytes: statSync(files.heldOut).size,
    };
    for (const mode of (["bytepiece", "unigram", "bpe"] as const).filter((one) => modes.includes(one))) {
      for (const size of sizes) {
        const work = { mode, file: files.train, heldOut: files.heldOut, sizes: [size], workers: 1 };
        rows.push({ ...about, ...(await job(work)) });
      }
    }
    if (words.includes("rust")) rows.push({ ...about, ...(await rustBpe(files)) });
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
    const walls: number[] = [];
    for (const workers of [1, 2]) {
      const work: Job = { mode: "bytepiece", file, sizes: [8000], workers, memoryLimit: 2 ** 28 };
      const result = await job(work);
      walls.push(result.wallSeconds);
      rows.push({ corpus: "large", trainBytes: statSync(file).size, ...result });
    }
    rows.push({ corpus: "large", twoWorkersFaster: (walls[0] ?? 0) / (walls[1] ?? 1) });
  }
  return {
    command: `npm run bench -- tokenizer-train ${args.join(" ")}`.trim(),
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model ?? "unknown",
    note: "Processor seconds are user and system time of the whole process.",
    rows,
  };
}
