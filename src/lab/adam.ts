// Adam on a scalar function of a few parameters, for experiments too small to be a task: one compiled step, noise by key.
// Kingma and Ba 2014, https://arxiv.org/abs/1412.6980
import { compile, grad, random, sqrt, type Tensor, tensor, zipTrees } from "../tensor/index.ts";

export interface AdamOptions {
  readonly steps: number;
  readonly rate: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly key: random.Key;
}

/** Minimises `loss(params, key)`, a new key each step. @returns The last parameters. */
export async function adam<P>(
  start: P,
  loss: (params: P, key: Tensor) => Tensor,
  { steps, rate, beta1 = 0.9, beta2 = 0.999, key }: AdamOptions,
): Promise<P> {
  interface State {
    readonly p: P;
    readonly m: P;
    readonly v: P;
  }
  const step = compile(
    ({ p, m, v }: State, at: Tensor, first: Tensor, second: Tensor): State => {
      const g = grad((q: P) => loss(q, at))(p);
      const means = zipTrees(m, g, (a, b) => a.mul(beta1).add(b.mul(1 - beta1))) as P;
      const squares = zipTrees(v, g, (a, b) => a.mul(beta2).add(b.square().mul(1 - beta2))) as P;
      const moves = zipTrees(means, squares, (a, b) =>
        a
          .mul(first)
          .div(sqrt(b.mul(second)).add(1e-8))
          .mul(rate),
      );
      return { p: zipTrees(p, moves, (a, b) => a.sub(b)) as P, m: means, v: squares };
    },
    { threads: 1 },
  );
  const none = zipTrees(start, start, (a) => a.mul(0)) as P;
  let state: State = { p: start, m: none, v: none };
  for (let i = 1; i <= steps; i++) {
    const [first, second] = [beta1, beta2].map((b) => tensor(1 / (1 - b ** i)));
    if (first && second) state = await step(state, random.traced(random.fold(key, i)), first, second);
  }
  await step.release();
  return state.p;
}
