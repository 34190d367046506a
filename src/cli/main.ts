#!/usr/bin/env node
// The command line: one file per noun, listed here.
import { Command } from "commander";
import { type AddCommand, guard } from "./command.ts";
import { addDemo } from "./demo.ts";
import { addEval } from "./eval.ts";
import { addExport } from "./export.ts";
import { addGenerate } from "./generate.ts";
import { addInspect } from "./inspect.ts";
import { addPapers } from "./papers.ts";
import { addTokenizer } from "./tokenizer.ts";
import { addTrain } from "./train.ts";

const commands: AddCommand[] = [
  addDemo,
  addTrain,
  addGenerate,
  addEval,
  addInspect,
  addExport,
  addTokenizer,
  addPapers,
];

const program = new Command("athanor")
  .description("Train, adapt and study sequence models.")
  .version("0.1.0")
  .option("--debug", "print stacks with errors")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
for (const add of commands) add(program);
// Errors of a command are told by the command; those of its options come from here.
await guard(async () => void (await program.parseAsync()));
