// The training step on jax-js: one jitted function of forward, backward and Adam, in its WebAssembly back end.
// Arrays are owned: a use consumes one reference, `.ref` takes another.
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { initialWeights, targetsOf, tokensOf } from "./model.js";

export async function run(shape, steps) {
  const { batch: B, length: T, width: C, heads: H, layers, vocab: V } = shape;
  await init("wasm");
  defaultDevice("wasm");
  const D = C / H;
  const array = (data, dims) => np.array(data).reshape(dims);
  const params = Object.fromEntries(
    Object.entries(initialWeights(shape)).map(([name, { data, dims }]) => [name, array(data, dims)]),
  );
  const ints = (data) => np.array(data, { dtype: np.int32 });

  const layerNorm = (x, scale, bias) => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(scale).add(bias);
  const linear = (x, weight, bias) => np.matmul(x, weight).add(bias);
  const logitsOf = (p, ids) => {
    // Rows of a table as a product with one-hot vectors: the transpose of its gather cannot be jitted.
    let x = np.matmul(nn.oneHot(ids, V), p.tokens.ref).reshape([B, T, C]).add(p.positions);
    for (let i = 0; i < layers; i++) {
      const w = (name) => p[`${i}.${name}`];
      const h = layerNorm(x.ref, w("norm1.scale"), w("norm1.bias"));
      const qkv = linear(h, w("qkv"), w("qkv.bias")).reshape([B, T, 3, H, D]);
      const part = (n, y) => y.slice([], [], n);
      const q = part(0, qkv.ref);
      const k = part(1, qkv.ref);
      const v = part(2, qkv);
      const mixed = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([B, T, C]);
      x = x.add(linear(mixed, w("out"), w("out.bias")));
      const m = layerNorm(x.ref, w("norm2.scale"), w("norm2.bias"));
      const up = nn.gelu(linear(m, w("up"), w("up.bias")), { approximate: false });
      x = x.add(linear(up, w("down"), w("down.bias")));
    }
    x = layerNorm(x, p["final.scale"], p["final.bias"]);
    return np.matmul(x.reshape([B * T, C]), p.tokens.transpose());
  };
  const lossOf = (p, ids, targets) => {
    const logits = logitsOf(p, ids);
    const chosen = nn.oneHot(targets, V).mul(logits.ref).sum(-1);
    return nn.logsumexp(logits, -1).sub(chosen).mean();
  };

  const [beta1, beta2, rate] = [0.9, 0.999, 1e-3];
  const step = jit((p, m, v, count, ids, targets) => {
    const [loss, g] = valueAndGrad(lossOf)(tree.ref(p), ids, targets);
    const t = count.add(1);
    const c1 = np.subtract(1, np.exp(t.ref.mul(Math.log(beta1))));
    const c2 = np.subtract(1, np.exp(t.ref.mul(Math.log(beta2))));
    const [p2, m2, v2] = [{}, {}, {}];
    for (const name of Object.keys(p)) {
      m2[name] = m[name].mul(beta1).add(g[name].ref.mul(1 - beta1));
      v2[name] = v[name].mul(beta2).add(np.square(g[name]).mul(1 - beta2));
      const move = m2[name].ref.div(c1.ref).div(np.sqrt(v2[name].ref.div(c2.ref)).add(1e-8));
      p2[name] = p[name].sub(move.mul(rate));
    }
    c1.dispose();
    c2.dispose();
    return [loss, p2, m2, v2, t];
  });

  let p = params;
  let m = tree.map((x) => np.zeros(x.shape), p);
  let v = tree.map((x) => np.zeros(x.shape), p);
  let count = np.array(0);
  const ids = ints(tokensOf(shape));
  const targets = ints(targetsOf(shape));
  const times = [];
  const losses = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    let loss;
    [loss, p, m, v, count] = step(p, m, v, count, ids.ref, targets.ref);
    await blockUntilReady([p, m, v]);
    losses.push((await loss.data())[0]);
    times.push(performance.now() - start);
  }
  return { times, losses, threads: globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1 };
}
