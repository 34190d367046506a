// Random segmentation while a model trains: the same text in other tokens each time it is seen. Su 2023,
// https://kexue.fm/archives/9762 and https://kexue.fm/archives/9768; Kudo 2018, section 3.2, https://arxiv.org/abs/1804.10959
import { OptionError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { Ids } from "./corpus.ts";

/** How training windows are cut into tokens. */
export interface Segmentation {
  /** Segmentations are drawn ∝ `p^α`: 0 uniformly, 1 as the pieces' probabilities say, larger ones nearer the best. */
  readonly alpha: number;
}

/** Tokens of the window that begins at token `start` of a text, drawn anew. `sequence` decides the draw. */
export type DrawWindow = (ids: Ids, start: number, sequence: number) => Int32Array;

/**
 * Windows of `length` tokens whose text is that of the plain tokens from `start` on, in segmentations drawn by seed and
 * sequence. Random ones are longer, so that a window ends earlier in the text than a plain one: what it leaves out, the
 * offset of another epoch reaches. Special tokens stay where they are. Beyond the end of the text stand zeros.
 * @throws OptionError for a tokenizer with one segmentation only.
 */
export function windowDrawer(
  tokenizer: Tokenizer,
  { alpha }: Segmentation,
  { seed, length }: { readonly seed: number; readonly length: number },
): DrawWindow {
  if (tokenizer.kind !== "unigram") {
    throw new OptionError(
      `train: segmentation needs a tokenizer that can cut a text in many ways (bytepiece, unigram), got ${tokenizer.kind}. Leave it out or train another tokenizer.`,
    );
  }
  const specials = new Set(tokenizer.specials.map(({ id }) => id));
  return (ids, start, sequence) => {
    const out: number[] = [];
    for (let at = start; at < ids.length && out.length < length; ) {
      const token = ids[at] ?? 0;
      if (specials.has(token)) {
        out.push(token);
        at++;
        continue;
      }
      let end = at;
      while (end < Math.min(at + length, ids.length) && !specials.has(ids[end] ?? 0)) end++;
      // A window has a number of its own, and so has each stretch of text in it.
      const drawn = tokenizer.sample(tokenizer.decodeBytes(ids.subarray(at, end)), {
        alpha,
        seed,
        stream: sequence * length + (at - start),
      });
      for (const id of drawn) out.push(id);
      at = end;
    }
    const window = new Int32Array(length);
    window.set(out.slice(0, length));
    return window;
  };
}
