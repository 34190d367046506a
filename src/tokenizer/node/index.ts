// What needs Node: files, worker threads and training with a memory limit. The rest of the room is `athanor/tokenizer`.
export { type EncoderPool, encoderPool } from "../batch-node.ts";
export { loadTokenizer, saveTokenizer } from "../load-save-node.ts";
export { trainBpeFiles } from "../train-bpe-node.ts";
export { type FileTrainControl, trainBytePieceFiles } from "../train-bytepiece-node.ts";
export { trainUnigramFiles } from "../train-unigram-node.ts";
