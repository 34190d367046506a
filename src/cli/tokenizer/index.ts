import type { Noun } from "../verb.ts";

/** `athanor tokenizer …` */
export const tokenizer: Noun = {
  name: "tokenizer",
  about: "train and use tokenizers",
  verbs: [
    { name: "train", about: "train a vocabulary from text files", load: () => import("./train.ts") },
    { name: "encode", about: "text to ids", load: () => import("./encode.ts") },
    { name: "decode", about: "ids to text, byte for byte", load: () => import("./decode.ts") },
    {
      name: "inspect",
      about: "what a tokenizer holds, and how it cuts a text",
      load: () => import("./inspect.ts"),
    },
    {
      name: "compare",
      about: "bytes per token and speed of several tokenizers on one text",
      load: () => import("./compare.ts"),
    },
  ],
};
