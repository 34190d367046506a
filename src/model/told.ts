// What a written folder says of its model beside the weights: tokenizer, template, how texts begin and end. Files that
// a model came with are carried on; what they leave out, or what came out of another format, is said in their words.
import { jsonObject } from "../files/folder.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { tokenizerJson } from "../tokenizer/formats/hugging-face-any.ts";
import type { ChatTemplate } from "./chat.ts";
import type { ModelTokens } from "./hugging-face.ts";

/** What is known of how a model is used. */
export interface Told {
  readonly tokenizer: Tokenizer;
  readonly tokens: ModelTokens;
  readonly chat?: ChatTemplate | undefined;
  /** Texts begin with `tokens.bos`. */
  readonly addBos: boolean;
  /** Texts of the small files that it came with, by name. */
  readonly beside?: ReadonlyMap<string, string>;
}

/** Where a chat template stands: where the files have it, or `inside` tokenizer_config.json in any case. */
export type TemplatePlace = "kept" | "inside";

/**
 * The small files of a folder, tokenizer.json first unless `vocabulary` is false.
 * @throws OptionError for a tokenizer that tokenizer.json has no words for.
 */
export function* toldFiles({
  tokenizer,
  tokens,
  chat,
  addBos,
  beside = new Map(),
  template = "kept",
  vocabulary = true,
}: Told & { readonly template?: TemplatePlace; readonly vocabulary?: boolean }): Generator<
  [name: string, text: string]
> {
  if (vocabulary) yield ["tokenizer.json", tokenizerJson(tokenizer, addBos ? tokens.bos : undefined)];
  const own = jsonObject(beside.get("tokenizer_config.json") ?? "");
  for (const [name, text] of beside) if (name !== "tokenizer_config.json") yield [name, text];
  const textOf = (id: number | undefined): string | undefined =>
    tokenizer.specials.find((special) => special.id === id)?.text;
  const word = (key: string, id: number | undefined): object => {
    const text = chat?.variables[key] ?? textOf(id);
    return text === undefined ? {} : { [key]: text };
  };
  const made = {
    tokenizer_class: "PreTrainedTokenizerFast",
    add_bos_token: addBos,
    ...word("bos_token", tokens.bos),
    ...word("eos_token", tokens.eos.find((id) => id !== tokens.bos) ?? tokens.eos[0]),
    ...word("pad_token", tokens.pad),
    ...word("unk_token", undefined),
    clean_up_tokenization_spaces: false,
  };
  const { source, withTools } = chat ?? {};
  const held =
    withTools === undefined
      ? source
      : [
          { name: "default", template: source },
          { name: "tool_use", template: withTools },
        ];
  const jinja = beside.has("chat_template.jinja");
  const there = jinja ? template === "kept" : own?.["chat_template"] !== undefined;
  const config = {
    ...(own === undefined ? made : template === "kept" ? own : { ...made, ...own, add_bos_token: addBos }),
    ...(held !== undefined && !there && { chat_template: held }),
  };
  yield ["tokenizer_config.json", `${JSON.stringify(config, null, 2)}\n`];
  if (beside.has("generation_config.json")) return;
  const [first, ...more] = tokens.eos;
  const generation = {
    ...(tokens.bos !== undefined && { bos_token_id: tokens.bos }),
    ...(first !== undefined && { eos_token_id: more.length > 0 ? tokens.eos : first }),
    ...(tokens.pad !== undefined && { pad_token_id: tokens.pad }),
  };
  if (Object.keys(generation).length > 0) {
    yield ["generation_config.json", `${JSON.stringify(generation, null, 2)}\n`];
  }
}
