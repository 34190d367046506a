// `npm run fuzz -- NAME [options]`: runs one fuzzer for long and prints one JSON document on stdout.
import { parseArgs } from "node:util";
import { guard, printJson, say } from "../../src/cli/command.ts";
import { nearest, OptionError } from "../../src/errors.ts";
import type { Device } from "../../src/tensor/index.ts";
import type { FuzzOptions, FuzzReport } from "./options.ts";

/** Fuzzers by name, and how many inputs each tries by default. */
const FUZZERS: Readonly<
  Record<
    string,
    { readonly count: number; readonly load: () => Promise<(o: FuzzOptions) => Promise<FuzzReport>> }
  >
> = {
  programs: { count: 10_000, load: async () => (await import("./programs/run.ts")).runPrograms },
  torch: { count: 1_000, load: async () => (await import("./programs/torch.ts")).runTorch },
  files: { count: 100_000, load: async () => (await import("./files/run.ts")).runFiles },
  queries: { count: 100_000, load: async () => (await import("./queries/run.ts")).runQueries },
  kills: { count: 100, load: async () => (await import("./kills/run.ts")).runKills },
};

const USAGE = `usage: npm run fuzz -- NAME [--count N] [--seed S] [--minutes M] [--device D] [--modes all|one]
fuzzers: ${Object.keys(FUZZERS).join(", ")}`;

function number(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (text?.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new OptionError(`fuzz: --${name} must be a number ≥ 0, got "${text}".`);
  }
  return value;
}

await guard(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: "string" },
      seed: { type: "string" },
      minutes: { type: "string" },
      device: { type: "string" },
      modes: { type: "string", default: "all" },
      help: { type: "boolean" },
    },
  });
  const [name] = positionals;
  if (name === undefined || values.help) {
    say(USAGE);
    return;
  }
  const fuzzer = FUZZERS[name];
  if (fuzzer === undefined) {
    const near = nearest(name, Object.keys(FUZZERS), 1)[0];
    throw new OptionError(`fuzz: "${name}" is unknown. ${near ? `Did you mean ${near}?` : USAGE}`);
  }
  if (values.modes !== "all" && values.modes !== "one") {
    throw new OptionError(`fuzz: --modes must be all or one, got "${values.modes}".`);
  }
  const run = await fuzzer.load();
  const begun = Date.now();
  const report = await run({
    count: number("count", values.count, fuzzer.count),
    seed: number("seed", values.seed, 1),
    minutes: number("minutes", values.minutes, 1e6),
    device: (values.device ?? "cpu") as Device,
    modes: values.modes === "one" ? "one" : "all",
  });
  printJson({ fuzzer: name, seconds: Math.round((Date.now() - begun) / 1000), ...report });
  if (report.failures.length > 0) process.exitCode = 1;
});
