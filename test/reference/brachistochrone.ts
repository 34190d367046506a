// Falls from rest at the origin, depth downwards, v = √y, the slow way: time as a sum over a curve, the best curve by trial.

/** Place of a cycloid of radius R at an angle. */
const cycloid = (R: number, angle: number): readonly [number, number] => [
  R * (angle - Math.sin(angle)),
  R * (1 - Math.cos(angle)),
];

/** Angle and radius of the cycloid to (X, Y): X/Y rises with the angle. */
export function cycloidTo(X: number, Y: number): { readonly theta: number; readonly radius: number } {
  let [low, high] = [0, 2 * Math.PI];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    const [x, y] = cycloid(1, middle);
    if (x / y < X / Y) low = middle;
    else high = middle;
  }
  return { theta: low, radius: Y / (1 - Math.cos(low)) };
}

/** Time along the cycloid, ∫ ds / √y over the angle by the middle of each of many pieces. */
export function timeAlongCycloid(X: number, Y: number, pieces = 20_000): number {
  const { theta, radius } = cycloidTo(X, Y);
  const step = theta / pieces;
  let time = 0;
  for (let i = 0; i < pieces; i++) {
    const angle = (i + 0.5) * step;
    const ds = Math.hypot(radius * (1 - Math.cos(angle)), radius * Math.sin(angle)) * step;
    time += ds / Math.sqrt(cycloid(radius, angle)[1]);
  }
  return time;
}

/** Time on a polyline: along a straight piece speed grows evenly in time, so the mean speed is that of both ends. */
export function timeAlongPolyline(across: readonly number[], depths: readonly number[]): number {
  let time = 0;
  for (let i = 1; i < across.length; i++) {
    const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [across[i - 1], across[i], depths[i - 1], depths[i]];
    time += Math.hypot(x1 - x0, y1 - y0) / ((Math.sqrt(y0) + Math.sqrt(y1)) / 2);
  }
  return time;
}

/** The least time over the depths in between, one depth after another by ternary search, again and again. */
export function leastPolyline(across: readonly number[], Y: number, rounds = 400): number {
  const last = across.length - 1;
  const depths = across.map((_, i) => (Y * i) / last);
  for (let round = 0; round < rounds; round++) {
    for (let i = 1; i < last; i++) {
      let [low, high] = [1e-12, 4 * Y + 4 * (across[last] ?? 0)];
      const at = (y: number): number => timeAlongPolyline(across, depths.with(i, y));
      for (let k = 0; k < 100; k++) {
        const [a, b] = [low + (high - low) / 3, high - (high - low) / 3];
        if (at(a) < at(b)) high = b;
        else low = a;
      }
      depths[i] = (low + high) / 2;
    }
  }
  return timeAlongPolyline(across, depths);
}
