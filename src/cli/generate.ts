// `athanor generate` and `athanor chat`.
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { OptionError } from "../errors.ts";
import { applyChatTemplate, type ChatMessage } from "../model/chat.ts";
import { createDecoder, type Decoder } from "../model/decode.ts";
import { generate, type GenerateOptions } from "../model/generate.ts";
import { checkSampling } from "../model/sampling.ts";
import type { Device } from "../tensor/index.ts";
import { type AddCommand, guard, printJson, say } from "./command.ts";
import { type OpenedModel, openModel } from "./open-model.ts";

interface Flags {
  prompt: string[];
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP: number;
  minP: number;
  repetitionPenalty: number;
  seed: number;
  stop: string[];
  /** Absent for chat, which never ends inside a word. */
  boundary?: boolean;
  bits?: number;
  tokenizer?: string;
  position?: string;
  device?: Device;
  threads?: number;
  system?: string;
  json?: boolean;
}

/** The commands `generate` and `chat`. */
export const addGenerate: AddCommand = (program) => {
  shared(
    program
      .command("generate <model>")
      .description("continue a text with a run, a Hugging Face folder or a llama2.c file")
      .option("-p, --prompt <text...>", "text to continue; several are continued one after the other", [""])
      .option("--stop <text...>", "end before any of these texts", [])
      .option("--no-boundary", "go on after the prompt's own tokens, even inside a word"),
  )
    .addHelpText("after", EXAMPLES)
    .action((model: string, flags: Flags) => guard(() => runGenerate(model, flags)));
  shared(
    program
      .command("chat <model>")
      .description("talk with a model that carries a chat template")
      .option("-p, --prompt <text...>", "messages to send instead of asking for them", [])
      .option("--stop <text...>", "end an answer before any of these texts", [])
      .option("--system <text>", "message that sets the scene"),
  ).action((model: string, flags: Flags) => guard(() => runChat(model, flags)));
};

const EXAMPLES = `
examples:
  athanor generate runs/demo --prompt "Once upon a time" --max-tokens 200
  athanor generate stories15M.bin --temperature 0
  athanor generate ./SmolLM-135M --prompt "床前明月光" --top-p 0.9 --bits 8
  athanor generate stories15M.bin --position rerope:window=64,logScale=after --max-tokens 600`;

const whole = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n)) throw new OptionError(`generate: a whole number is needed, got "${text}".`);
  return n;
};
const decimal = (text: string): number => {
  const n = Number(text);
  if (text.trim() === "" || Number.isNaN(n))
    throw new OptionError(`generate: a number is needed, got "${text}".`);
  return n;
};

function shared(command: Command): Command {
  return command
    .option("-n, --max-tokens <n>", "tokens to write at most", whole, 256)
    .option("-t, --temperature <x>", "0 always takes the most probable token", decimal, 0.8)
    .option("--top-k <k>", "choose among the k most probable tokens", whole)
    .option("--top-p <p>", "choose among the most probable tokens that together reach p", decimal, 1)
    .option("--min-p <p>", "leave out tokens less probable than p times the best", decimal, 0)
    .option("--repetition-penalty <x>", "make tokens seen before less likely (above 1)", decimal, 1)
    .option("--seed <n>", "same seed, same text", whole, 0)
    .option("--bits <n>", "weights in 8 or 4 bits", whole)
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--position <method>", "score positions another way, e.g. yarn:scale=4")
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--threads <n>", "threads of one operator", whole)
    .option("--json", "print one JSON document");
}

async function open(path: string, flags: Flags): Promise<{ model: OpenedModel; decoder: Decoder }> {
  const { bits } = flags;
  if (bits !== undefined && bits !== 4 && bits !== 8) {
    throw new OptionError(`generate: --bits must be 4 or 8, got ${bits}.`);
  }
  const { temperature, topK, topP, minP, repetitionPenalty } = flags;
  checkSampling({ temperature, topP, minP, repetitionPenalty, ...(topK !== undefined && { topK }) });
  const model = await openModel(path, { tokenizer: flags.tokenizer, position: flags.position });
  const decoder = createDecoder(model.config, model.params, {
    ...(flags.device !== undefined && { device: flags.device }),
    ...(flags.threads !== undefined && { threads: flags.threads }),
    ...(bits !== undefined && { weightBits: bits }),
  });
  return { model, decoder };
}

function optionsOf(model: OpenedModel, flags: Flags, seed: number): GenerateOptions {
  return {
    maxTokens: flags.maxTokens,
    temperature: flags.temperature,
    topP: flags.topP,
    minP: flags.minP,
    repetitionPenalty: flags.repetitionPenalty,
    ...(flags.topK !== undefined && { topK: flags.topK }),
    seed,
    stop: flags.stop,
    eos: model.eos,
    bos: model.bos,
    start: model.start,
    boundary: (flags.boundary ?? true) ? "exact" : "off",
  };
}

/** Writes one continuation; text goes to stdout as it comes unless `quiet`. */
async function write(
  decoder: Decoder,
  model: OpenedModel,
  prompt: string,
  options: GenerateOptions,
  quiet: boolean,
): Promise<{ text: string; tokens: number; tokensPerSecond: number }> {
  let text = "";
  let tokens = 0;
  let first = performance.now();
  for await (const piece of generate(decoder, model.tokenizer, prompt, options)) {
    // The first piece waits for the prompt; the rate is that of the tokens after it.
    if (tokens === 0) first = performance.now();
    text += piece.text;
    tokens = piece.tokens;
    if (!quiet) process.stdout.write(piece.text);
  }
  const seconds = (performance.now() - first) / 1000;
  return { text, tokens, tokensPerSecond: tokens > 1 ? (tokens - 1) / seconds : 0 };
}

async function runGenerate(path: string, flags: Flags): Promise<void> {
  const { model, decoder } = await open(path, flags);
  try {
    const results = [];
    for (const [i, prompt] of flags.prompt.entries()) {
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

async function runChat(path: string, flags: Flags): Promise<void> {
  const { model, decoder } = await open(path, flags);
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
