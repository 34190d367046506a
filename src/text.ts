// A loaded model put to use: text that continues, and conversations.
import { OptionError } from "./errors.ts";
import { firstToken } from "./model/beside.ts";
import { applyChatTemplate, type ChatMessage, type ChatOptions } from "./model/chat.ts";
import { createDecoder, type DecoderOptions } from "./model/decode.ts";
import { generate as decode, type GeneratedPiece, type GenerateOptions } from "./model/generate.ts";
import type { StoredModel } from "./model/load.ts";
import type { Tokenizer } from "./tokenizer/index.ts";

/** What `generate` and `chat` need of a model; `loadModel` returns it. */
export type TextModel = Pick<
  StoredModel,
  "addBos" | "chat" | "config" | "drawing" | "params" | "tokenizer" | "tokens"
>;

/** Options of `generate` and `chat`: sampling (default: as the model's authors have it), length, device. */
export interface TextOptions extends GenerateOptions, DecoderOptions {
  /** In place of the model's own. */
  readonly tokenizer?: Tokenizer;
}

/** Text piece by piece; the last value says why it ended. */
export type Text = AsyncGenerator<GeneratedPiece, { ids: number[]; reason: "stop" | "length" | "eos" }>;

/**
 * Continues `prompt`, piece by piece. Of a decoder that is used many times, `generate` of `athanor/model` does the same.
 * @throws FileError when the model carries no tokenizer and none is given.
 * @example
 * const model = await loadModel("models/SmolLM-135M");
 * for await (const { text } of generate(model, "Once upon a time", { maxTokens: 50 })) process.stdout.write(text);
 */
export async function* generate(model: TextModel, prompt: string, options: TextOptions = {}): Text {
  const { tokenizer: own, device, threads, weightBits, ...rest } = options;
  const tokenizer = own ?? (await model.tokenizer());
  const decoder = createDecoder(model.config, model.params, {
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(weightBits !== undefined && { weightBits }),
  });
  const { bos, eos } = model.tokens;
  try {
    return yield* decode(decoder, tokenizer, prompt, {
      eos,
      bos: firstToken(model, tokenizer),
      start: bos,
      ...model.drawing,
      ...rest,
    });
  } finally {
    await decoder.release();
  }
}

/**
 * Answers the last of `messages` through the model's own template, piece by piece.
 * @throws OptionError when the model carries no chat template.
 * @example
 * for await (const { text } of chat(model, [{ role: "user", content: "你好" }])) process.stdout.write(text);
 */
export async function* chat(
  model: TextModel,
  messages: readonly ChatMessage[],
  { think, tools, ...options }: TextOptions & Pick<ChatOptions, "think" | "tools"> = {},
): Text {
  if (model.chat === undefined) {
    throw new OptionError("chat: model must carry a chat template, got none. Use generate.");
  }
  const prompt = applyChatTemplate(model.chat, messages, {
    ...(think !== undefined && { think }),
    ...(tools && { tools }),
  });
  // The template spells BOS itself, and an answer never begins inside a word.
  return yield* generate(model, prompt, { bos: undefined, specials: true, boundary: "off", ...options });
}
