// The natural logarithm of an integer, correctly rounded in all but about one case in 10⁵. `Math.log` is off
// by one unit in the last place for one integer in a hundred, and sums of such logarithms decide between
// cuts that are exactly equally probable: with it, a reference-mode vocabulary differs from the reference.

/** ln 2 in two parts, the first short enough to be multiplied by an exponent exactly. */
const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.9082149292705877e-10;

/** A sum of two floats with nothing lost: [rounded, error]. */
function twoSum(a: number, b: number): [number, number] {
  const s = a + b;
  const t = s - a;
  return [s, a - (s - t) + (b - t)];
}

/** A product of two floats with nothing lost: [rounded, error] (Dekker 1971). */
function twoProduct(a: number, b: number): [number, number] {
  const p = a * b;
  const as = 134217729 * a;
  const ah = as - (as - a);
  const bs = 134217729 * b;
  const bh = bs - (bs - b);
  const al = a - ah;
  const bl = b - bh;
  return [p, al * bl - (p - ah * bh - al * bh - ah * bl)];
}

/** (m - c) / (m + c) to twice the usual precision; m - c must be exact. */
function ratio(m: number, c: number): [number, number] {
  const [s, e] = twoSum(m, c);
  const d = m - c;
  const z = d / s;
  const [p, q] = twoProduct(z, s);
  return [z, (d - p - q - z * e) / s];
}

/** ln(j / 64) as [high, low] for 48 ≤ j ≤ 96, by 2 artanh((c - 1) / (c + 1)). */
function logOfGrid(j: number): [number, number] {
  const [z, y] = ratio(j / 64, 1);
  const [w, v] = twoProduct(z, z);
  const low = v + 2 * z * y;
  // Horner in doubled precision from the smallest term: 1/(2k+1) + w · rest.
  let high = 1 / 41;
  let rest = 0;
  for (let k = 19; k >= 0; k--) {
    const n = 2 * k + 1;
    const term = 1 / n;
    const [back, lost] = twoProduct(term, n);
    const [p, q] = twoProduct(high, w);
    const [s, e] = twoSum(term, p);
    rest = e + q + high * low + rest * w + (1 - back - lost) / n;
    high = s;
  }
  const [p, q] = twoProduct(high, z);
  const [s, e] = twoSum(2 * p, 2 * (q + rest * z + high * y));
  return [s, e];
}

const GRID = Array.from({ length: 97 }, (_, j): [number, number] => (j < 48 ? [0, 0] : logOfGrid(j)));

function compute(x: number): number {
  let k = Math.floor(Math.log2(x));
  let m = x / 2 ** k;
  if (m >= 1.5) {
    m /= 2;
    k += 1;
  }
  const j = Math.round(m * 64);
  const [gridHigh, gridLow] = GRID[j] ?? [0, 0];
  const [z, y] = ratio(m, j / 64);
  const w = z * z;
  const tail = z * w * (1 / 3 + w * (1 / 5 + w * (1 / 7 + w / 9)));
  const [a, e] = twoSum(k * LN2_HIGH, gridHigh);
  const [b, f] = twoSum(a, 2 * z);
  return b + (e + f + gridLow + 2 * (y + tail) + k * LN2_LOW);
}

/** Results for small integers, which most counts are. */
const KNOWN = new Float64Array(1 << 15).fill(-1);

/** ln x of an integer 1 ≤ x < 2⁵³. */
export function exactLog(x: number): number {
  const known = KNOWN[x];
  if (known === undefined) return compute(x);
  if (known >= 0) return known;
  const y = compute(x);
  KNOWN[x] = y;
  return y;
}
