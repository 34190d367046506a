// DEER (Lim et al. 2024, https://arxiv.org/abs/2309.12252): a nonlinear recurrence solved for all times at once by
// Newton's method. Each round is a linear recurrence, which associativeScan solves in logarithmic depth.
// node --conditions=source examples/deer.ts
import * as t from "athanor/tensor";

type Tensor = t.Tensor;

const T = 100;
const n = 5;
const float64 = { dtype: "float64" } as const;

/** The cell: `t.tanh(W h + u)` for a batch of states `[…, n]`. */
const cell = (w: Tensor, h: Tensor, u: Tensor): Tensor => t.tanh(t.matmul(h, t.transpose(w)).add(u));

/** `h_t = J_t h_{t−1} + b_t` from `h_0 = 0`. @param j `[T, n, n]`. @param b `[T, n]`. */
function linearRecurrence(j: Tensor, b: Tensor): Tensor {
  const columns = t.reshape(b, [T, n, 1]);
  const solved = t.associativeScan((p, q) => ({ j: t.matmul(q.j, p.j), b: t.matmul(q.j, p.b).add(q.b) }), {
    j,
    b: columns,
  });
  return t.reshape(solved.b, [T, n]);
}

/** States before each step, `[0, h_1, …, h_{T−1}]`. */
const before = (h: Tensor): Tensor => t.concat([t.zeros([1, n], float64), t.slice(h, { end: T - 1 })]);

const apply = (j: Tensor, h: Tensor): Tensor => t.reshape(t.matmul(j, t.reshape(h, [T, n, 1])), [T, n]);

/** One round of Newton: the cell linearised around the guess `h`, solved for all times. */
function newton(w: Tensor, u: Tensor, h: Tensor): Tensor {
  const p = before(h);
  const j = t.jacobian((state) => cell(w, state, u), { batch: 1 })(p);
  return linearRecurrence(j, cell(w, p, u).sub(apply(j, p)));
}

/** All states, and how many rounds it took until none moved by more than `tolerance`. */
export async function solveStates(
  w: Tensor,
  u: Tensor,
  tolerance = 1e-12,
): Promise<{ h: Tensor; rounds: number }> {
  const round = t.compile((w: Tensor, u: Tensor, h: Tensor) => {
    const next = newton(w, u, h);
    return { next, moved: t.max(t.abs(next.sub(h))) };
  });
  let h: Tensor = t.zeros([T, n], float64);
  for (let rounds = 1; ; rounds++) {
    const { next, moved } = await round(w, u, h);
    h = next;
    const distance = await moved.item();
    if (distance <= tolerance) return { h, rounds };
    if (!Number.isFinite(distance) || rounds === T) throw new Error(`no solution after ${rounds} rounds`);
  }
}

/**
 * The solution as a function of `w` and `u`: one more round whose linear part is held fixed. Its value is `h`
 * again, and its derivative is one linear solve backwards in time instead of a walk through all rounds.
 */
function attached(w: Tensor, u: Tensor, h: Tensor): Tensor {
  const p = t.stopGradient(before(h));
  const j = t.stopGradient(t.jacobian((state) => cell(w, state, u), { batch: 1 })(p));
  return linearRecurrence(j, cell(w, p, u).sub(apply(j, p)));
}

/** The recurrence as a loop. */
function loop(w: Tensor, u: Tensor): Tensor {
  const step = (h: Tensor, input: Tensor): readonly [Tensor, Tensor] => {
    const next = cell(w, h, input);
    return [next, next];
  };
  return t.reshape(t.scan(step, t.zeros([1, n], float64), t.reshape(u, [T, 1, n])).ys, [T, n]);
}

const loss = (states: Tensor): Tensor => t.mean(t.square(states.sub(0.3)));

/** Largest difference of two tensors. */
const differ = (x: Tensor, y: Tensor): Promise<number> => t.max(t.abs(x.sub(y))).item();

export async function deer(): Promise<{ rounds: number; states: number; gradient: number }> {
  const w = t.random.normal(t.random.key(1), [n, n], { std: 0.9 / Math.sqrt(n), dtype: "float64" });
  const u = t.random.normal(t.random.key(2), [T, n], { std: 0.5, dtype: "float64" });
  const { h, rounds } = await solveStates(w, u);
  const [one, other] = await t.evaluate([
    t.grad((p: { w: Tensor; u: Tensor }) => loss(attached(p.w, p.u, h)))({ w, u }),
    t.grad((p: { w: Tensor; u: Tensor }) => loss(loop(p.w, p.u)))({ w, u }),
  ] as const);
  const gradient = Math.max(await differ(one.w, other.w), await differ(one.u, other.u));
  return { rounds, states: await differ(h, loop(w, u)), gradient };
}

if (import.meta.filename === process.argv[1]) console.log(await deer());
