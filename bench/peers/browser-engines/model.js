// What both engines are given: weights, tokens and targets, computed the same way on every run.

/** Numbers in (−1, 1) from a multiplicative generator. */
function numbers(seed) {
  let x = seed;
  return () => {
    x = (x * 48271) % 2147483647;
    return (x / 2147483647) * 2 - 1;
  };
}

/** GPT-2's weights by name: matrices `[in, out]` of deviation 0.02, norms one, biases zero. */
export function initialWeights({ length, width, layers, vocab }) {
  const next = numbers(7);
  const weights = {};
  const add = (name, dims, value) => {
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    if (value === undefined) for (let i = 0; i < data.length; i++) data[i] = next() * 0.02 * Math.sqrt(3);
    else data.fill(value);
    weights[name] = { data, dims };
  };
  const norm = (name) => {
    add(`${name}.scale`, [width], 1);
    add(`${name}.bias`, [width], 0);
  };
  const linear = (name, from, to) => {
    add(name, [from, to]);
    add(`${name}.bias`, [to], 0);
  };
  add("tokens", [vocab, width]);
  add("positions", [length, width]);
  for (let i = 0; i < layers; i++) {
    norm(`${i}.norm1`);
    linear(`${i}.qkv`, width, 3 * width);
    linear(`${i}.out`, width, width);
    norm(`${i}.norm2`);
    linear(`${i}.up`, width, 4 * width);
    linear(`${i}.down`, 4 * width, width);
  }
  norm("final");
  return weights;
}

/** `batch · length` tokens, as bench/train-step.ts has them. */
export function tokensOf({ batch, length, vocab }) {
  return Int32Array.from({ length: batch * length }, (_, i) => (i * 7919) % vocab);
}

/** The token that follows each. */
export function targetsOf({ batch, length, vocab }) {
  return Int32Array.from({ length: batch * length }, (_, i) => ((i + 1) * 7919) % vocab);
}
