// Noise with the spectrum of the data, as the idempotent generative network takes it: each frequency's real and imaginary
// part is drawn with the mean and deviation that it has over the data. Shocher et al. 2023, https://arxiv.org/abs/2311.01462
import { matmul, random, sqrt, type Tensor, tensor } from "../tensor/index.ts";

/** Mean and deviation of the real and of the imaginary part of each frequency, `[C, H, W]` each. */
export interface SpectralMoments {
  readonly re: { readonly mean: Tensor; readonly deviation: Tensor };
  readonly im: { readonly mean: Tensor; readonly deviation: Tensor };
}

/** `cos` and `sin` of `2π jk/n`, `[n, n]`, both symmetric. */
function circle(n: number, dtype: Tensor["dtype"]): { cos: Tensor; sin: Tensor } {
  const of = (f: (angle: number) => number): Tensor =>
    tensor(
      Float64Array.from({ length: n * n }, (_, i) =>
        f((2 * Math.PI * ((Math.floor(i / n) * (i % n)) % n)) / n),
      ),
      { shape: [n, n], dtype },
    );
  return { cos: of(Math.cos), sin: of(Math.sin) };
}

/** `Σ_{v,u} (re + i im)[v, u] e^{± 2πi (yv/H + xu/W)}` over the last two axes. @param sign −1 is the Fourier transform. */
function transform(re: Tensor, im: Tensor | undefined, sign: 1 | -1): { re: Tensor; im: Tensor } {
  const [H = 1, W = 1] = re.shape.slice(-2).map(Number);
  const [rows, columns] = [circle(H, re.dtype), circle(W, re.dtype)];
  /** The pair times `cos + i·sign·sin`, from the left or the right. */
  const turned = (
    by: (m: Tensor, x: Tensor) => Tensor,
    { cos, sin }: { cos: Tensor; sin: Tensor },
    a: Tensor,
    b: Tensor | undefined,
  ): { re: Tensor; im: Tensor } => {
    const s = sin.mul(sign);
    if (b === undefined) return { re: by(cos, a), im: by(s, a) };
    return { re: by(cos, a).sub(by(s, b)), im: by(s, a).add(by(cos, b)) };
  };
  const first = turned((m, x) => matmul(m, x), rows, re, im);
  return turned((m, x) => matmul(x, m), columns, first.re, first.im);
}

/** Moments of the spectra of data. @param x `[N, C, H, W]`. */
export function spectralMoments(x: Tensor): SpectralMoments {
  const { re, im } = transform(x, undefined, -1);
  const of = (part: Tensor): { mean: Tensor; deviation: Tensor } => ({
    mean: part.mean({ axis: 0 }),
    deviation: sqrt(part.variance({ axis: 0 })),
  });
  return { re: of(re), im: of(im) };
}

/** Noise `[B, C, H, W]`: the real part of the inverse transform of a spectrum drawn from `moments`. */
export function spectralNoise(at: random.AnyKey, { re, im }: SpectralMoments, B: number): Tensor {
  const [C = 1, H = 1, W = 1] = re.mean.shape.map(Number);
  const { dtype } = re.mean;
  const drawn = random.normal(at, [2, B, C, H, W], { dtype });
  const part = (i: number): Tensor => drawn.narrow(0, i, i + 1).squeeze(0);
  const real = part(0).mul(re.deviation).add(re.mean);
  const imaginary = part(1).mul(im.deviation).add(im.mean);
  return transform(real, imaginary, 1).re.div(H * W);
}
