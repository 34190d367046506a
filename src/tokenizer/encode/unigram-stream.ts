// Encoding of a text that arrives in parts and need never be in memory as a whole: the ids are those of the text
// encoded at once, for every way of cutting it. An id is given out as soon as nothing that follows can change it.
import { IdBuffer } from "./ids.ts";
import type { UnigramModel } from "../model.ts";
import { type Place, beginChunk, lineEnd, scanChunk, unigramEncoder } from "./unigram.ts";

/** Ids from bytes that arrive in parts. */
export interface StreamEncoder {
  /** The ids that these bytes make certain. */
  push(bytes: Uint8Array): Int32Array;
  /** The ids of what is left; the stream starts anew. */
  flush(): Int32Array;
}

/**
 * Encodes a stream of bytes, some kilobytes behind it; no normalisation, no specials.
 * @example
 * const stream = unigramStream(model);
 * for await (const part of file) ids.push(...stream.push(part));
 * ids.push(...stream.flush());
 */
export function unigramStream(model: UnigramModel): StreamEncoder {
  const encoder = unigramEncoder(model.pieces, model.logProbs);
  const out = new IdBuffer(1 << 12);
  let held: Uint8Array = new Uint8Array(0);
  let place: Place = beginChunk(encoder, 0);

  const take = (last: boolean): Int32Array => {
    out.length = 0;
    while (place.at < held.length) {
      const end = encoder.lines ? lineEnd(held, place.at, held.length) : held.length;
      // A line's end is certain once something else than a newline follows.
      const ends = last || end < held.length;
      scanChunk(encoder, held, end, ends, place, out);
      if (!ends) break;
      place = beginChunk(encoder, end);
    }
    held = held.slice(place.at);
    place.at = 0;
    return out.toArray();
  };

  return {
    push(bytes) {
      const joined = new Uint8Array(held.length + bytes.length);
      joined.set(held);
      joined.set(bytes, held.length);
      held = joined;
      return take(false);
    },
    flush: () => take(true),
  };
}
