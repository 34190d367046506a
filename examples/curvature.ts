// What derivatives of derivatives and a quick SVD give: a Hessian-vector product by forward over reverse mode, and
// adapters whose first step is the best that their rank allows (LoRA-GA, https://arxiv.org/abs/2407.05000).
// node --conditions=source examples/curvature.ts
import {
  evaluate,
  grad,
  jvp,
  matmul,
  mean,
  mul,
  narrow,
  norm,
  random,
  randomizedSvd,
  square,
  sub,
  svd,
  tanh,
  type Tensor,
} from "athanor/tensor";

const [rows, columns, rank] = [20, 30, 3];
const float64 = { dtype: "float64" } as const;
const [kx, ky, kw, kv, ks] = random.split(random.key(7), 5);
const draw = (key: random.Key | undefined, shape: number[]): Tensor =>
  random.normal(key ?? random.key(0), shape, float64);

const x = draw(kx, [64, columns]);
const y = draw(ky, [64, rows]);
/** A layer with its loss. @param w `[rows, columns]`. */
const loss = (w: Tensor): Tensor => mean(square(tanh(matmul(x, w, { transposeB: true })).sub(y)));

/** `∂²loss/∂w² · v` exactly, and by the difference of two gradients. */
export async function hessianVector(): Promise<{ relative: number }> {
  const w = draw(kw, [rows, columns]).mul(0.2);
  const v = draw(kv, [rows, columns]);
  const slope = grad(loss);
  const { tangent } = jvp(slope, w, v);
  const h = 1e-5;
  const difference = slope(w.add(v.mul(h)))
    .sub(slope(w.sub(v.mul(h))))
    .div(2 * h);
  return { relative: (await norm(tangent.sub(difference)).item()) / (await norm(tangent).item()) };
}

/** `Σ_{i < k} σᵢ uᵢ vᵢᵀ`. */
const leading = ({ u, s, v }: { u: Tensor; s: Tensor; v: Tensor }, k: number): Tensor =>
  matmul(narrow(u, 1, 0, k).mul(narrow(s, 0, 0, k)), narrow(v, 1, 0, k), { transposeB: true });

/**
 * Adapters `W + B A − B₀A₀` whose factors hold disjoint halves of the 2r leading singular vectors of the gradient:
 * one step of plain gradient descent on A and B moves the product along the best approximation of rank 2r.
 * @returns `residual`: distance of that approximation from the gradient, over the least possible; `quadratic`:
 *   how much nearer the step comes to it when the rate falls tenfold (100, as what is left is of second order).
 */
export async function bestFirstStep(): Promise<{ residual: number; quadratic: number }> {
  const w = draw(kw, [rows, columns]).mul(0.2);
  const g = await evaluate(grad(loss)(w));
  const quick = await randomizedSvd(g, 2 * rank, ks ?? random.key(0), { iterations: 10 });
  const best = await evaluate(leading(quick, 2 * rank));
  const exact = await svd(g);
  const least = norm(narrow(exact.s, 0, 2 * rank, Math.min(rows, columns)));
  const start = {
    a: narrow(quick.v, 1, 0, rank), // [columns, r]
    b: narrow(quick.u, 1, rank, 2 * rank), // [rows, r]
  };
  const product = ({ a, b }: typeof start): Tensor => matmul(b, a, { transposeB: true });
  const slopes = await evaluate(
    grad((p: typeof start) => loss(w.add(product(p)).sub(product(start))))(start),
  );
  const off = (rate: number): Promise<number> => {
    const moved = product({
      a: start.a.sub(mul(rate, slopes.a)),
      b: start.b.sub(mul(rate, slopes.b)),
    });
    return norm(sub(moved, product(start)).div(rate).add(best)).item();
  };
  return {
    residual: (await norm(g.sub(best)).item()) / (await least.item()),
    quadratic: (0.1 * (await off(0.1))) / (0.01 * (await off(0.01))),
  };
}

if (import.meta.filename === process.argv[1]) console.log(await hessianVector(), await bestFirstStep());
