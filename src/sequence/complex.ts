// Arithmetic of complex tensors in two parts.
import type { Complex, Tensor } from "../tensor/index.ts";

/** `x + y`. */
export function plus(x: Complex, y: Complex): Complex {
  return { re: x.re.add(y.re), im: x.im.add(y.im) };
}

/** `x − y`. */
export function minus(x: Complex, y: Complex): Complex {
  return { re: x.re.sub(y.re), im: x.im.sub(y.im) };
}

/** `x y`. */
export function times(x: Complex, y: Complex): Complex {
  return { re: x.re.mul(y.re).sub(x.im.mul(y.im)), im: x.re.mul(y.im).add(x.im.mul(y.re)) };
}

/** `x / y`. */
export function over(x: Complex, y: Complex): Complex {
  const size = squaredModulus(y);
  const { re, im } = times(x, { re: y.re, im: y.im.neg() });
  return { re: re.div(size), im: im.div(size) };
}

/** `|x|²`. */
export function squaredModulus(x: Complex): Tensor {
  return x.re.mul(x.re).add(x.im.mul(x.im));
}
