// A byte-level model learns a sentence by heart.
import { causalLM, causalLMConfig, initCausalLM } from "athanor/model";
import { crossEntropy } from "athanor/nn";
import { adamw, applyUpdates, warmupCosine } from "athanor/optim";
import { compile, random, type Tensor, tensor, valueAndGrad } from "athanor/tensor";

const text = new TextEncoder().encode("天地玄黄，宇宙洪荒。The furnace feeds itself. ".repeat(8));
const config = causalLMConfig({ vocabulary: 256, context: 64, width: 64, layers: 2, heads: 4 });
let params = initCausalLM(config, random.key(1));
const rule = adamw<typeof params>(warmupCosine({ peak: 3e-3, warmup: 10, steps: 100 }), { clip: 1 });
let moments = rule.init(params);

type Params = typeof params;
const step = compile(
  (p: Params, m: typeof moments, ids: Tensor, targets: Tensor) => {
    const loss = (q: Params) => crossEntropy(causalLM(config, q, ids).logits, targets);
    const { value, grad } = valueAndGrad(loss)(p);
    const { updates, state } = rule.update(grad, m, p);
    return { loss: value, params: applyUpdates(p, updates), moments: state };
  },
  { donate: [0, 1] }, // the state's buffers are written over, step after step
);

const window = (start: number): Tensor =>
  tensor(Int32Array.from(text.subarray(start, start + 64)), { shape: [1, 64] });
const losses: number[] = [];
for (let i = 0; i < 100; i++) {
  const start = (i * 37) % (text.length - 65);
  const out = await step(params, moments, window(start), window(start + 1));
  ({ params, moments } = out);
  losses.push(await out.loss.item());
}
console.log(`loss ${losses[0]?.toFixed(2)} -> ${losses.at(-1)?.toFixed(2)}`);

/** For the tests. */
export const result: { readonly first: number; readonly last: number } = {
  first: losses[0] ?? 0,
  last: losses.at(-1) ?? 0,
};
