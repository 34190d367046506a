// What needs Node: files and worker threads. The rest of the room is `athanor/tokenizer`.
export { type EncoderPool, encoderPool } from "../batch-node.ts";
export { loadTokenizer, saveTokenizer } from "../load-save-node.ts";
