// The quantile function of the normal distribution: M. J. Wichura, "Algorithm AS 241: the percentage points of the
// normal distribution", Applied Statistics 37 (1988) 477–484, routine PPND16. Only +, −, ×, ÷ and √ are used, which
// round alike on every platform; the logarithm of the tails is spelled out for the same reason.

/** Numerator and denominator, constant term first, of one of the three rational approximations. */
type Rational = readonly [over: readonly number[], under: readonly number[]];

const CENTRE: Rational = [
  [
    3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
    45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
  ],
  [
    1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867,
    39307.89580009271061, 28729.085735721942674, 5226.495278852854561,
  ],
];

const TAIL: Rational = [
  [
    1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
    1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4,
  ],
  [
    1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459,
    0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9,
  ],
];

const FAR_TAIL: Rational = [
  [
    6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123,
    0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
  ],
  [
    1, 0.59983220655588793769, 0.1369298809227358053, 0.0148753612908506148525, 7.868691311456132591e-4,
    1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15,
  ],
];

function evaluate([over, under]: Rational, x: number): number {
  let a = 0;
  let b = 0;
  for (let i = 7; i >= 0; i--) {
    a = a * x + (over[i] as number);
    b = b * x + (under[i] as number);
  }
  return a / b;
}

const LN2_HIGH = 0.693147180369123816;
const LN2_LOW = 1.90821492927058770002e-10;

/** Natural logarithm of `0 < x < 1` from arithmetic alone: `k ln 2 + 2 artanh((m − 1)/(m + 1))` for `x = 2ᵏ m`. */
function logarithm(x: number): number {
  let k = 0;
  let m = x;
  while (m < 2 ** -16) {
    m *= 2 ** 16;
    k -= 16;
  }
  while (m < Math.SQRT1_2) {
    m *= 2;
    k -= 1;
  }
  const s = (m - 1) / (m + 1);
  const s2 = s * s;
  let series = 0;
  for (let n = 25; n >= 1; n -= 2) series = series * s2 + 1 / n;
  return k * LN2_HIGH + (2 * s * series + k * LN2_LOW);
}

/** The number below which a standard normal falls with probability `p`, `0 < p < 1`; accurate to about 1e-15. */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) return q * evaluate(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-logarithm(q < 0 ? p : 1 - p));
  const size = r <= 5 ? evaluate(TAIL, r - 1.6) : evaluate(FAR_TAIL, r - 5);
  return q < 0 ? -size : size;
}

/** The probability that a standard normal falls below `x`, by bisection of the quantile function. */
export function normalProbability(x: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 64; i++) {
    const middle = (low + high) / 2;
    if (middle === 0 || middle === 1) break;
    if (normalQuantile(middle) < x) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
