// From a vocabulary to a tokenizer.
import { bpeEncoder, encodeBpeInto } from "./encode/bpe.ts";
import {
  DEFAULT_SPECIALS,
  type Special,
  type TokenizerModel,
  type UnigramModel,
  checkUnigram,
} from "./model.ts";
import { sampleUnigram, unigramSampler } from "./encode/sample.ts";
import { type Engine, type Tokenizer, tokenizerFrom } from "./tokenizer.ts";
import { encodeUnigramInto, unigramEncoder } from "./encode/unigram.ts";

/** A tokenizer from a vocabulary. @throws OptionError if the vocabulary is inconsistent. */
export function createTokenizer(model: TokenizerModel): Tokenizer {
  if (model.kind === "bpe") {
    const encoder = bpeEncoder(model);
    return tokenizerFrom({
      kind: "bpe",
      pieces: model.pieces,
      specials: model.specials,
      model,
      added: model.added,
      template: model.template,
      bos: model.bos,
      eos: model.eos,
      normalization: model.normalization,
      dummyPrefix: model.dummyPrefix,
      // Bytes of a lone surrogate are U+FFFD's; the split pattern must see the same.
      encodeInto: (bytes, from, to, out, text) =>
        encodeBpeInto(encoder, bytes, from, to, out, text?.toWellFormed()),
    });
  }
  checkUnigram(model, "createTokenizer");
  return tokenizerFrom(unigramEngine(model));
}

function unigramEngine(model: UnigramModel): Engine {
  const encoder = unigramEncoder(model.pieces, model.logProbs);
  let sampler: ReturnType<typeof unigramSampler> | undefined; // its second trie is built when first needed
  const ofByte = encoder.trie.maxLength > 1 ? undefined : byteIds(model);
  return {
    kind: ofByte === undefined ? "unigram" : "bytes",
    pieces: model.pieces,
    specials: model.specials,
    model,
    added: model.added,
    template: model.template,
    bos: model.bos,
    eos: model.eos,
    normalization: model.normalization,
    encodeInto: (bytes, from, to, out) => {
      if (ofByte === undefined) encodeUnigramInto(encoder, bytes, from, to, out);
      else {
        const data = out.reserve(to - from);
        for (let i = from; i < to; i++) data[out.length++] = ofByte[bytes[i] ?? 0] ?? 0;
      }
    },
    sampleInto: (bytes, alpha, random, method, out) => {
      sampler ??= unigramSampler(encoder, model.pieces);
      sampleUnigram(sampler, bytes, 0, bytes.length, alpha, random, method, out);
    },
  };
}

/** The id of each single byte. */
function byteIds(model: UnigramModel): Int32Array {
  const ids = new Int32Array(256);
  model.pieces.forEach((p, id) => {
    if (p.length === 1) ids[p[0] ?? 0] = id;
  });
  return ids;
}

/**
 * The simplest tokenizer: one token per byte, after the specials, so that training treats bytes and pieces
 * alike. Byte `b` has id `specials.length + b`.
 */
export function byteTokenizer(specials: readonly Special[] = DEFAULT_SPECIALS): Tokenizer {
  const first = specials.length;
  const pieces: Uint8Array[] = specials.map(() => new Uint8Array(0));
  const logProbs = new Float64Array(first + 256).fill(-Infinity, 0, first).fill(-Math.log(256), first);
  for (let b = 0; b < 256; b++) pieces.push(Uint8Array.of(b));
  return createTokenizer({ kind: "unigram", pieces, logProbs, specials });
}
