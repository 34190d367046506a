// `athanor chat`
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { applyChatTemplate, type ChatMessage } from "../../model/chat.ts";
import type { GenerateOptions } from "../../model/generate.ts";
import { printJson, say } from "../command.ts";
import { openWriter, optionsOf, withWritingOptions, write, type WritingFlags } from "./writing.ts";

interface ChatFlags extends WritingFlags {
  readonly system?: string;
}

const HELP = `
Examples:
  athanor chat ./SmolLM2-135M-Instruct
  athanor chat ./Qwen3-0.6B --system "Answer in one sentence." --prompt "Why is the sky blue?"`;

export function define(command: Command): void {
  withWritingOptions(
    command
      .description("talk with a model that carries a chat template")
      .argument("<model>", "Hugging Face folder with a chat template")
      .option("-p, --prompt <text...>", "messages to send instead of asking for them", [])
      .option("--stop <text...>", "end an answer before any of these texts", [])
      .option("--system <text>", "message that sets the scene"),
  )
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: ChatFlags): Promise<void> {
  const { model, decoder } = await openWriter(path, flags);
  const template = model.chat;
  if (template === undefined) {
    throw new OptionError(`chat: ${path} carries no chat template. Use athanor generate.`);
  }
  const messages: ChatMessage[] =
    flags.system === undefined ? [] : [{ role: "system", content: flags.system }];
  const answer = async (content: string): Promise<void> => {
    messages.push({ role: "user", content });
    const prompt = applyChatTemplate(template, messages);
    const options: GenerateOptions = {
      ...optionsOf(model, flags, flags.seed),
      bos: undefined,
      specials: true,
      boundary: "off",
    };
    const result = await write(decoder, model, prompt, options, flags.json === true);
    messages.push({ role: "assistant", content: result.text });
    if (!flags.json) process.stdout.write("\n");
  };
  try {
    for (const content of flags.prompt) {
      if (!flags.json) say(`> ${content}`);
      await answer(content);
    }
    if (flags.prompt.length === 0) {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      for (;;) {
        const content = await lines.question("> ").catch(() => "");
        if (content.trim() === "") break;
        await answer(content);
      }
      lines.close();
    }
    if (flags.json) printJson({ messages });
  } finally {
    await decoder.release();
  }
}
