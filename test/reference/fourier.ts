// The discrete Fourier transform from its definition, n² sines.

/** `X_k = Σ_j x_j e^{∓2πi jk/n}`; the inverse divides by `n`. */
export function dft(
  re: readonly number[],
  im: readonly number[],
  inverse = false,
): { re: number[]; im: number[] } {
  const n = re.length;
  // The product of indices modulo n keeps the angle small, and hence exact.
  const angles = re.map((_, m) => ((inverse ? 2 : -2) * Math.PI * m) / n);
  const [cos, sin] = [angles.map(Math.cos), angles.map(Math.sin)];
  const out = { re: [] as number[], im: [] as number[] };
  for (let k = 0; k < n; k++) {
    let a = 0;
    let b = 0;
    for (let j = 0; j < n; j++) {
      const [c, s] = [cos[(j * k) % n] ?? 0, sin[(j * k) % n] ?? 0];
      a += (re[j] ?? 0) * c - (im[j] ?? 0) * s;
      b += (re[j] ?? 0) * s + (im[j] ?? 0) * c;
    }
    out.re.push(inverse ? a / n : a);
    out.im.push(inverse ? b / n : b);
  }
  return out;
}
