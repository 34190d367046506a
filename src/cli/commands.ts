// All commands: a folder per noun, a file per verb, one line each.
import { classify } from "./classify/index.ts";
import { images } from "./images/index.ts";
import { lab } from "./lab/index.ts";
import { papers } from "./papers/index.ts";
import { solve } from "./solve/index.ts";
import { tokenizer } from "./tokenizer/index.ts";
import type { Noun, Verb } from "./verb.ts";

/** In the order of `athanor --help`. */
export const COMMANDS: readonly (Verb | Noun)[] = [
  {
    name: "demo",
    about: "train a small English and Chinese model here and compare it with gzip and xz",
    load: () => import("./demo/demo.ts"),
  },
  { name: "train", about: "train a language model on text files", load: () => import("./train/train.ts") },
  {
    name: "adapt",
    about: "fine-tune a pretrained model on chats, prompts and completions, or texts",
    load: () => import("./adapt/adapt.ts"),
  },
  {
    name: "generate",
    about: "continue a text with a run, a Hugging Face folder or a llama2.c file",
    load: () => import("./model/generate.ts"),
  },
  {
    name: "chat",
    about: "talk with a model that carries a chat template",
    load: () => import("./model/chat.ts"),
  },
  {
    name: "eval",
    about: "score the same last tokens under growing context",
    load: () => import("./model/eval.ts"),
  },
  {
    name: "inspect",
    about: "draw what the heads of a model look at",
    load: () => import("./model/inspect.ts"),
  },
  {
    name: "export",
    about: "write a model as ONNX or as a Hugging Face folder",
    load: () => import("./model/export.ts"),
  },
  {
    name: "convert",
    about: "write a model with its matrices in another form",
    load: () => import("./model/convert.ts"),
  },
  classify,
  images,
  tokenizer,
  papers,
  lab,
  solve,
];
