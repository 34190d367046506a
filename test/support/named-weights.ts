// Weights that follow from names, as test/golden/families.py and make-hugging-face.py make them.

/** The numbers of the tensor `name` of `shape`. */
export function weightOf(name: string, shape: readonly number[]): Float32Array {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
  const gain = name.includes("norm") || name.includes("ln_");
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
    const wave = Math.sin((h % 977) + 0.7310585 * i + 0.31 * (i % 13));
    return gain ? 1 + 0.2 * wave : (name.endsWith("bias") ? 0.1 : 0.5) * wave;
  });
}
