// Reading a text that grows, by a decoder: what every way of writing on stands on.
import { type Decoder, type DecodeState, longestText } from "./decode.ts";

/** Reads one text, from its start or after one more token. */
export interface Follower {
  /** Logits `[rows, V]` after the last `rows` tokens of a text read from its start. */
  read(ids: readonly number[], rows: number): Promise<Float32Array>;
  /** Logits `[1, V]` after `ids`, which is the text read last and one more token. */
  goOn(ids: readonly number[]): Promise<Float32Array>;
}

/**
 * Follows a text with `decoder`, which sees the last `most` tokens of it: default all, or as many as a model with
 * learned positions has places for. Each token beyond moves them all, so that they are read anew.
 */
export async function follow(
  decoder: Decoder,
  most: number = longestText(decoder.config),
): Promise<Follower> {
  let state: DecodeState = await decoder.start();
  const read: Follower["read"] = async (ids, rows) => {
    const out = await decoder.advance(await decoder.start(), [ids.slice(-most)], rows);
    state = out.state;
    return out.logits;
  };
  return {
    read,
    async goOn(ids) {
      if (state.length === most) return read(ids, 1);
      const out = await decoder.advance(state, [ids.slice(-1)]);
      state = out.state;
      return out.logits;
    },
  };
}
