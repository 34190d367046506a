// `athanor chat`
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { FileError, OptionError } from "../../errors.ts";
import { applyChatTemplate, type ChatMessage } from "../../model/chat.ts";
import type { GenerateOptions } from "../../model/generate.ts";
import { printJson, say } from "../command.ts";
import { openWriter, optionsOf, promptsOf, withWritingOptions, write, type WritingFlags } from "./writing.ts";

interface ChatFlags extends WritingFlags {
  readonly system?: string;
  readonly think?: boolean;
  readonly tools?: string;
}

const HELP = `
Examples:
  athanor chat ./SmolLM2-135M-Instruct
  athanor chat ./Qwen3-0.6B --system "Answer in one sentence." --prompt "Why is the sky blue?"
  athanor chat ./Qwen3-0.6B --no-think --tools tools.json --prompt-file question.txt`;

export function define(command: Command): void {
  withWritingOptions(
    command
      .description("talk with a model that carries a chat template")
      .argument("<model>", "Hugging Face folder with a chat template, or a run that began with one (--from)")
      .option("-p, --prompt <text...>", "messages to send instead of asking for them")
      .option("--stop <text...>", "end an answer before any of these texts", [])
      .option("--system <text>", "message that sets the scene")
      .option("--think", "let the model think first, where its template asks (default: as the template does)")
      .option("--no-think", "have it answer at once")
      .option(
        "--tools <file>",
        "JSON list of functions that the model may call, where its template takes them",
      ),
  )
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: ChatFlags): Promise<void> {
  const prompts = await promptsOf("chat", flags);
  const tools = flags.tools === undefined ? undefined : await toolsIn(flags.tools);
  const { model, decoder } = await openWriter(path, flags);
  const template = model.chat;
  if (template === undefined) {
    throw new OptionError(`chat: ${path} carries no chat template. Use athanor generate.`);
  }
  const asked = { ...(flags.think !== undefined && { think: flags.think }), ...(tools && { tools }) };
  // An answer ends where the text would, or with the token that the tokenizer's files name.
  const eos = [...model.eos, ...(model.tokenizer.eos === undefined ? [] : [model.tokenizer.eos])];
  const messages: ChatMessage[] =
    flags.system === undefined ? [] : [{ role: "system", content: flags.system }];
  const answer = async (content: string): Promise<void> => {
    messages.push({ role: "user", content });
    const prompt = applyChatTemplate(template, messages, asked);
    const options: GenerateOptions = {
      ...optionsOf(model, flags, flags.seed),
      eos,
      bos: undefined,
      specials: true,
      boundary: "off",
    };
    const { text, tokens, tokensPerSecond } = await write(
      decoder,
      model,
      prompt,
      options,
      flags.json === true,
    );
    messages.push({ role: "assistant", content: text });
    if (flags.json) return;
    process.stdout.write("\n");
    say(`${tokens} tokens, ${tokensPerSecond.toFixed(1)} a second`);
  };
  try {
    for (const content of prompts) {
      if (!flags.json) say(`> ${content}`);
      await answer(content);
    }
    if (prompts.length === 0) await converse(answer);
    if (flags.json) printJson({ messages });
  } finally {
    await decoder.release();
  }
}

/** Asks for messages until one is empty, or none come. */
async function converse(answer: (content: string) => Promise<void>): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: "> " });
  lines.prompt();
  for await (const content of lines) {
    if (content.trim() === "") break;
    await answer(content);
    lines.prompt();
  }
  lines.close();
}

/** The functions in a file. @throws FileError for one that is no JSON list of objects. */
async function toolsIn(path: string): Promise<readonly object[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`chat: --tools ${path} must be readable, got ${error.code ?? error.message}.`);
  });
  let tools: unknown;
  try {
    tools = JSON.parse(text);
  } catch {
    throw new FileError(`chat: --tools ${path} must be JSON, got ${JSON.stringify(text.slice(0, 40))}.`);
  }
  if (Array.isArray(tools) && tools.every((tool) => typeof tool === "object" && tool !== null)) return tools;
  throw new FileError(
    `chat: --tools ${path} must be a list of functions as JSON schemas, got ${JSON.stringify(tools).slice(0, 40)}.`,
  );
}
