// tokenizer.json of any tokenizer, with the token that texts begin with, so that other programs put it there, too.
import { OptionError } from "../../errors.ts";
import type { TokenizerModel } from "../model.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { isRecord } from "./byte-level.ts";
import { writeHuggingFace } from "./hugging-face-write.ts";

/**
 * `tokenizer.json`; one run by the steps of its own file is that file.
 * @param bos Is put before a text where the tokenizer's own template puts nothing there.
 * @throws OptionError if the format cannot express it.
 */
export function tokenizerJson(tokenizer: Tokenizer, bos?: number): string {
  const { model, json, template } = tokenizer;
  const bare = bos !== undefined && template.before.length === 0;
  if (model !== undefined) {
    const around: TokenizerModel = bare ? { ...model, template: { ...template, before: [bos] } } : model;
    return writeHuggingFace(around);
  }
  if (!isRecord(json)) {
    throw new OptionError(
      "save: tokenizer must be one that tokenizer.json can hold, got one run by the steps of its own file. Copy that file.",
    );
  }
  const text = bare ? tokenizer.specials.find(({ id }) => id === bos)?.text : undefined;
  return JSON.stringify(
    text === undefined ? json : { ...json, post_processor: before(text, bos ?? 0, json["post_processor"]) },
  );
}

/** A post-processor that puts a token before what `inner` makes. */
function before(text: string, id: number, inner: unknown): object {
  const special = { SpecialToken: { id: text, type_id: 0 } };
  const sequence = (name: string, type_id: number): object => ({ Sequence: { id: name, type_id } });
  const own = {
    type: "TemplateProcessing",
    single: [special, sequence("A", 0)],
    pair: [special, sequence("A", 0), special, sequence("B", 1)],
    special_tokens: { [text]: { id: text, ids: [id], tokens: [text] } },
  };
  return isRecord(inner) ? { type: "Sequence", processors: [inner, own] } : own;
}
