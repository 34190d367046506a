// Files that the library reads: a good one of each kind, and how it is read.
import { UserError } from "../../../src/errors.ts";
import { planSafetensors, parseSafetensors, tensorBytes } from "../../../src/files/safetensors.ts";
import { readLlama2c } from "../../../src/model/llama2c.ts";
import { readFeed } from "../../../src/papers/collect/arxiv.ts";
import { readBibtex } from "../../../src/papers/collect/bibtex.ts";
import { readRecords } from "../../../src/papers/collect/oai.ts";
import { xmlReader } from "../../../src/papers/collect/xml.ts";
import { readLine } from "../../../src/papers/node/jsonl.ts";
import {
  parseTokenizer,
  writeBytePiece,
  writeHuggingFace,
  writeSentencePiece,
} from "../../../src/tokenizer/formats/index.ts";
import { flattenTree } from "../../../src/tensor/index.ts";
import { byteLevelText } from "../../../src/tokenizer/formats/byte-level.ts";
import { SMALL } from "../../tokenizer/models.ts";
import { CHECKPOINT, readBack } from "./checkpoint.ts";
import { GGUF, readModel } from "./gguf.ts";

export interface Format {
  /** A good file. */
  readonly good: () => Uint8Array;
  /** What is made of a file, as far as numbers and texts go. @throws what `refuses` lets pass. */
  readonly read: (bytes: Uint8Array) => unknown;
  /** Whether an error is a proper refusal (default: a `UserError`). */
  readonly refuses?: (error: unknown) => boolean;
  /** The file carries checksums: a changed bit is refused, or changes nothing of what is read. */
  readonly guarded?: boolean;
}

const encoder = new TextEncoder();
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((p) => [...p]));
}

function safetensors(): Uint8Array {
  const specs = new Map([
    ["a.weight", { dtype: "float32" as const, shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ["b", { dtype: "int64" as const, shape: [2], data: BigInt64Array.of(7n, -1n) }],
    ["flag", { dtype: "bool" as const, shape: [3], data: Uint8Array.of(1, 0, 1) }],
    ["half", { dtype: "float16" as const, shape: [], data: Float16Array.of(0.5) }],
    ["none", { dtype: "uint8" as const, shape: [0, 4], data: new Uint8Array(0) }],
  ]);
  const plan = planSafetensors(specs, { format: "pt", note: "x" });
  const bodies = plan.order.map((name) => {
    const spec = specs.get(name);
    return spec ? tensorBytes(name, spec, spec.data) : new Uint8Array(0);
  });
  return joined([plan.head, ...bodies]);
}

/** A llama2.c model of one layer of width 4. */
function llama2c(): Uint8Array {
  const [C, F, L, H, G, V, context] = [4, 8, 1, 2, 1, 16, 8];
  const D = C / H;
  const floats = V * C + L * (2 * C + C * C * 2 + 2 * C * G * D + 3 * C * F) + C + context * D;
  const bytes = new Uint8Array(28 + 4 * floats);
  const view = new DataView(bytes.buffer);
  [C, F, L, H, G, V, context].forEach((n, i) => view.setInt32(4 * i, n, true));
  for (let i = 0; i < floats; i++) view.setFloat32(28 + 4 * i, Math.sin(i), true);
  return bytes;
}

/** llama2.c's tokenizer.bin: length of the longest, then score, length and bytes of each entry. */
function llama2cTokenizer(): Uint8Array {
  const pieces = ["<unk>", "\n<s>\n", "\n</s>\n"];
  for (let b = 0; b < 256; b++) pieces.push(`<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
  pieces.push("t", "h", "e", " ", "th", "the", " the", "he");
  const parts = pieces.map((piece, i) => {
    const body = encoder.encode(piece);
    const head = new Uint8Array(8);
    const view = new DataView(head.buffer);
    view.setFloat32(0, i < 259 ? 0 : 259 - i, true);
    view.setInt32(4, body.length, true);
    return joined([head, body]);
  });
  return joined([Uint8Array.of(6, 0, 0, 0), ...parts]);
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

function tiktoken(): Uint8Array {
  const lines = Array.from({ length: 256 }, (_, b) => `${toBase64(Uint8Array.of(b))} ${b}`);
  ["th", "the", " t", " the"].forEach((piece, i) =>
    lines.push(`${toBase64(encoder.encode(piece))} ${256 + i}`),
  );
  return encoder.encode(`${lines.join("\n")}\n`);
}

/** A tokenizer.json as GPT-2 has it: bytes as characters, merges in order. */
function byteLevelBpe(): string {
  const merges = ["t h", "th e", "Ġ the"];
  const pieces = Array.from({ length: 256 }, (_, b) => byteLevelText(Uint8Array.of(b)));
  const vocab = Object.fromEntries(
    [...pieces, ...merges.map((m) => m.replace(" ", ""))].map((p, id) => [p, id]),
  );
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return JSON.stringify({
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges,
    },
  });
}

/** A WordPiece tokenizer.json, as BERT has it. */
const WORDPIECE = JSON.stringify({
  version: "1.0",
  added_tokens: [
    {
      id: 0,
      content: "[UNK]",
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    },
  ],
  normalizer: {
    type: "BertNormalizer",
    lowercase: true,
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: null,
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: { "[UNK]": 0, the: 1, th: 2, "##e": 3, cat: 4 },
  },
});

/** Text and ids that a tokenizer makes, so that accepting means working. */
function tokenizer(bytes: Uint8Array): unknown {
  const made = parseTokenizer(bytes, "file", { encoding: "gpt2" });
  const ids = [...made.encode("the cat sat,\n the 太阳 😀")];
  return { ids, text: made.decode(ids), kind: made.kind };
}

const BIBTEX = `@string{nips = "Neural Information Processing"}
@article{vaswani2017, title = {Attention Is {All} You Need}, author = "Vaswani, Ashish and Shazeer, Noam",
  year = 2017, journal = nips # " Systems", eprint = {1706.03762}, doi = {10.1/x}}
@comment{nothing}
@inproceedings(garcia, title={Caf\\'e na{\\"\\i}ve {\\emph{a {B} c}}}, author={Garc{\\'\\i}a, M. and others}, booktitle={ICML}, year={2020})
`;

const JSONL = `{"id":"2401.00001","title":"Attention","authors":["A B","C D"],"abstract":"x","categories":["cs.CL"],"announced":"2024-01-02","stars":3}
{"id":"2401.00002","title":"\\u592a","authors":"A; B","categories":"cs.LG cs.CL","year":2024}
`;

const record = (n: number): string =>
  `<record><header><identifier>oai:arXiv.org:2401.0000${n}</identifier><datestamp>2026-01-01</datestamp></header>
<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>2401.0000${n}</id><created>2024-01-01</created><authors><author><keyname>B</keyname><forenames>A &amp; C</forenames></author></authors><title>T ${n}</title><categories>cs.CL cs.LG</categories><abstract>x &lt; y</abstract></arXiv></metadata></record>`;
const OAI = `<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>${record(1)}${record(2)}
<record><header status="deleted"><identifier>oai:arXiv.org:2401.00003</identifier></header></record>
<resumptionToken cursor="0" completeListSize="3">abc|1</resumptionToken></ListRecords></OAI-PMH>`;
const FEED = `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><totalResults>1</totalResults><entry><id>http://arxiv.org/abs/2401.00001v2</id>
<published>2024-01-01T12:00:00Z</published><title>T</title><summary>S &#65; &amp;</summary><author><name>A B</name></author><category term="cs.CL"/></entry></feed>`;

/** Answers of services are refused with a sentence that names the service. */
const fromService = (error: unknown): boolean =>
  error instanceof Error && /^(OAI-PMH|arXiv query): /.test(error.message);

const tokenizerFile = (good: () => Uint8Array): Format => ({ good, read: tokenizer });

export const FORMATS: Readonly<Record<string, Format>> = {
  safetensors: {
    good: safetensors,
    read: (bytes) => {
      const file = parseSafetensors(bytes, "file");
      // Types that are listed but not read are no fault.
      const readable = [...file.entries].filter(
        ([, entry]) => !/^(I16|I8|U16|U32|U64|F8)/.test(entry.stored),
      );
      return { metadata: file.metadata, tensors: readable.map(([name]) => file.read(name)) };
    },
  },
  checkpoint: { good: () => CHECKPOINT, read: readBack, guarded: true },
  gguf: { good: () => GGUF, read: readModel },
  "llama2.c model": {
    good: llama2c,
    read: (bytes) => {
      const { config, params } = readLlama2c(bytes, "file");
      return { config, params: flattenTree(params).map(([name, x]) => [name, x.shape, x.storage?.host]) };
    },
  },
  "tokenizer.json, unigram": tokenizerFile(() => encoder.encode(writeHuggingFace(SMALL))),
  "tokenizer.json, WordPiece": tokenizerFile(() => encoder.encode(WORDPIECE)),
  bytepiece: tokenizerFile(() => encoder.encode(writeBytePiece(SMALL))),
  tiktoken: tokenizerFile(tiktoken),
  "sentencepiece.model": tokenizerFile(() => writeSentencePiece(SMALL)),
  "tokenizer.json, byte-level BPE": tokenizerFile(() => encoder.encode(byteLevelBpe())),
  "tokenizer.bin": tokenizerFile(llama2cTokenizer),
  bibtex: {
    good: () => encoder.encode(BIBTEX),
    read: (bytes) => readBibtex(text(bytes)),
    refuses: () => false,
  },
  jsonl: {
    good: () => encoder.encode(JSONL),
    read: (bytes) =>
      text(bytes)
        .split("\n")
        .map((line, i) => readLine(line, i + 1)),
    refuses: () => false,
  },
  oai: {
    good: () => encoder.encode(OAI),
    read: async (bytes) => readRecords(await xmlReader("fuzz"), text(bytes)),
    refuses: fromService,
  },
  "arxiv feed": {
    good: () => encoder.encode(FEED),
    read: async (bytes) => readFeed(await xmlReader("fuzz"), text(bytes)),
    refuses: fromService,
  },
};

/** Whether `error` is how `format` says no. */
export function isRefusal(format: Format, error: unknown): boolean {
  return format.refuses ? format.refuses(error) : error instanceof UserError;
}
