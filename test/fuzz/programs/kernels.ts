// Random calls of functions that a place may run as one kernel: convolutions, pooling, rotary turns.
import { count } from "../../reference/array.ts";
import { isFloatKind, type Val } from "../../reference/program.ts";
import { call, type Draw, type Make, MOST, ref, type Variable } from "./call.ts";

const image = (x: Val): boolean => isFloatKind(x.dtype) && x.shape.length === 4 && !x.shape.includes(0);

/** An image and a weight whose channels fit, and how the window moves. */
function pair(
  d: Draw,
  from: 0 | 1,
): { x: Variable; w: Variable; options: Record<string, number> } | undefined {
  const x = d.find(image);
  const w =
    x &&
    d.find((v) => {
      const [O = 1, per = 1] = v.shape;
      if (!image(v) || v.dtype !== x.val.dtype || count(v.shape) * count(x.val.shape) > 16 * MOST)
        return false;
      return from === 0 ? (x.val.shape[1] ?? 0) % per === 0 : x.val.shape[1] === O;
    });
  if (!x || !w) return undefined;
  const [stride, dilation, padding] = [1 + d.random.below(2), 1 + d.random.below(2), d.random.below(2)];
  return { x, w, options: { stride, dilation, padding } };
}

const conv2d: Make = (d) => {
  const p = pair(d, 0);
  if (!p) return undefined;
  const groups = (p.x.val.shape[1] ?? 0) / (p.w.val.shape[1] ?? 1);
  if ((p.w.val.shape[0] ?? 0) % groups !== 0) return undefined;
  return call("conv2d", ref(p.x), ref(p.w), { ...p.options, groups });
};

const convTranspose2d: Make = (d) => {
  const p = pair(d, 1);
  if (!p) return undefined;
  const O = p.x.val.shape[1] ?? 1;
  const groups = d.random.of([1, 2, 3].filter((g) => O % g === 0));
  return call("convTranspose2d", ref(p.x), ref(p.w), { ...p.options, groups });
};

const pooling =
  (fn: string): Make =>
  (d) => {
    const x = d.find(image);
    if (!x) return undefined;
    const kernel = [1 + d.random.below(3), 1 + d.random.below(3)];
    const padding = Math.min(...kernel) >= 2 ? d.random.below(2) : 0;
    return call(fn, ref(x), kernel, {
      stride: 1 + d.random.below(2),
      dilation: 1 + d.random.below(2),
      padding,
    });
  };

const rotate: Make = (d) => {
  const x = d.find((v) => isFloatKind(v.dtype) && v.shape.length === 4 && (v.shape[3] ?? 1) % 2 === 0);
  if (!x) return undefined;
  const [, , T = 0, D = 0] = x.val.shape;
  if (T === 0 || D === 0) return undefined;
  const positions = Array.from({ length: T }, () => d.random.below(9));
  const frequencies = Array.from({ length: D / 2 }, () => d.random.of([1, 0.5, 0.125, 0.25]));
  return call("rotate", ref(x), positions, frequencies, d.random.of(["half", "interleaved"]));
};

export const KERNELS: readonly Make[] = [
  conv2d,
  convTranspose2d,
  pooling("maxPool2d"),
  pooling("averagePool2d"),
  rotate,
];
