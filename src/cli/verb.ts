// Nouns and verbs: what `--help` lists of them, and the file that knows the rest, read when it is wanted.
import type { Command } from "commander";
import { read } from "./numbers.ts";

/** A verb's file: gives the command its arguments, options, examples and action. */
export interface VerbFile {
  define(command: Command): void;
}

/** A verb of the command line. */
export interface Verb {
  readonly name: string;
  /** One line for the list of commands. */
  readonly about: string;
  /** The verb's file; imported when the verb is called, so that `--help` need not wait for a runtime. */
  readonly load: () => Promise<VerbFile>;
}

/** A noun with verbs of its own: `athanor papers add`. */
export interface Noun {
  readonly name: string;
  readonly about: string;
  readonly verbs: readonly Verb[];
}

/** Adds nouns and verbs to `parent`; a verb is filled in when it is called or asked for help. */
export function addCommands(parent: Command, commands: readonly (Verb | Noun)[]): void {
  const verbs = new Map<Command, Verb>();
  for (const entry of commands) {
    const command = parent.command(entry.name).description(entry.about);
    if ("verbs" in entry) addCommands(command, entry.verbs);
    else verbs.set(command, entry);
  }
  parent.hook("preSubcommand", async (_, command) => {
    const verb = verbs.get(command);
    if (verb === undefined) return;
    (await verb.load()).define(command);
    nameRefusals(command);
  });
}

/** `tokenizer train`: the words that lead to a command, without the program's own name. */
function pathOf(command: Command): string {
  const above = command.parent;
  if (above === null) return "";
  return `${pathOf(above)} ${command.name()}`.trim();
}

/** Lets a parser's refusal (`a whole number ≥ 1`) name command, option and value. */
function nameRefusals(command: Command): void {
  const named = (name: string, parse: (text: string, before: unknown) => unknown) => {
    return (text: string, before: unknown): unknown =>
      read(`${pathOf(command)}: ${name}`, (given) => parse(given, before), text);
  };
  for (const option of command.options) {
    if (option.parseArg) option.argParser(named(option.long ?? option.flags, option.parseArg));
  }
}
