// `athanor generate`
import type { Command } from "commander";
import { printJson, say } from "../command.ts";
import { openWriter, optionsOf, promptsOf, withWritingOptions, write, type WritingFlags } from "./writing.ts";

const HELP = `
Examples:
  athanor generate runs/demo --prompt "Once upon a time" --max-tokens 200
  athanor generate stories15M.bin --temperature 0
  athanor generate ./SmolLM-135M --prompt "床前明月光" --top-p 0.9 --bits 8
  athanor generate stories15M.bin --position rerope:window=64,logScale=after --max-tokens 600
  athanor generate stories15M.bin --position yarn:scale=auto --max-tokens 600   one scale for the whole text
  athanor generate runs/long --position hwfa2       as a model trained with --position hwfa2 runs
  cat beginning.txt | athanor generate runs/demo`;

export function define(command: Command): void {
  withWritingOptions(
    command
      .description("continue a text with a run, a Hugging Face folder or a llama2.c file")
      .argument("<model>", "run, Hugging Face folder or llama2.c file")
      .option("-p, --prompt <text...>", "text to continue; several are continued one after the other")
      .option("--stop <text...>", "end before any of these texts", [])
      .option("--no-boundary", "go on after the prompt's own tokens, even inside a word"),
  )
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: WritingFlags): Promise<void> {
  const given = await promptsOf("generate", flags);
  const prompts = given.length === 0 ? [""] : given;
  const { model, decoder } = await openWriter(path, flags, prompts);
  if (prompts.some(isQuestion)) say(aboutQuestions(path, model.chat !== undefined));
  try {
    const results = [];
    for (const [i, prompt] of prompts.entries()) {
      if (!flags.json) process.stdout.write(prompt);
      const result = await write(
        decoder,
        model,
        prompt,
        optionsOf(model, flags, flags.seed + i),
        flags.json === true,
      );
      results.push({ prompt, ...result });
      if (flags.json) continue;
      process.stdout.write("\n");
      if (result.tokens > 0 || flags.maxTokens === 0 || flags.stop.length > 0) {
        say(`${result.tokens} tokens, ${result.tokensPerSecond.toFixed(1)} a second`);
      } else {
        const meant = model.chat ? ` It carries a chat template: athanor chat ${path} may be meant.` : "";
        say(`The model ended the text at once.${meant}`);
      }
    }
    if (flags.json) printJson(results.length === 1 ? results[0] : { results });
  } finally {
    await decoder.release();
  }
}

/** Whether a prompt ends as questions do. */
function isQuestion(prompt: string): boolean {
  return /[?？؟]["'”’」)\]]*\s*$/u.test(prompt);
}

/** What a person who asks should know: `generate` goes on with a text and answers nobody. */
function aboutQuestions(path: string, hasTemplate: boolean): string {
  return hasTemplate
    ? `generate goes on with the text of a prompt; for an answer: athanor chat ${path}`
    : `${path} has no chat template: it goes on with the text and may not answer the question.`;
}
