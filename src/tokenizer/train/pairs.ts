// New candidates while a vocabulary is trained: two pieces that often stand side by side become one. The
// first candidates come from one cut of the text each; what crosses that cut is found here.
import type { ChunkBlock } from "./chunk.ts";
import { IdBuffer } from "../encode/ids.ts";
import type { SeedRule } from "./seeds.ts";
import { type CountedPiece, compareBytes } from "../model.ts";
import { isUtf8 } from "../utf8.ts";
import type { Pace } from "../pace.ts";
import { PieceCounter, pieceAt } from "../pieces.ts";
import { find } from "../encode/trie.ts";
import { encodeUnigramInto, unigramEncoder } from "../encode/unigram.ts";

/**
 * Neighbouring pieces of the best segmentation of `sample` that are seen together at least `rule.minCount`
 * times and are no piece yet: the `rule.most` most frequent, joined.
 * @param logProbs ln p of each piece.
 */
export async function frequentPairs(
  sample: readonly ChunkBlock[],
  pieces: readonly Uint8Array[],
  logProbs: Float64Array,
  rule: SeedRule,
  pace: Pace,
): Promise<CountedPiece[]> {
  const encoder = unigramEncoder(pieces, logProbs);
  const counter = new PieceCounter();
  const out = new IdBuffer();
  let done = 0;
  pace.phase(
    "segment",
    sample.reduce((sum, block) => sum + block.bytes.length, 0),
  );
  for (const { bytes, ends } of sample) {
    let start = 0;
    for (const end of ends) {
      out.length = 0;
      encodeUnigramInto(encoder, bytes, start, end, out);
      let before = start;
      let at = start;
      for (let k = 0; k < out.length; k++) {
        const stop = at + (encoder.lengths[out.data[k] ?? 0] ?? 0);
        if (at > before && stop - before <= rule.maxPieceLength) counter.add(bytes, before, stop);
        before = at;
        at = stop;
      }
      start = end;
    }
    done += bytes.length;
    if (pace.due) await pace.rest(done);
  }
  pace.end(done);
  const list = counter.finish();
  const pairs: CountedPiece[] = [];
  for (let i = 0; i < list.size; i++) {
    const count = list.counts[i] ?? 0;
    const bytes = pieceAt(list, i);
    if (count < rule.minCount || (rule.ensureUnicode && !isUtf8(bytes))) continue;
    if (find(encoder.trie, bytes) < 0) pairs.push({ bytes: bytes.slice(), count });
  }
  pairs.sort((x, y) => y.count - x.count || compareBytes(x.bytes, y.bytes));
  return pairs.slice(0, rule.most);
}
