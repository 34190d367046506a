// The files of a classifier: read as one, and a part held out where none is named.
import { createHash, type Hash } from "node:crypto";
import { FileError, OptionError } from "../../errors.ts";
import { random } from "../../tensor/index.ts";
import { type Case, type Cases, labelOf } from "../classify/cases.ts";
import { readCases } from "../classify/read-cases.ts";
import type { TableReading } from "../classify/table-cases.ts";
import type { TrainSettings } from "../settings.ts";
import { unpacked } from "./corpus.ts";

/** What is learnt and what is held out. */
export interface Parts {
  readonly train: Cases;
  readonly held: Cases;
  /** SHA-256 of all files. */
  readonly fingerprint: string;
}

/** Files to learn from, and to score. */
export interface PartFiles {
  readonly files: readonly string[];
  readonly test?: readonly string[] | undefined;
  readonly reading?: TableReading;
}

/** Cases of several files as one. @throws FileError for files of several kinds. */
export async function readFiles(
  files: readonly string[],
  reading: TableReading,
  hash: Hash = createHash("sha256"),
): Promise<Cases> {
  const all: Cases[] = [];
  for (const path of files) {
    const { data, name } = await unpacked(path);
    hash.update(`${data.length}:`).update(data);
    const cases = readCases(data, name, path, reading);
    const first = all[0] ?? cases;
    if (cases.input !== first.input || cases.channels !== first.channels) {
      throw new FileError(
        `classify: ${path} must hold ${first.input === "text" ? "texts" : `series of ${first.channels} channels`} as ${files[0]} does, got ${cases.input === "text" ? "texts" : `series of ${cases.channels}`}.`,
      );
    }
    all.push(cases);
  }
  const [first] = all;
  if (first === undefined) {
    throw new OptionError(
      "classify: files must name at least one file, got none. Try: athanor classify train TRAIN.ts --test TEST.ts",
    );
  }
  return {
    ...first,
    cases: all.flatMap(({ cases }) => cases),
    notices: all.flatMap(({ notices }) => notices),
  };
}

/** The parts that `files` and `test` hold; without `test` a share of every class is held out, by the seed. */
export async function readParts(
  { files, test, reading = {} }: PartFiles,
  { seed, validationShare }: Pick<TrainSettings, "seed" | "validationShare">,
): Promise<Parts> {
  const hash = createHash("sha256");
  const all = await readFiles(files, reading, hash);
  const held = test === undefined ? undefined : await readFiles(test, reading, hash);
  const fingerprint = hash.digest("hex");
  if (held) return { train: all, held, fingerprint };
  const { kept, taken } = split(all, validationShare, seed);
  return { train: { ...all, cases: kept }, held: { ...all, cases: taken, notices: [] }, fingerprint };
}

/** A share of every class at random, in the order of the file; of numbers and rare classes what the share gives. */
function split(all: Cases, share: number, seed: number): { kept: Case[]; taken: Case[] } {
  const key = random.fold(random.key(seed), "held out");
  const groups = new Map<string, number[]>();
  all.cases.forEach((one, i) => {
    const name = all.numbers ? "" : labelOf(one);
    groups.set(name, [...(groups.get(name) ?? []), i]);
  });
  // Labels that nearly all differ are numbers, whatever the file says.
  const own = groups.size > all.cases.length / 2 ? new Map([["", [...all.cases.keys()]]]) : groups;
  const taken = new Set<number>();
  for (const [name, rows] of own) {
    const order = random.permutation(random.fold(key, name), rows.length);
    const count = Math.min(rows.length - 1, Math.round(rows.length * share));
    for (const at of order.subarray(0, Math.max(0, count))) taken.add(rows[at] ?? -1);
  }
  if (taken.size === 0) {
    throw new FileError(
      `classify: the files must hold enough cases to hold some out, got ${all.cases.length}. Name a test part with --test.`,
    );
  }
  return { kept: all.cases.filter((_, i) => !taken.has(i)), taken: all.cases.filter((_, i) => taken.has(i)) };
}
