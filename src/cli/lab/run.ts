// `athanor lab run`
import { join } from "node:path";
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import {
  type AnyEntry,
  entries,
  entryNamed,
  judge,
  lean,
  rowsOf,
  type Scale,
  unitKey,
  unitsOf,
} from "../../lab/index.ts";
import { absent, nodeContext, wantOf } from "../../lab/node/data.ts";
import { writeResult } from "../../lab/node/results.ts";
import { circumstances, runEntry } from "../../lab/node/run.ts";
import { resultOf } from "../../lab/result.ts";
import type { Done } from "../../lab/unit.ts";
import { duration, guard, printJson, say } from "../command.ts";
import { list, whole } from "../numbers.ts";

const HELP = `
--quick takes about a minute an entry and says whether the rows agree in direction; it is never a verdict. --full takes the
hours that lab list names and ends in a verdict, sentence by sentence. Units that are done are kept under --keep, so that
a run that was broken off goes on where it was. An entry whose data are absent is skipped, with what would bring them.
With --queue the units of all entries go to workers (athanor lab worker) through a Redis server.

Examples:
  athanor lab run rope-base
  athanor lab run copy-task rerope --full
  athanor lab run all --quick --json
  athanor lab run all --full --queue redis://10.0.0.5:6379`;

interface Options {
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly smallest?: boolean;
  readonly seeds?: readonly number[];
  readonly keep: string;
  readonly queue?: string;
  readonly json?: boolean;
}

export function define(command: Command): void {
  command
    .argument("<names...>", "entries, or all")
    .option("--quick", "about a minute: does it agree in direction? (the default)")
    .option("--full", "hours: a verdict")
    .option("--smallest", "seconds: does it run at all?")
    .option("--seeds <list>", "seeds in place of the entry's own", list(whole, "whole numbers", "0,1,2"))
    .option("--keep <folder>", "folder for units done, pictures and results of full runs", "runs/lab")
    .option("--queue <address>", "spread the work over workers: redis://HOST[:PORT]")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action((names: string[], options: Options) => guard(() => run(names, options)));
}

async function run(names: readonly string[], options: Options): Promise<void> {
  const scales = (["quick", "full", "smallest"] as const).filter((scale) => options[scale]);
  if (scales.length > 1) {
    throw new OptionError(
      `lab run: one of --quick, --full and --smallest must be given, got ${scales.length}.`,
    );
  }
  const scale: Scale = scales[0] ?? "quick";
  const asked = names.includes("all") ? entries() : names.map(entryNamed);
  const told: object[] = [];
  const ready: AnyEntry[] = [];
  for (const entry of asked) {
    const lacking = absent(entry.needs).map(wantOf);
    if (lacking.length === 0) ready.push(entry);
    else {
      say(`${entry.name}: skipped, ${lacking.join("; ")}`);
      told.push({ name: entry.name, scale, skipped: lacking.join("; "), verdict: null, agrees: null });
    }
  }
  if (options.queue !== undefined) {
    const { runOverQueue } = await import("../../lab/node/queue.ts");
    const units = ready.flatMap((entry) => unitsOf(entry, scale, options.seeds));
    const done = await runOverQueue(options.queue, units, { keep: options.keep, say });
    for (const entry of ready) told.push(await tell(entry, scale, done.get(entry.name) ?? [], options));
  } else {
    for (const entry of ready) {
      say(`${entry.name} (${scale}): ${entry.claim.en}`);
      const context = nodeContext((line) => say(`  ${line}`));
      const done = await runEntry(entry, context, {
        scale,
        ...(options.seeds && { seeds: options.seeds }),
        keep: options.keep,
        onUnit: ({ seconds, seed }, count, of) =>
          say(`  ${count} of ${of} units, seed ${seed}: ${duration(seconds)}`),
      });
      told.push(await tell(entry, scale, done, options));
    }
  }
  if (options.json) printJson(told);
  if (ready.length === 0)
    throw new Error(`lab run: nothing could be run; data of ${asked.length} entries are absent.`);
}

/** Says and returns what the rows say; pictures, and results of full runs, go into the folder that is kept. */
async function tell(
  entry: AnyEntry,
  scale: Scale,
  done: readonly Done[],
  { keep }: Options,
): Promise<object> {
  const { name } = entry;
  const rows = rowsOf(done);
  for (const [file, svg] of Object.entries(entry.figures(rows))) {
    await writeFileAtomic(join(keep, "figures", scale, file), svg);
  }
  const hours = done.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const common = { name, scale, hours, rows };
  if (scale !== "full") {
    const { agrees, findings } = lean(entry, rows);
    sayFindings(findings);
    say(`${name}: ${agrees ? "agrees in direction" : "does not agree in direction"}`);
    return { ...common, verdict: null, agrees, findings };
  }
  const { verdict, findings } = judge(entry, rows);
  sayFindings(findings);
  const keys = new Set(done.map(unitKey));
  const missing = unitsOf(entry, "full").filter((unit) => !keys.has(unitKey(unit))).length;
  if (missing > 0) {
    say(`${name}: no verdict, ${missing} units of the full run are still to do`);
    return { ...common, verdict: null, agrees: null, findings };
  }
  const result = resultOf(entry, done, circumstances(`athanor lab run ${name} --full`));
  const path = await writeResult(keep, result);
  say(
    `${name}: ${verdict}, in ${hours.toFixed(2)} hours (${path}; data/lab is the folder that verdicts are read from)`,
  );
  return { ...common, verdict, agrees: null, findings };
}

function sayFindings(
  findings: readonly {
    readonly holds: boolean | null;
    readonly says: { readonly en: string };
    readonly shows: string;
  }[],
): void {
  for (const { holds, says, shows } of findings) {
    const word = holds === null ? "not had" : holds ? "holds" : "FAILS";
    say(`  ${word.padEnd(8)} ${says.en}${shows === "" ? "" : ` [${shows}]`}`);
  }
}
