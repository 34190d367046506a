// What needs Node: worker threads and training with a memory limit. The rest of the room is `athanor/tokenizer`.
export { type EncoderPool, encoderPool } from "./batch.ts";
export { type BpeTrainControl, trainBpeFiles } from "./train-bpe.ts";
export { type FileTrainControl, trainBytePieceFiles } from "./train-bytepiece.ts";
export { trainUnigramFiles } from "./train-unigram.ts";
