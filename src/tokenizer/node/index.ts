// What needs Node: files and worker threads. The rest of the room is `athanor/tokenizer`.
export { loadTokenizer, saveTokenizer } from "../load-save-node.ts";
