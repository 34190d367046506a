// What we write and choose with a GGUF file, for llama-cpp.py to hold against llama.cpp:
//   node --conditions=source test/golden/make-llama-cpp.ts FILE.gguf > ours.json
// Five prompts with 64 greedy tokens each, and the first choice after each of 500 tokens of README.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { argMaxOf } from "../../src/model/sampling.ts";
import { createDecoder, loadModel } from "../../src/model/index.ts";

const PROMPTS = [
  "The capital of France is",
  "Once upon a time, in a village by the sea,",
  "def fibonacci(n):",
  "Water boils at",
  "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n",
];
const [WRITTEN, FORCED] = [64, 500];

const model = await loadModel(process.argv[2] ?? "");
const tokenizer = await model.tokenizer();
const decoder = createDecoder(model.config, model.params);
const V = model.config.vocabulary;

const prompts = [];
for (const prompt of PROMPTS) {
  const ids = Array.from(tokenizer.encode(prompt, { allowSpecials: true }));
  const written: number[] = [];
  let { logits, state } = await decoder.advance(await decoder.start(), [ids]);
  for (;;) {
    written.push(argMaxOf(logits));
    if (written.length === WRITTEN || model.tokens.eos.includes(written.at(-1) ?? -1)) break;
    ({ logits, state } = await decoder.advance(state, [written.slice(-1)]));
  }
  prompts.push({ prompt, ids, written });
}

const text = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const ids = Array.from(tokenizer.encode(text)).slice(0, FORCED);
const { logits } = await decoder.advance(await decoder.start(), [ids], FORCED);
const best = ids.map((_, t) => argMaxOf(logits.subarray(t * V, (t + 1) * V)));
await decoder.release();
process.stdout.write(JSON.stringify({ prompts, ids, best }));
