// The training step on TensorFlow.js in its WebAssembly back end: gradients of an eager function, its own Adam.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { initialWeights, targetsOf, tokensOf } from "./model.js";

export async function run(shape, steps) {
  const { batch: B, length: T, width: C, heads: H, layers, vocab: V } = shape;
  setWasmPaths("/node_modules/@tensorflow/tfjs-backend-wasm/dist/");
  setThreadsCount(navigator.hardwareConcurrency);
  await tf.setBackend("wasm");
  await tf.ready();
  const D = C / H;
  const p = Object.fromEntries(
    Object.entries(initialWeights(shape)).map(([name, { data, dims }]) => [
      name,
      tf.variable(tf.tensor(data, dims), true, name),
    ]),
  );
  const mask = tf.tidy(() => {
    const rows = Array.from({ length: T }, (_, i) =>
      Array.from({ length: T }, (__, j) => (j <= i ? 0 : -1e9)),
    );
    return tf.tensor(rows);
  });
  const ids = tf.tensor1d(tokensOf(shape), "int32");
  // The back end has no kernel for TensorFlow.js's own derivative of gather; adding rows by index has one.
  const lookUp = tf.customGrad((table) => ({
    value: tf.gather(table, ids),
    gradFunc: (dy) => tf.scatterND(tf.reshape(ids, [B * T, 1]), dy, [V, C]),
  }));
  // Asked for float32, the kernel writes the bits of whole numbers; so they are cast.
  const targets = tf.cast(tf.oneHot(tf.tensor1d(targetsOf(shape), "int32"), V), "float32");

  const layerNorm = (x, name) => {
    const mean = tf.mean(x, -1, true);
    const rest = tf.sub(x, mean);
    const variance = tf.mean(tf.square(rest), -1, true);
    return tf.add(
      tf.mul(tf.mul(rest, tf.rsqrt(tf.add(variance, 1e-5))), p[`${name}.scale`]),
      p[`${name}.bias`],
    );
  };
  const linear = (x, name) => tf.add(tf.matMul(x, p[name]), p[`${name}.bias`]);
  const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
  const lossOf = () => {
    let x = tf.reshape(tf.add(tf.reshape(lookUp(p.tokens), [B, T, C]), p.positions), [B * T, C]);
    for (let i = 0; i < layers; i++) {
      const h = linear(layerNorm(x, `${i}.norm1`), `${i}.qkv`);
      const [q, k, v] = tf
        .split(h, 3, 1)
        .map((y) => tf.reshape(tf.transpose(tf.reshape(y, [B, T, H, D]), [0, 2, 1, 3]), [B * H, T, D]));
      const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D)), mask);
      const mixed = tf.matMul(tf.softmax(scores), v);
      const joined = tf.reshape(tf.transpose(tf.reshape(mixed, [B, H, T, D]), [0, 2, 1, 3]), [B * T, C]);
      x = tf.add(x, linear(joined, `${i}.out`));
      x = tf.add(x, linear(gelu(linear(layerNorm(x, `${i}.norm2`), `${i}.up`)), `${i}.down`));
    }
    const logits = tf.matMul(layerNorm(x, "final"), p.tokens, false, true);
    return tf.mean(tf.sub(tf.logSumExp(logits, -1), tf.sum(tf.mul(targets, logits), -1)));
  };

  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const times = [];
  const losses = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    const loss = optimizer.minimize(lossOf, true);
    losses.push((await loss.data())[0]);
    loss.dispose();
    times.push(performance.now() - start);
  }
  const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  const threaded = await tf.env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT");
  return { times, losses, threads: threaded ? getThreadsCount() : 1, simd };
}
