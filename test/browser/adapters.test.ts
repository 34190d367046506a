// One base in a page, adapters swapped beside it: what each gives is what it gives when it is worn for good.
import { expect, test } from "vitest";
import { type Adapter, freshAdapter, isFactor, withAdapter } from "../../src/adapt/index.ts";
import { adapterSwitch, causalLMConfig, createDecoder, initCausalLM } from "../../src/model/index.ts";
import { evaluate, mapTree, random } from "../../src/tensor/index.ts";
import { gap } from "../support/exported.ts";

const config = causalLMConfig({ vocabulary: 23, context: 16, width: 16, layers: 2, heads: 4, hidden: 32 });
const device = "wasm";

test("adapters are swapped in a page without a new session", async () => {
  const base = await evaluate(
    mapTree(initCausalLM(config, random.key(3)), (p, name) => (/norm/.test(name) ? p : p.mul(6))),
    { device },
  );
  const lora = (rank: number, seed: number): Adapter =>
    Object.fromEntries(
      Object.entries(freshAdapter(base, { rank, alpha: 2 }, random.key(seed))).map(([name, t]) => [
        name,
        isFactor(name)
          ? random.normal(random.fold(random.key(seed), name), t.shape as number[], { std: 0.3 })
          : t,
      ]),
    );
  const adapters = adapterSwitch(config, base, { device });
  const sessions: string[] = [];
  const seen: Float32Array[] = [];
  for (const adapter of [lora(3, 1), lora(2, 2), lora(3, 1), {}]) {
    const { decoder, session } = await adapters.wear(adapter);
    const { logits } = await decoder.advance(await decoder.start(), [[3, 1, 4, 1, 5]]);
    sessions.push(session);
    seen.push(logits);
    const alone = createDecoder(config, withAdapter(base, adapter), { device });
    const { logits: want } = await alone.advance(await alone.start(), [[3, 1, 4, 1, 5]]);
    await alone.release();
    expect(gap(logits, want)).toBeLessThan(2e-5);
  }
  expect(sessions).toEqual(["new", "open", "open", "open"]);
  expect(seen[2]).toEqual(seen[0]);
  expect(gap(seen[1] ?? new Float32Array(), seen[0] ?? new Float32Array())).toBeGreaterThan(0.01);
  await adapters.release();
});
