// Numbers that carry their first two derivatives along one variable: arithmetic of Taylor polynomials of order two.

/** f, f′ and f″ at a place. */
export interface Jet {
  readonly value: number;
  readonly first: number;
  readonly second: number;
}

export const constant = (value: number): Jet => ({ value, first: 0, second: 0 });
export const variable = (value: number): Jet => ({ value, first: 1, second: 0 });

export const add = (a: Jet, b: Jet): Jet => ({
  value: a.value + b.value,
  first: a.first + b.first,
  second: a.second + b.second,
});

export const multiply = (a: Jet, b: Jet): Jet => ({
  value: a.value * b.value,
  first: a.first * b.value + a.value * b.first,
  second: a.second * b.value + 2 * a.first * b.first + a.value * b.second,
});

/** f(g), from f, f′ and f″ at g's value: (f∘g)″ = f″·g′² + f′·g″. Constants stay constant where f′ is infinite. */
function compose(g: Jet, f: number, df: number, d2f: number): Jet {
  if (g.first === 0 && g.second === 0) return constant(f);
  return { value: f, first: df * g.first, second: d2f * g.first ** 2 + df * g.second };
}

export const negate = (a: Jet): Jet => multiply(constant(-1), a);
export const reciprocal = (a: Jet): Jet => compose(a, 1 / a.value, -(a.value ** -2), 2 * a.value ** -3);

export function sqrt(a: Jet): Jet {
  const root = Math.sqrt(a.value);
  return compose(a, root, 0.5 / root, -0.25 / (root * a.value));
}

export function exp(a: Jet): Jet {
  const e = Math.exp(a.value);
  return compose(a, e, e, e);
}

export const log = (a: Jet): Jet => compose(a, Math.log(a.value), 1 / a.value, -(a.value ** -2));

/** aᵇ: by the power rule for a constant b, which also holds for a ≤ 0 and whole b, else e^{b ln a}. */
export function power(a: Jet, b: Jet): Jet {
  if (b.first !== 0 || b.second !== 0) return exp(multiply(b, log(a)));
  const n = b.value;
  return compose(a, a.value ** n, n * a.value ** (n - 1), n * (n - 1) * a.value ** (n - 2));
}
