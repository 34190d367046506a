// The small files of a model's folder that say how it is used: templates, special tokens, how text is drawn.
import { type Folder, jsonObject, textIn } from "../files/folder.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type ChatTemplate, readChatTemplate } from "./chat.ts";
import type { ModelTokens } from "./hugging-face.ts";
import type { SamplingOptions } from "./sampling.ts";

/** Names of those files. A folder that is written again carries them on as they are. */
export const BESIDE: readonly string[] = [
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "generation_config.json",
  "chat_template.jinja",
];

/** What stands in them. */
export interface Beside {
  /** Their texts by name. */
  readonly texts: ReadonlyMap<string, string>;
  readonly chat: ChatTemplate | undefined;
  /** Whether texts begin with BOS; `undefined` where the tokenizer itself says what it puts before a text. */
  readonly addBos: boolean | undefined;
  /** Tokens that end a text, where `generation_config.json` names them. */
  readonly eos: readonly number[] | undefined;
  /** How its authors have it draw tokens. */
  readonly drawing: SamplingOptions;
}

/** Reads those that `folder` has; broken ones are only advice, and say nothing. */
export async function readBeside(folder: Folder): Promise<Beside> {
  const texts = new Map<string, string>();
  for (const name of BESIDE) {
    const text = await textIn(folder, name);
    if (text !== undefined) texts.set(name, text);
  }
  const object = (name: string): Record<string, unknown> => jsonObject(texts.get(name) ?? "") ?? {};
  const advice = object("tokenizer_config.json");
  const generation = object("generation_config.json");
  const eos = [generation["eos_token_id"]].flat().filter((id): id is number => typeof id === "number");
  return {
    texts,
    chat: readChatTemplate(advice, texts.get("chat_template.jinja")),
    addBos: typeof advice["add_bos_token"] === "boolean" ? advice["add_bos_token"] : undefined,
    eos: eos.length > 0 ? eos : undefined,
    drawing: drawingOf(generation),
  };
}

/**
 * What `generation_config.json` says of drawing; numbers that are off there (`top_k` 0) or make no sense are left out.
 * `do_sample: false` is the most probable token always.
 */
function drawingOf(generation: Readonly<Record<string, unknown>>): SamplingOptions {
  const number = (key: string, holds: (x: number) => boolean): number | undefined => {
    const value = generation[key];
    return typeof value === "number" && holds(value) ? value : undefined;
  };
  const draws = generation["do_sample"];
  const given = number("temperature", (x) => x > 0);
  const temperature = draws === false ? 0 : (given ?? (draws === true ? 1 : undefined));
  const topK = number("top_k", (x) => Number.isInteger(x) && x >= 1);
  const topP = number("top_p", (x) => x > 0 && x <= 1);
  const minP = number("min_p", (x) => x >= 0 && x < 1);
  const repetitionPenalty = number("repetition_penalty", (x) => x > 0);
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(minP !== undefined && { minP }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
  };
}

/** The token that a model's texts begin with: BOS where its files ask for it, else what its tokenizer puts there. */
export function firstToken(
  { addBos, tokens }: { readonly addBos: boolean | undefined; readonly tokens: ModelTokens },
  tokenizer: Tokenizer,
): number | undefined {
  if (addBos === undefined) return tokenizer.template.before[0];
  return addBos ? tokens.bos : undefined;
}
