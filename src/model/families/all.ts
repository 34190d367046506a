// Every family of checkpoints, in the order in which they are asked to write a model: the last has words for all. A new
// family is one file here and one line of the list.
import type { Family } from "../family.ts";
import { athanor } from "./athanor.ts";
import { deepseek2, deepseek3 } from "./deepseek.ts";
import { gemma } from "./gemma.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3 } from "./gemma3.ts";
import { gpt2 } from "./gpt2.ts";
import { llama } from "./llama.ts";
import { minimind } from "./minimind.ts";
import { mistral } from "./mistral.ts";
import { olmo2 } from "./olmo2.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { smollm } from "./smollm.ts";
import { smollm3 } from "./smollm3.ts";

export const FAMILIES: readonly Family[] = [
  llama,
  mistral,
  smollm,
  minimind,
  qwen2,
  qwen3,
  gpt2,
  smollm3,
  gemma,
  gemma2,
  gemma3,
  phi3,
  olmo2,
  deepseek2,
  deepseek3,
  athanor,
];
