// Wang et al. 2024, "LoRA-GA: Low-Rank Adaptation with Gradient Approximation", section 3. https://arxiv.org/abs/2407.05000
// Su 2024, https://kexue.fm/archives/10226
import { OptionError } from "../errors.ts";
import {
  abs,
  concat,
  evaluate,
  gather,
  matmul,
  max,
  mean,
  minimum,
  narrow,
  qr,
  random,
  randomizedSvd,
  sqrt,
  svd,
  type Svd,
  type Tensor,
  tensor,
  transpose,
  zeros,
} from "../tensor/index.ts";
import { type LoraSize, loraScale } from "./lora.ts";
import {
  type Adapter,
  type AdapterConfig,
  chooseTargets,
  startedAdapter,
  type Start,
  USUAL_TARGETS,
} from "./wrap.ts";

/** Which singular directions each factor takes, of the first 2r: `ArB2r` gives A the first r and B the next r. */
export type GaIndices = "ArB2r" | "A2rBr" | "ArBr" | "random";
/** How both factors are scaled: see `loraGaStart`. */
export type GaScale = "stable" | "unit" | "gd" | "weightS";

export interface LoraGaOptions {
  /** Default `ArB2r`. */
  readonly indices?: GaIndices;
  /** Default `stable`. */
  readonly scale?: GaScale;
  /** γ of `stable`; default 16. */
  readonly gamma?: number;
  /**
   * `paper` (default), or `peft`: what peft 0.21 does, which is not the paper's rule: `lora_B` is multiplied by the
   * singular values, `stable` scales it alone, and `random` gives both factors the same directions.
   */
  readonly form?: "paper" | "peft";
  /** Shrinks a start whose product has a larger entry than the matrix; default false. */
  readonly clip?: boolean;
}

export const GA_INDICES: readonly GaIndices[] = ["ArB2r", "A2rBr", "ArBr", "random"];
export const GA_SCALES: readonly GaScale[] = ["stable", "unit", "gd", "weightS"];

/** Directions of A and of B among the first 2r. */
function directions(
  kind: GaIndices,
  r: number,
  key: random.Key,
  form: "paper" | "peft",
): [number[], number[]] {
  const count = (from: number, step = 1): number[] => Array.from({ length: r }, (_, i) => from + i * step);
  if (kind === "ArB2r") return [count(0), count(r)];
  if (kind === "A2rBr") return [count(r), count(0)];
  if (kind === "ArBr") return [count(1, 2), count(0, 2)];
  const drawn = [...random.permutation(key, 2 * r)];
  return form === "peft" ? [drawn.slice(0, r), drawn.slice(0, r)] : [drawn.slice(0, r), drawn.slice(r)];
}

/**
 * The start whose first step of descent imitates that of full fine-tuning best: with the gradient `G = U Σ Vᵀ`,
 * `lora_A` takes r rows of `Vᵀ` and `lora_B` r other columns of `U`, so that `G AᵀA + B Bᵀ G` is the best approximation of
 * `G` of rank 2r. Both are scaled by `O^¼/√γ` (`stable`), 1 (`unit`), `1/s` (`gd`), or the mean of `√(σᵢ(W)/s)`
 * (`weightS`). Where `G` has fewer than 2r directions, what is missing begins with zero.
 * @param found The first `min(2r, O, I)` singular directions of `G` `[O, I]`. @param weight `[O, I]`. @param key Of
 * `random`.
 */
export async function loraGaStart(
  found: Svd,
  weight: Tensor,
  size: LoraSize,
  key: random.Key,
  { indices = "ArB2r", scale = "stable", gamma = 16, form = "paper", clip = false }: LoraGaOptions = {},
): Promise<Start> {
  const r = size.rank;
  const s = loraScale(size);
  const [forA, forB] = directions(indices, r, key, form);
  const there = Number(found.s.shape[0]);
  const [lastA, lastB] = [forA.filter((i) => i < there), forB.filter((i) => i < there)];
  const pick = (columns: Tensor, chosen: readonly number[]): Tensor =>
    gather(columns, tensor(Int32Array.from(chosen)), 1);
  const none = (rows: Tensor, chosen: readonly number[]): Tensor[] =>
    chosen.length < r ? [zeros([Number(rows.shape[0]), r - chosen.length], { dtype: rows.dtype })] : [];
  // What A lacks stands last and what B lacks first: no pair of zeros, which would never learn.
  const a = concat([...(lastA.length > 0 ? [pick(found.v, lastA)] : []), ...none(found.v, lastA)], 1); // [I, r]
  let b = concat([...none(found.u, lastB), ...(lastB.length > 0 ? [pick(found.u, lastB)] : [])], 1); // [O, r]
  const peft = form === "peft";
  const strengths = gather(found.s, tensor(Int32Array.from(lastB)));
  if (peft) b = b.mul(lastB.length < r ? concat([zeros([r - lastB.length]), strengths]) : strengths);
  const factor = await factorOf({ scale, gamma, s, weight, rank: r, key, peft, first: strengths });
  let start = { lora_A: transpose(a).mul(peft && scale !== "gd" ? 1 : factor), lora_B: b.mul(factor) };
  if (clip) {
    const largest = (t: Tensor): Tensor => max(abs(t));
    const product = matmul(start.lora_B, start.lora_A).mul(s);
    const shrink = sqrt(minimum(largest(weight).div(largest(product).add(1e-30)), 1));
    start = { lora_A: start.lora_A.mul(shrink), lora_B: start.lora_B.mul(shrink) };
  }
  return evaluate(start);
}

interface FactorOf {
  readonly scale: GaScale;
  readonly gamma: number;
  readonly s: number;
  readonly weight: Tensor;
  readonly rank: number;
  readonly key: random.Key;
  readonly peft: boolean;
  readonly first: Tensor;
}

async function factorOf({
  scale,
  gamma,
  s,
  weight,
  rank,
  key,
  peft,
  first,
}: FactorOf): Promise<Tensor | number> {
  const out = Number(weight.shape[0]);
  if (!(gamma > 0 && Number.isFinite(gamma)))
    throw new OptionError(`lora-ga: gamma must be a number above 0, got ${gamma}.`);
  if (scale === "stable") return out ** 0.25 / Math.sqrt(gamma);
  if (scale === "unit") return 1;
  if (scale === "gd") return 1 / s;
  const { s: own } = await randomizedSvd(weight, rank, random.fold(key, "weight"), { iterations: 4 });
  return peft ? narrow(own, 0, 0, 1).div(narrow(first, 0, 0, 1).add(1e-30)) : mean(sqrt(own.div(s)));
}

/** Gradients of the mean loss by the factors of an adapter, over the same examples at every call. */
export type FactorGradients = (adapter: Adapter) => Promise<Adapter>;

/** Directions that are sampled and dropped in the end, and rounds of power iteration. */
const OVERSAMPLING = 8;
const ITERATIONS = 2;

/**
 * The first singular directions of the gradients of all `targets`, of which none is ever formed: by the factors of an
 * adapter with `s = 1`, the gradient by B beside a given A is `G Aᵀ`, and that by A beside a given B is `Bᵀ G`. That is all
 * that a random projection asks for. Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1.
 */
async function gradientDirections(
  targets: readonly { readonly name: string; readonly rows: number; readonly columns: number }[],
  rank: number,
  key: random.Key,
  gradients: FactorGradients,
): Promise<Map<string, Svd>> {
  const widthOf = (t: { rows: number; columns: number }): number =>
    Math.min(t.rows, t.columns, 2 * rank + OVERSAMPLING);
  const ask = async (
    leaf: "lora_A" | "lora_B",
    other: ReadonlyMap<string, Tensor>,
  ): Promise<Map<string, Tensor>> => {
    const adapter: Record<string, Tensor> = {};
    for (const t of targets) {
      const given = other.get(t.name);
      const width = widthOf(t);
      const [A, B] = [zeros([width, t.columns]), zeros([t.rows, width])];
      adapter[`${t.name}.lora_A`] = leaf === "lora_B" && given ? given : A;
      adapter[`${t.name}.lora_B`] = leaf === "lora_A" && given ? given : B;
      adapter[`${t.name}.lora_scale`] = tensor(1);
    }
    const found = await gradients(adapter);
    return new Map(targets.map(({ name }) => [name, found[`${name}.${leaf}`] ?? zeros([])]));
  };
  const orthonormal = async (
    all: ReadonlyMap<string, Tensor>,
    turned: boolean,
  ): Promise<Map<string, Tensor>> => {
    const out = new Map<string, Tensor>();
    for (const [name, t] of all) {
      const { q } = await qr(turned ? await evaluate(transpose(t)) : t);
      out.set(name, turned ? transpose(q) : q);
    }
    return out;
  };
  const test = new Map(
    targets.map((t) => [t.name, random.normal(random.fold(key, t.name), [widthOf(t), t.columns])]),
  );
  let q = await orthonormal(await ask("lora_B", test), false); // [O, k]
  for (let i = 0; i < ITERATIONS; i++) {
    const back = await orthonormal(await ask("lora_A", q), true); // [k, I]
    q = await orthonormal(await ask("lora_B", back), false);
  }
  const small = await ask("lora_A", q); // Qᵀ G, [k, I]
  const out = new Map<string, Svd>();
  for (const [name, basis] of q) {
    const { u, s, v } = await svd(small.get(name) ?? zeros([]));
    const first = (t: Tensor): Tensor => narrow(t, -1, 0, Math.min(2 * rank, Number(s.shape[0])));
    out.set(name, await evaluate({ u: first(matmul(basis, u)), s: first(s), v: first(v) }));
  }
  return out;
}

/**
 * An adapter whose matrices start along the gradient of the base; tables start as LoRA's.
 * @param gradients Of the base's loss over some examples, by factors. @throws OptionError as `freshAdapter`.
 */
export async function loraGaAdapter(
  base: unknown,
  config: AdapterConfig,
  key: random.Key,
  gradients: FactorGradients,
  options: LoraGaOptions = {},
): Promise<Adapter> {
  const targets = chooseTargets(base, config.targets ?? USUAL_TARGETS).filter(({ table }) => !table);
  const found = await gradientDirections(targets, config.rank, random.fold(key, "directions"), gradients);
  return startedAdapter(base, config, key, ({ name, weight, size, key: own }) => {
    const directed = found.get(name);
    if (directed === undefined) throw new Error(`no gradient of ${name}`);
    return loraGaStart(directed, weight, size, own, options);
  });
}
