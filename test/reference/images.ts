// Convolutions, pooling and up-sampling of images as nested loops.
import { type Arr, build, get } from "./array.ts";

/** One number per axis (height, width); `after` is the padding behind. */
export interface Windows {
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly before: readonly [number, number];
  readonly after: readonly [number, number];
}

const inside = (x: Arr, i: number, j: number): boolean =>
  i >= 0 && j >= 0 && i < (x.shape[2] ?? 0) && j < (x.shape[3] ?? 0);

function lengths(x: Arr, kernel: readonly number[], w: Windows): [number, number] {
  const count = (a: 0 | 1): number => {
    const padded = (x.shape[a + 2] ?? 0) + w.before[a] + w.after[a];
    return Math.floor((padded - w.dilation[a] * ((kernel[a] ?? 1) - 1) - 1) / w.stride[a]) + 1;
  };
  return [count(0), count(1)];
}

/** `f` of the places that a window sees: element and offset, `undefined` for padding. */
function seen(
  x: Arr,
  kernel: readonly number[],
  w: Windows,
  [b, c, i, j]: readonly [number, number, number, number],
): (number | undefined)[] {
  const values: (number | undefined)[] = [];
  for (let u = 0; u < (kernel[0] ?? 1); u++) {
    for (let v = 0; v < (kernel[1] ?? 1); v++) {
      const at = i * w.stride[0] + u * w.dilation[0] - w.before[0];
      const to = j * w.stride[1] + v * w.dilation[1] - w.before[1];
      values.push(inside(x, at, to) ? get(x, [b, c, at, to]) : undefined);
    }
  }
  return values;
}

export function conv2d(x: Arr, weight: Arr, w: Windows, groups: number): Arr {
  const [B = 1] = x.shape;
  const [O = 1, perGroup = 1, U = 1, V = 1] = weight.shape;
  return build([B, O, ...lengths(x, [U, V], w)], ([b = 0, o = 0, i = 0, j = 0]) => {
    const group = Math.floor(o / (O / groups));
    let sum = 0;
    for (let c = 0; c < perGroup; c++) {
      seen(x, [U, V], w, [b, group * perGroup + c, i, j]).forEach((value, k) => {
        sum += (value ?? 0) * get(weight, [o, c, Math.floor(k / V), k % V]);
      });
    }
    return sum;
  });
}

/** Each element of `x` times the weight, added at its places of an image of `size`. */
export function convTranspose2d(
  x: Arr,
  weight: Arr,
  w: Windows,
  groups: number,
  size: readonly [number, number],
): Arr {
  const [B = 1, O = 1, H = 1, W = 1] = x.shape;
  const [, perGroup = 1, U = 1, V = 1] = weight.shape;
  const C = perGroup * groups;
  const out = Array.from({ length: B * C * size[0] * size[1] }, () => 0);
  for (let b = 0; b < B; b++)
    for (let o = 0; o < O; o++)
      for (let c = 0; c < perGroup; c++)
        for (let i = 0; i < H; i++)
          for (let j = 0; j < W; j++)
            for (let u = 0; u < U; u++)
              for (let v = 0; v < V; v++) {
                const channel = Math.floor(o / (O / groups)) * perGroup + c;
                const at = i * w.stride[0] + u * w.dilation[0] - w.before[0];
                const to = j * w.stride[1] + v * w.dilation[1] - w.before[1];
                if (at < 0 || to < 0 || at >= size[0] || to >= size[1]) continue;
                const place = ((b * C + channel) * size[0] + at) * size[1] + to;
                out[place] = (out[place] ?? 0) + get(x, [b, o, i, j]) * get(weight, [o, c, u, v]);
              }
  return { shape: [B, C, ...size], data: out };
}

export function pool(
  x: Arr,
  kernel: readonly [number, number],
  w: Windows,
  f: (values: readonly number[]) => number,
): Arr {
  const [B = 1, C = 1] = x.shape;
  return build([B, C, ...lengths(x, kernel, w)], ([b = 0, c = 0, i = 0, j = 0]) =>
    f(seen(x, kernel, w, [b, c, i, j]).filter((v) => v !== undefined)),
  );
}

export function nearest(x: Arr, scale: number): Arr {
  const [B = 1, C = 1, H = 1, W = 1] = x.shape;
  return build([B, C, H * scale, W * scale], ([b = 0, c = 0, i = 0, j = 0]) =>
    get(x, [b, c, Math.floor(i / scale), Math.floor(j / scale)]),
  );
}

/** Between the four nearest centres; beyond the outermost centres as there. */
export function bilinear(x: Arr, scale: number): Arr {
  const [B = 1, C = 1, H = 1, W = 1] = x.shape;
  const near = (i: number, n: number): [number, number, number] => {
    const at = Math.min(n - 1, Math.max(0, (i + 0.5) / scale - 0.5));
    return [Math.floor(at), Math.min(n - 1, Math.floor(at) + 1), at - Math.floor(at)];
  };
  return build([B, C, H * scale, W * scale], ([b = 0, c = 0, i = 0, j = 0]) => {
    const [i0, i1, p] = near(i, H);
    const [j0, j1, q] = near(j, W);
    const row = (at: number): number => (1 - q) * get(x, [b, c, at, j0]) + q * get(x, [b, c, at, j1]);
    return (1 - p) * row(i0) + p * row(i1);
  });
}
