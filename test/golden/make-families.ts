// Writes families.json: `node --conditions=source test/golden/make-families.ts`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { causalLM } from "../../src/model/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { FAMILIES, greedy, paramsOf } from "../support/families.ts";

const written: Record<string, number[]> = {};
for (const [name, config] of Object.entries(FAMILIES)) {
  const params = await paramsOf(config);
  const { tokens, lead } = await greedy(
    async (ids, dims) =>
      (await causalLM(config, params, tensor(ids, { shape: [...dims] })).logits.data()) as Float32Array,
  );
  process.stdout.write(`${name}: lead ${lead.toFixed(4)}, ${new Set(tokens).size} tokens\n`);
  written[name] = tokens;
}
writeFileSync(join(import.meta.dirname, "families.json"), `${JSON.stringify(written)}\n`);
