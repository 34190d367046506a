// Every family of checkpoints, in the order in which they are asked to write a model: the last has words for all. A new
// family is one file here and one line of the list.
import type { Family } from "../family.ts";
import { athanor } from "./athanor.ts";
import { llama } from "./llama.ts";
import { minimind } from "./minimind.ts";
import { mistral } from "./mistral.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { smollm } from "./smollm.ts";

export const FAMILIES: readonly Family[] = [llama, mistral, smollm, minimind, qwen2, qwen3, athanor];
