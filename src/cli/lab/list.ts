// `athanor lab list`
import type { Command } from "commander";
import { type AnyEntry, entries, TABLE } from "../../lab/index.ts";
import { absent, wantOf } from "../../lab/node/data.ts";
import { COMMITTED, standings } from "../../lab/node/results.ts";
import type { Standing } from "../../lab/result.ts";
import { guard, printJson, say } from "../command.ts";

const HELP = `
A verdict comes from a committed full run alone: "holds", "holds in part", "does not hold here" or "cannot be had at this
size"; a dash where none has run. Each claim says where it was published, what it needs and how long it takes.

Examples:
  athanor lab list
  athanor lab list --json`;

export function define(command: Command): void {
  command
    .option("--results <folder>", "folder of results of full runs", COMMITTED)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action((options: { results: string; json?: boolean }) => guard(() => run(options)));
}

async function run({ results, json = false }: { results: string; json?: boolean }): Promise<void> {
  const all = entries();
  const found = await standings(all, results);
  if (json) {
    printJson(all.map((entry, i) => asJson(entry, found[i] ?? { verdict: null })));
    return;
  }
  all.forEach((entry, i) => {
    const { verdict = null, why = "" } = found[i] ?? {};
    if (entry.row !== all[i - 1]?.row) say(`\n${TABLE[entry.row].en}`);
    say(`  ${entry.name.padEnd(22)} ${verdict ?? `– (${why})`}`);
    say(`    ${entry.claim.en}`);
    say(`    ${sourceOf(entry)}`);
    say(`    about ${entry.minutes.quick} min with --quick, ${entry.minutes.full} with --full`);
    for (const need of absent(entry.needs)) say(`    ${wantOf(need)}`);
  });
}

/** Authors, title and addresses in one line. */
export function sourceOf({ source }: AnyEntry): string {
  return [source.says, ...source.links].join(", ");
}

function asJson(entry: AnyEntry, { verdict, why, judgement, result }: Standing): unknown {
  const { name, row, claim, minutes, needs, seeds, beyond = [] } = entry;
  return {
    name,
    row: TABLE[row].en,
    claim: claim.en,
    claimZh: claim.zh,
    source: sourceOf(entry),
    links: entry.source.links,
    needs: needs.map(({ what, package: name, file, install }) => ({
      what,
      ...(name && { package: name }),
      file,
      install,
    })),
    absent: absent(needs).map(wantOf),
    minutes,
    seeds,
    beyond: beyond.map(({ en }) => en),
    verdict,
    ...(why !== undefined && { why }),
    ...(judgement && { findings: judgement.findings }),
    ...(result && { date: result.date, hours: result.hours, machine: result.machine, commit: result.commit }),
  };
}
