// Text ↔ ids. Browser-safe; what needs Node (threads, training on disk) is in `athanor/tokenizer/node`, and
// vocabulary files of other programs are in `athanor/tokenizer/formats`.
export {
  type Backoff,
  type Branches,
  type PieceOrder,
  backoffs,
  branchDistribution,
  drawBranch,
  pieceOrder,
  prefixRange,
  takeBranch,
} from "./encode/boundary.ts";
export { type BpeEncoder, bpeEncoder, encodeBpeInto } from "./encode/bpe.ts";
export { byteTokenizer, createTokenizer } from "./create.ts";
export { readBytePiece } from "./formats/bytepiece.ts";
export { readHuggingFace } from "./formats/hugging-face-read.ts";
export { writeHuggingFace } from "./formats/hugging-face-write.ts";
export { IdBuffer } from "./encode/ids.ts";
export { loadTokenizer, saveTokenizer } from "./load-save.ts";
export {
  type AddedToken,
  type BpeModel,
  type CountedPiece,
  DEFAULT_SPECIALS,
  type Special,
  type SpecialRole,
  type Template,
  type TokenizerModel,
  type UnigramModel,
  compareBytes,
  specialId,
  unigramFromPieces,
} from "./model.ts";
export type { Offsets } from "./offsets.ts";
export { type Random, randomStream } from "./random.ts";
export {
  type SampleMethod,
  type UnigramSampler,
  logPartition,
  sampleBiased,
  sampleUnigram,
  unigramSampler,
} from "./encode/sample.ts";
export type { AllowSpecials } from "./added.ts";
export type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  SampleOptions,
  StreamDecoder,
  Tokenizer,
} from "./tokenizer.ts";
export { type BpeOptions, type BpeTrainResult, trainBpe } from "./train/bpe.ts";
export {
  type BytePieceOptions,
  type TrainReport,
  type TrainResult,
  trainBytePiece,
} from "./train/bytepiece.ts";
export type { NewSpecial } from "./train/specials.ts";
export { type UnigramOptions, trainUnigram } from "./train/unigram.ts";
export { type Trie, buildTrie, find, longestMatch } from "./encode/trie.ts";
export { type UnigramEncoder, encodeUnigram, encodeUnigramInto, unigramEncoder } from "./encode/unigram.ts";
export { type StreamEncoder, unigramStream } from "./encode/unigram-stream.ts";
export { Utf8Stream } from "./utf8.ts";
