// A model to go on from: a run, a Hugging Face folder, a llama2.c file.
import { copyFile, stat } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { OptionError } from "../../errors.ts";
import { BESIDE } from "../../model/beside.ts";
import { applyChatTemplate, type ChatMessage } from "../../model/chat.ts";
import type { CausalLMConfig, CausalLMParams } from "../../model/index.ts";
import { loadModel } from "../../model/load.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { loadTokenizer } from "../../tokenizer/load-save.ts";
import type { Turn } from "../texts.ts";
import { isRun, openRun } from "./run-folder.ts";

/** A model as it was left. */
export interface Pretrained {
  readonly config: CausalLMConfig;
  readonly params: CausalLMParams;
  readonly tokenizer: Tokenizer;
  readonly tokenizerPath: string;
  /** Text of a chat, where the model says how it was trained on chats. */
  readonly chat?: (turns: readonly Turn[]) => string;
}

/**
 * Opens the model at `path` with its tokenizer.
 * @throws OptionError when it carries no tokenizer; FileError when it cannot be read.
 */
export async function openPretrained(path: string): Promise<Pretrained> {
  if (await isRun(path)) {
    const { config, params, tokenizer, tokenizerPath } = await openRun(path);
    return { config: config.model, params, tokenizer, tokenizerPath };
  }
  const { config, params, tokenizerPath, chat } = await loadModel(path);
  if (tokenizerPath === undefined) {
    throw new OptionError(
      `train: --from ${path} must carry a tokenizer, got none beside it. Put its tokenizer.json there.`,
    );
  }
  const tokenizer = await loadTokenizer(tokenizerPath);
  return {
    config,
    params,
    tokenizer,
    tokenizerPath,
    ...(chat && {
      chat: (turns: readonly Turn[]) => applyChatTemplate(chat, turns as readonly ChatMessage[], false),
    }),
  };
}

/** Puts the tokenizer of a model into a run, unchanged, with what belongs to it. */
export async function keepTokenizer(tokenizerPath: string, run: string): Promise<void> {
  await copyFile(tokenizerPath, join(run, `tokenizer${extname(tokenizerPath)}`));
  for (const name of BESIDE) {
    const from = join(dirname(tokenizerPath), name);
    if (await stat(from).catch(() => undefined)) await copyFile(from, join(run, name));
  }
}
