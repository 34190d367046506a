// A tokenizer.json as the steps of a pipeline (WordPiece, Metaspace, SentencePiece conversions …). Every step
// gives the ids that https://github.com/huggingface/tokenizers gives, or the file is refused by name.
import { decoderOf } from "../pipeline/decoders.ts";
import { modelOf } from "../pipeline/models.ts";
import { normalizerOf } from "../pipeline/normalizers.ts";
import { pipelineTokenizer } from "../pipeline/pipeline.ts";
import { preTokenizerOf } from "../pipeline/pre-tokenizers.ts";
import { templateOf } from "../pipeline/template.ts";
import { FileError } from "../../errors.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { type AddedTokens, addedTokensOf } from "./hugging-face-added.ts";

/**
 * A tokenizer run step by step.
 * @param json Content of tokenizer.json. @param config Content of tokenizer_config.json.
 * @throws FileError that names the step or field that has no equal here.
 */
export function huggingFaceTokenizer(
  json: Record<string, unknown>,
  config: object = {},
  file = "tokenizer.json",
): Tokenizer {
  const tokens = addedTokensOf(json, config, file);
  const { added, specials } = tokens;
  const model = modelOf(json["model"] as Record<string, unknown>, `${file}: model`, ({ idOf }) => {
    checkAddedIds(tokens, idOf, file);
    return new Set(specials.map((s) => s.id));
  });
  return pipelineTokenizer({
    file,
    specials,
    added,
    normalize: normalizerOf(json["normalizer"], `${file}: normalizer`),
    preTokenize: preTokenizerOf(json["pre_tokenizer"], `${file}: pre_tokenizer`),
    model,
    decoder: decoderOf(json["decoder"], `${file}: decoder`),
    template: templateOf(json["post_processor"], `${file}: post_processor`),
    json,
    bos: tokens.bos,
    eos: tokens.eos,
  });
}

/**
 * The Rust library gives an added token the id that its text has in the model, else the next free one, whatever
 * the file says: a file that says otherwise means other ids there than here.
 */
export function checkAddedIds({ all }: AddedTokens, idOf: ReadonlyMap<string, number>, file: string): void {
  let next = idOf.size;
  for (const { id, text } of all) {
    const own = idOf.get(text);
    const given = own ?? next;
    if (own === undefined) next++;
    if (given === id) continue;
    throw new FileError(
      `load: ${file}: added token ${JSON.stringify(text)} must have the id ${given}, which its library gives it, got ${id}. Save the file again there.`,
    );
  }
}
