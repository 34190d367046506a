// A model of bytes (and three specials) with 30,000 parameters and some steps of its training; runs in Node and in a page.
import {
  adamw,
  applyUpdates,
  causalLM,
  causalLMConfig,
  compile,
  crossEntropy,
  initCausalLM,
  random,
  tensor,
  valueAndGrad,
  warmupCosine,
} from "athanor";

const TEXT = new TextEncoder().encode("The furnace feeds itself. ".repeat(8));

/** Trains for `steps` steps on `device`. */
export async function train(steps, device) {
  const config = causalLMConfig({ vocabulary: 259, context: 32, width: 32, layers: 1, heads: 2 });
  let params = initCausalLM(config, random.key(1));
  const rule = adamw(warmupCosine({ peak: 1e-2, warmup: 3, steps }), { clip: 1 });
  let moments = rule.init(params);
  const step = compile(
    (p, m, ids, targets) => {
      const { value, grad } = valueAndGrad((q) => crossEntropy(causalLM(config, q, ids).logits, targets))(p);
      const { updates, state } = rule.update(grad, m, p);
      return { loss: value, params: applyUpdates(p, updates), moments: state };
    },
    { donate: [0, 1], ...(device && { device }) },
  );
  const window = (start) => tensor(Int32Array.from(TEXT.subarray(start, start + 32)), { shape: [1, 32] });
  const losses = [];
  for (let i = 0; i < steps; i++) {
    const start = (i * 37) % (TEXT.length - 33);
    const out = await step(params, moments, window(start), window(start + 1));
    ({ params, moments } = out);
    losses.push(await out.loss.item());
  }
  return { config, params, losses };
}
