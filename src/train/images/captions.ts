// Captions as words: lower-case letters and digits, everything else stands between them.
import { nearest, OptionError } from "../../errors.ts";
import { END, FIRST_WORD, type ImageSpace, PADDING, UNKNOWN } from "./method.ts";

/** Words of a caption. */
export function wordsOf(caption: string): string[] {
  return (
    caption
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}

/** All words of captions, the most frequent first, then by letters; and the length of the longest with its end. */
export function captionWords(captions: readonly string[]): {
  readonly words: readonly string[];
  readonly captionLength: number;
} {
  const counts = new Map<string, number>();
  let longest = 0;
  for (const caption of captions) {
    const words = wordsOf(caption);
    longest = Math.max(longest, words.length);
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([word]) => word);
  return { words, captionLength: words.length === 0 ? 0 : longest + 1 };
}

/** Ids of captions, `[N, L]`: words, `END`, `PADDING`. Longer ones are cut; words that the space lacks are `UNKNOWN`. */
export function captionIds(captions: readonly string[], { words, captionLength: L }: ImageSpace): Int32Array {
  const ids = new Map(words.map((word, i) => [word, FIRST_WORD + i]));
  const out = new Int32Array(captions.length * L).fill(PADDING);
  captions.forEach((caption, row) => {
    const found = wordsOf(caption).slice(0, L - 1);
    found.forEach((word, i) => (out[row * L + i] = ids.get(word) ?? UNKNOWN));
    out[row * L + found.length] = END;
  });
  return out;
}

/** The caption of a row of ids, up to its end. */
export function captionText(ids: ArrayLike<number>, { words }: Pick<ImageSpace, "words">): string {
  const all = Array.from(ids);
  const end = all.indexOf(END);
  return all
    .slice(0, end < 0 ? all.length : end)
    .filter((id) => id !== PADDING)
    .map((id) => words[id - FIRST_WORD] ?? "…")
    .join(" ");
}

/** Ids of something asked for. @throws OptionError for words that no picture of the training had, with the nearest. */
export function promptIds(prompt: string, space: ImageSpace): Int32Array {
  const words = wordsOf(prompt);
  if (words.length === 0) throw new OptionError(`images: prompt must hold words, got "${prompt}".`);
  for (const word of words) {
    if (space.words.includes(word)) continue;
    const near = nearest(word, space.words, 3);
    throw new OptionError(
      `images: prompt must use the ${space.words.length} words of the training's captions, got "${word}".${near.length > 0 ? ` Did you mean ${near.join(", ")}?` : ""}`,
    );
  }
  return captionIds([prompt], space);
}
