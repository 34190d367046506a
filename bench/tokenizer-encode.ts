// `npm run bench -- tokenizer-encode [--size 40000] [--rounds 5] [--json]`: encoding speed of ours and its peers on
// held-out English, Chinese and code, in million UTF-8 bytes per second of processor time (user), rounds in turn.
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { byteTokenizer } from "../src/tokenizer/create.ts";
import type { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { type Peer, peers } from "./tokenizer-peers.ts";
import { type Language, texts, trainedTokenizer } from "./tokenizer-texts.ts";

/** Speeds of one tokenizer on one text. */
interface Row {
  tokenizer: string;
  vocabulary: string;
  text: string;
  bytes: number;
  tokens: number;
  bytesPerToken: number;
  /** Median and best of the rounds. */
  megabytesPerSecond: number;
  best: number;
}

/** Runs `body` until a round has lasted long enough to measure. */
async function speed(
  bytes: number,
  body: () => Promise<{ tokens: number; seconds?: number }>,
): Promise<{ rate: number; tokens: number }> {
  const start = process.cpuUsage();
  let elsewhere = 0;
  let rounds = 0;
  let tokens = 0;
  for (;;) {
    const result = await body();
    rounds++;
    tokens = result.tokens;
    elsewhere += result.seconds ?? 0;
    const here = process.cpuUsage(start).user / 1e6;
    const seconds = elsewhere > 0 ? elsewhere : here;
    if (seconds > 0.25 || rounds >= 200) return { rate: (rounds * bytes) / seconds / 1e6, tokens };
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Our encoder as a peer, from bytes or from strings. */
function own(name: string, vocabulary: string, tokenizer: Tokenizer, from: "bytes" | "strings"): Peer {
  const kept = new Map<string, Uint8Array>();
  return {
    name,
    vocabulary,
    encode(text) {
      const bytes = kept.get(text) ?? new TextEncoder().encode(text);
      kept.set(text, bytes);
      return Promise.resolve({ tokens: tokenizer.encode(from === "bytes" ? bytes : text).length });
    },
  };
}

/** Rounds in turn, so that what else the machine does hits all alike. */
async function table(
  list: readonly Peer[],
  inputs: Readonly<Record<string, string>>,
  rounds: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [text, content] of Object.entries(inputs)) {
    const bytes = Buffer.byteLength(content);
    const rates = new Map<Peer, number[]>(list.map((peer) => [peer, []]));
    const tokens = new Map<Peer, number>();
    for (let round = 0; round < rounds; round++) {
      for (const peer of list) {
        if (round === 0) await peer.encode(content.slice(0, 50_000)); // warm up
        const result = await speed(bytes, () => peer.encode(content));
        rates.get(peer)?.push(result.rate);
        tokens.set(peer, result.tokens);
      }
    }
    for (const peer of list) {
      const measured = rates.get(peer) ?? [];
      const n = tokens.get(peer) ?? 0;
      rows.push({
        tokenizer: peer.name,
        vocabulary: peer.vocabulary,
        text,
        bytes,
        tokens: n,
        bytesPerToken: bytes / n,
        megabytesPerSecond: median(measured),
        best: Math.max(...measured),
      });
    }
  }
  return rows;
}

/** One pass over text not seen before: libraries that remember the parts they merged have nothing to remember. */
async function firstPass(
  list: readonly Peer[],
  warm: string,
  unseen: Readonly<Record<string, string>>,
): Promise<object[]> {
  const rows: object[] = [];
  for (const peer of list) {
    await peer.encode(warm);
    for (const [text, content] of Object.entries(unseen)) {
      const start = process.cpuUsage();
      const { seconds } = await peer.encode(content);
      const used = seconds ?? process.cpuUsage(start).user / 1e6;
      rows.push({ tokenizer: peer.name, text, megabytesPerSecond: Buffer.byteLength(content) / used / 1e6 });
    }
  }
  return rows;
}

/** Texts that have no spaces or newlines to hold on to. */
function hard(chinese: string): Record<string, string> {
  const unbroken = chinese.replaceAll(/[^\u4e00-\u9fff]/g, "");
  return {
    "'a' × 1e6": "a".repeat(1_000_000),
    "'-' × 1e6": "-".repeat(1_000_000),
    "Chinese, 1 MB unbroken": unbroken.repeat(Math.ceil(340_000 / unbroken.length)).slice(0, 333_334),
  };
}

export async function run(args: string[]): Promise<unknown> {
  const { values } = parseArgs({
    args: args.filter((a) => a !== "--json"),
    options: { size: { type: "string", default: "40000" }, rounds: { type: "string", default: "5" } },
  });
  const rounds = Number(values.rounds);
  const tokenizer = await trainedTokenizer(Number(values.size));
  const all = texts();
  const inputs: Record<Language, string> = {
    english: all.english.heldOut.slice(0, 500_000),
    chinese: all.chinese.heldOut.slice(0, 200_000),
    code: all.code.heldOut.slice(0, 200_000),
  };
  const name = `unigram ${tokenizer.vocabularySize}`;
  const ours = [
    own("athanor, from bytes", name, tokenizer, "bytes"),
    own("athanor, from strings", name, tokenizer, "strings"),
    own("athanor, bytes as tokens", "bytes", byteTokenizer(), "strings"),
  ];
  const others = peers(tokenizer);
  const present = others.filter((p) => "encode" in p);
  const everyone = [...ours, ...present];
  const unseen = {
    english: all.english.train.slice(0, 500_000),
    chinese: all.chinese.train.slice(0, 200_000),
  };
  const first = await firstPass(everyone, all.code.train.slice(0, 200_000), unseen);
  const rows = await table(everyone, inputs, rounds);
  const linear = ours.slice(0, 2).concat(present.filter((p) => p.name === "athanor bpe"));
  const runs = await table(linear, hard(all.chinese.heldOut + all.chinese.train), rounds);
  for (const peer of present) peer.close?.();
  return {
    benchmark: "tokenizer-encode",
    unit: "million UTF-8 bytes per second of user processor time; median and best of rounds",
    cores: availableParallelism(),
    load: loadavg()[0],
    node: process.version,
    rows,
    firstPass: first,
    runs,
    missing: others.filter((p) => "missing" in p),
  };
}
