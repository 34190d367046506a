// The examples of a fine-tuning: files, a part of them held out, rows of tokens.
import { createHash } from "node:crypto";
import { FileError, OptionError } from "../../errors.ts";
import { rowsOf } from "../adapt-task.ts";
import { type Columns, type Example, readExamples } from "../examples.ts";
import { encodeExamples, type Row, type Tokens } from "../packing.ts";
import { unpacked } from "./corpus.ts";
import { findFiles } from "./find-files.ts";
import type { Pretrained } from "./pretrained.ts";

/** Examples of a fine-tuning as rows of tokens. */
export interface AdaptData {
  readonly train: readonly Row[];
  readonly validation: readonly Row[];
  readonly examples: number;
  readonly validationExamples: number;
  /** The first held-out examples: what samples show. */
  readonly shown: readonly Example[];
  readonly files: readonly string[];
  readonly validationFiles: readonly string[];
  readonly fingerprint: string;
}

/** Which examples, and how they are read. */
export interface DataRequest {
  readonly files: readonly string[];
  /** Files that validate; default: the last `share` of each of `files`. */
  readonly validation?: readonly string[];
  readonly context: number;
  readonly loss: "completion" | "all";
  readonly share: number;
  readonly seed: number;
  /** What columns and keys are called there: `prompt: "question"`. */
  readonly columns?: Columns;
}

/**
 * Reads the examples. @param notice Told what a person should know.
 * @throws OptionError for no files, FileError for files that cannot be used.
 */
export async function readData(
  base: Pretrained,
  { files: paths, validation: held = [], context, loss, share, seed, columns }: DataRequest,
  notice: (sentence: string) => void = () => undefined,
): Promise<AdaptData> {
  if (paths.length === 0) {
    throw new OptionError(
      "adapt: --data must name at least one file, got none. Try: athanor adapt MODEL --data chats.jsonl",
    );
  }
  const { chat } = base;
  const hash = createHash("sha256");
  const readAll = async (list: readonly string[]): Promise<Example[][]> => {
    const all: Example[][] = [];
    for (const path of list) {
      const { data, name } = await unpacked(path);
      hash.update(`${data.length}:`).update(data);
      const read = readExamples(data, name, path, {
        loss,
        ...(columns && { columns }),
        ...(chat && { chat: (turns, answer) => chat(turns, answer) }),
      });
      for (const sentence of read.notices) notice(sentence);
      all.push([...read.examples]);
    }
    return all;
  };
  const files = await findFiles(paths);
  const heldFiles = held.length === 0 ? [] : await findFiles(held);
  const read = await readAll(files);
  const parts =
    heldFiles.length === 0
      ? read.map((examples) => splitExamples(examples, share))
      : [{ train: read.flat(), validation: (await readAll(heldFiles)).flat() }];
  const [train, validation] = [parts.flatMap((p) => p.train), parts.flatMap((p) => p.validation)];
  const tokens = (examples: readonly Example[]): readonly Tokens[] => {
    const encoded = encodeExamples(base.tokenizer, examples, context, base);
    for (const sentence of encoded.notices) notice(sentence);
    return encoded.tokens;
  };
  const [learned, scored] = [tokens(train), tokens(validation)];
  if (learned.length === 0 || scored.length === 0) {
    throw new FileError(
      `adapt: the files must hold at least two examples that fit ${context} tokens, one to learn and one to validate, got ${learned.length} and ${scored.length}.`,
    );
  }
  const rows = (list: readonly Tokens[]): Row[] => rowsOf(base.config, list, context, seed);
  return {
    train: rows(learned),
    validation: rows(scored),
    examples: learned.length,
    validationExamples: scored.length,
    shown: validation.slice(0, MOST_SHOWN),
    files,
    validationFiles: heldFiles,
    fingerprint: hash.digest("hex"),
  };
}

/** Held-out examples that samples may show. */
const MOST_SHOWN = 8;

/** The last share of the examples validates, at least one; a single text is cut at the end of a line. */
function splitExamples(
  examples: readonly Example[],
  share: number,
): { train: Example[]; validation: Example[] } {
  const [only] = examples;
  if (examples.length === 1 && only?.divides) {
    const at = Math.floor(only.text.length * (1 - share));
    const cut = only.text.indexOf("\n", at) + 1 || at;
    const part = (text: string): Example => ({ ...only, text, learned: [[0, text.length]] });
    return {
      train: [part(only.text.slice(0, cut))],
      validation: [part(only.text.slice(cut))].filter(({ text }) => text !== ""),
    };
  }
  const held = Math.max(1, Math.round(examples.length * share));
  return { train: examples.slice(0, -held), validation: examples.slice(-held) };
}
