// `athanor lab report`
import { join } from "node:path";
import type { Command } from "commander";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { entries } from "../../lab/index.ts";
import { COMMITTED, standings } from "../../lab/node/results.ts";
import { PAGES, reportPage } from "../../lab/report/page.ts";
import type { Language } from "../../lab/report/words.ts";
import { guard, printJson, say } from "../command.ts";

const HELP = `
Two pages, English and Chinese, that need no server and load nothing: claims, sources, rows, pictures, verdicts and what
decided them, with search and a choice of verdicts.

Examples:
  athanor lab report
  athanor lab report --out public/lab`;

export function define(command: Command): void {
  command
    .option("--out <folder>", "where to write index.html and index.zh.html", "lab-report")
    .option("--results <folder>", "folder of results of full runs", COMMITTED)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action((options: { out: string; results: string; json?: boolean }) => guard(() => run(options)));
}

async function run({
  out,
  results,
  json = false,
}: {
  out: string;
  results: string;
  json?: boolean;
}): Promise<void> {
  const all = entries();
  const found = await standings(all, results);
  const reported = all.map((entry, i) => ({ entry, standing: found[i] ?? { verdict: null } }));
  const files: string[] = [];
  for (const [language, file] of Object.entries(PAGES) as [Language, string][]) {
    const path = join(out, file);
    await writeFileAtomic(path, reportPage(reported, language));
    files.push(path);
    say(`written: ${path}`);
  }
  if (json)
    printJson({
      files,
      entries: all.length,
      verdicts: found.filter(({ verdict }) => verdict !== null).length,
    });
}
