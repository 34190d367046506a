// The tokenizers that are measured beside ours, from bench/peers/tokenizers (own lockfile: `npm ci` there).
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseTokenizer, writeHuggingFace, writeSentencePiece } from "../src/tokenizer/formats/index.ts";
import type { Tokenizer } from "../src/tokenizer/tokenizer.ts";

/** One tokenizer under test. */
export interface Peer {
  readonly name: string;
  readonly vocabulary: string;
  /** Tokens of `text`; `seconds` where the work happens in another process, else it is measured around. */
  encode(text: string): Promise<{ tokens: number; seconds?: number }>;
  close?(): void;
}

const PEERS = join(import.meta.dirname, "peers/tokenizers");
const peerRequire = createRequire(join(PEERS, "package.json"));

interface Counting {
  encode(text: string): ArrayLike<number>;
}

function counting(name: string, vocabulary: string, library: Counting): Peer {
  return { name, vocabulary, encode: (text) => Promise.resolve({ tokens: library.encode(text).length }) };
}

/** A peer, or why it is not there. */
export type MaybePeer = Peer | { readonly name: string; readonly missing: string };

function attempt(name: string, make: () => Peer): MaybePeer {
  try {
    return make();
  } catch (error) {
    return { name, missing: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) };
  }
}

/** All peers, with our own byte-pair encoder on the same o200k vocabulary among them. */
export function peers(ours: Tokenizer): MaybePeer[] {
  const model = ours.model;
  return [
    attempt("athanor bpe", () => counting("athanor bpe", "o200k_base", o200k())),
    attempt("tiktoken (wasm)", () => {
      const lib: { get_encoding(name: string): Counting } = peerRequire("tiktoken");
      return counting("tiktoken (wasm)", "o200k_base", lib.get_encoding("o200k_base"));
    }),
    attempt("js-tiktoken", () => {
      const lib: { getEncoding(name: string): Counting } = peerRequire("js-tiktoken");
      return counting("js-tiktoken", "o200k_base", lib.getEncoding("o200k_base"));
    }),
    attempt("gpt-tokenizer", () => {
      const lib: Counting = peerRequire("gpt-tokenizer/encoding/o200k_base");
      return counting("gpt-tokenizer", "o200k_base", lib);
    }),
    attempt("npm tokenizers (Rust)", () => {
      if (model === undefined) throw new Error("no model to export");
      interface Rust {
        encode(text: string, pair: null, options: object): Promise<{ getLength(): number }>;
      }
      const lib: { Tokenizer: { fromString(json: string): Rust } } = peerRequire("tokenizers");
      const rust = lib.Tokenizer.fromString(writeHuggingFace(model));
      return {
        name: "npm tokenizers (Rust)",
        vocabulary: "ours, exported",
        encode: async (text) => ({
          tokens: (await rust.encode(text, null, { addSpecialTokens: false })).getLength(),
        }),
      };
    }),
    attempt("spm_encode", () => {
      if (model?.kind !== "unigram") throw new Error("no model to export");
      return spmEncode(writeSentencePiece(model));
    }),
  ];
}

/** The o200k vocabulary out of tiktoken's package, read by our own loader. */
export function o200k(): Tokenizer {
  const path = join(PEERS, "node_modules/tiktoken/encoders/o200k_base.json");
  const json: { bpe_ranks: string } = JSON.parse(readFileSync(path, "utf8"));
  // Lines of `! first-rank token token …`.
  const lines = json.bpe_ranks.split("\n").flatMap((line) => {
    const [, first, ...tokens] = line.split(" ");
    return tokens.map((token, i) => `${token} ${Number(first) + i}`);
  });
  const specials = { "<|endoftext|>": 199999, "<|endofprompt|>": 200018 };
  return parseTokenizer(new TextEncoder().encode(`${lines.join("\n")}\n`), "o200k_base", {
    encoding: "o200k_base",
    specials,
  });
}

/** Bytes that make the start of a program small beside its work. */
const LONG_INPUT = 10_000_000;

/**
 * SentencePiece's own program on our exported model: user seconds of the process, less those of an empty run. The
 * text is repeated: on half a megabyte the start weighs as much as the work, and the difference is noise.
 */
function spmEncode(model: Uint8Array): Peer {
  if (spawnSync("spm_encode", ["--help"]).error) throw new Error("not installed");
  const folder = mkdtempSync(join(tmpdir(), "athanor-bench-"));
  const path = join(folder, "ours.model");
  writeFileSync(path, model);
  const timed = (input: string): { tokens: number; seconds: number } => {
    const file = join(folder, "input.txt");
    const out = join(folder, "output.txt");
    writeFileSync(file, input);
    const script =
      'TIMEFORMAT=%U; time spm_encode --model="$1" --output_format=id --input="$2" --output="$3"';
    const { stderr } = spawnSync("bash", ["-c", script, "bash", path, file, out], { encoding: "utf8" });
    const ids = existsSync(out) ? readFileSync(out, "utf8").split(/\s+/) : [];
    return { tokens: ids.filter((x) => x !== "").length, seconds: Number(stderr.trim().split("\n").at(-1)) };
  };
  const empty = Math.min(...Array.from({ length: 5 }, () => timed("\n").seconds));
  return {
    name: "spm_encode",
    vocabulary: "ours, exported",
    encode: (text) => {
      const times = Math.ceil(LONG_INPUT / Buffer.byteLength(text));
      const { tokens, seconds } = timed(`${text}\n`.repeat(times));
      return Promise.resolve({ tokens: tokens / times, seconds: Math.max(1e-3, (seconds - empty) / times) });
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
