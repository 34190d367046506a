// A state-space layer by its transfer function (Parnichkun et al. 2024, https://arxiv.org/abs/2405.06147): the
// kernel of length L is the inverse FFT of b(z) / a(z), and equals what the recurrence of the same filter puts out.
// node --conditions=source examples/rational-kernel.ts
import * as t from "athanor/tensor";

type Tensor = t.Tensor;

const d = 4;
const L = 64;
const float64 = { dtype: "float64" } as const;

/** Denominator `1 + a₁z + … + a_d z^d` of two pairs of poles near the unit circle, without its leading 1. */
function denominator(): number[] {
  let polynomial = [1];
  for (const [radius, angle] of [
    [0.97, 0.4],
    [0.9, 2],
  ] as const) {
    const factor = [1, -2 * radius * Math.cos(angle), radius ** 2];
    polynomial = Array.from({ length: polynomial.length + 2 }, (_, k) =>
      factor.reduce((s, f, i) => s + f * (polynomial[k - i] ?? 0), 0),
    );
  }
  return polynomial.slice(1);
}

const fit = (x: Tensor, n: number): Tensor => t.pad(x, [[0, n - Number(x.shape[0])]]);

/** The kernel `t.irfft(t.rfft(b) / t.rfft([1, a]))`, `[L]`. */
function kernelByFft(a: Tensor, b: Tensor): Tensor {
  const n = t.rfft(fit(b, L));
  const m = t.rfft(fit(t.concat([t.tensor([1], float64), a]), L));
  const size = m.re.mul(m.re).add(m.im.mul(m.im));
  const re = n.re.mul(m.re).add(n.im.mul(m.im)).div(size);
  return t.irfft(re, n.im.mul(m.re).sub(n.re.mul(m.im)).div(size), { length: L });
}

/** Causal convolution `Σ_j k_j u_{t−j}` with room for the tail, so that nothing wraps around. */
function convolve(k: Tensor, u: Tensor): Tensor {
  const [x, y] = [t.rfft(fit(k, 2 * L)), t.rfft(fit(u, 2 * L))];
  const y2 = t.irfft(x.re.mul(y.re).sub(x.im.mul(y.im)), x.re.mul(y.im).add(x.im.mul(y.re)), {
    length: 2 * L,
  });
  return t.slice(y2, { end: L });
}

/** The same filter step by step: `x ← [uₜ − ⟨a, x⟩, x₀, …, x_{d−2}]`, then `yₜ = ⟨c, x⟩`. */
function recurrence(a: Tensor, c: Tensor, u: Tensor): Tensor {
  const step = (x: Tensor, input: Tensor): readonly [Tensor, Tensor] => {
    const next = t.concat([t.reshape(input.sub(t.sum(a.mul(x))), [1]), t.slice(x, { end: d - 1 })]);
    return [next, t.sum(c.mul(next))];
  };
  return t.scan(step, t.zeros([d], float64), u).ys;
}

/** Largest difference of two tensors. */
const differ = (x: Tensor, y: Tensor): Promise<number> => t.max(t.abs(x.sub(y))).item();

export async function rationalKernel(): Promise<{ kernel: number; output: number; uncorrected: number }> {
  const a = t.tensor(denominator(), float64);
  const b = t.random.normal(t.random.key(1), [d], float64);
  const u = t.random.normal(t.random.key(2), [L], float64);
  // The companion matrix, and its power L by squaring.
  const shift = t.cast(t.equal(t.expandDims(t.iota(d), 1), t.iota(d).add(1)), "float64");
  const A = t.concat([t.reshape(a.neg(), [1, d]), t.slice(shift, { start: 1 })]);
  let power = A;
  for (let n = 1; n < L; n *= 2) power = t.matmul(power, power);
  // The kernel of length L stands for all that follows it too: c (I − A^L) = b, a row equation, hence transposed.
  const eye = t.cast(t.equal(t.expandDims(t.iota(d), 1), t.iota(d)), "float64");
  const c = await t.solve(t.transpose(eye.sub(power)), b);
  const impulse = t.cast(t.equal(t.iota(L), 0), "float64");
  const kernel = await t.evaluate(kernelByFft(a, b));
  return {
    kernel: await differ(kernel, recurrence(a, c, impulse)),
    output: await differ(convolve(kernel, u), recurrence(a, c, u)),
    uncorrected: await differ(kernel, recurrence(a, b, impulse)),
  };
}

if (import.meta.filename === process.argv[1]) console.log(await rationalKernel());
