// The program `athanor`: finds the verb, runs it, says how it ended.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { guard } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { userFolder } from "./user-folder.ts";
import { addCommands } from "./verb.ts";

const ROOT = resolve(import.meta.dirname, "../..");

const FIRST_STEPS = `
First steps:
  athanor demo                                        a small model of two languages, in four minutes
  athanor train book.txt --minutes 10                 a model of your own text, in a folder under runs/
  athanor generate runs/… --prompt "It was a "        write with it
  athanor papers add library.bib                      a collection of papers, in papers.db …
  athanor papers search "attention is all"            … and what it holds
  athanor train --help                                options and examples of one command

Each command takes --help; most take --json, which prints one JSON document on stdout and leaves the words for
people on stderr. The exit code is 0, 1 after a failure and 2 after a mistake in what was asked.`;

/** Runs the command that the process was started with. */
export async function run(): Promise<void> {
  endQuietly();
  const folder = userFolder(process.env, ROOT);
  if (folder !== undefined) process.chdir(folder);
  const program = new Command("athanor")
    .description("Train, adapt and study sequence models.")
    .version(version())
    .option("--debug", "print stacks with errors")
    .addHelpText("after", FIRST_STEPS)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  addCommands(program, COMMANDS);
  await guard(async () => void (await program.parseAsync()));
}

function version(): string {
  const manifest = JSON.parse(readFileSync(resolve(ROOT, "package.json"), "utf8")) as { version: string };
  return manifest.version;
}

/** A reader that has seen enough (`| head`) ends the program without a word. */
function endQuietly(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit();
      throw error;
    });
  }
}
