// Whole square roots of whole numbers of any size. `Math.sqrt` rounds, and near squares the rounding decides.

/** ⌊√n⌋. @throws RangeError for n < 0. */
export function integerSqrt(n: bigint): bigint {
  if (n < 0n) throw new RangeError(`integerSqrt: n must be ≥ 0, got ${n}.`);
  return n < NEAR ? fromFloat(n) : fromAbove(n);
}

/** ⌈√n⌉. @throws RangeError for n < 0. */
export function integerSqrtUp(n: bigint): bigint {
  const root = integerSqrt(n);
  return root * root === n ? root : root + 1n;
}

/** Below this a root is below 2⁵², and float64's is wrong by less than one. */
const NEAR = 1n << 104n;

function fromFloat(n: bigint): bigint {
  const root = BigInt(Math.floor(Math.sqrt(Number(n))));
  if (root * root > n) return root - 1n;
  return (root + 1n) * (root + 1n) <= n ? root + 1n : root;
}

/** Newton's method from a power of two above the root: decreasing until it has arrived. */
function fromAbove(n: bigint): bigint {
  let root = 1n << BigInt(Math.ceil((4 * n.toString(16).length) / 2));
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
