// Wang et al. 2024, "LoRA-Pro: Are Low-Rank Adapters Properly Optimized?", sections 3.2 and 3.3.
// https://arxiv.org/abs/2407.18242; Su 2024, https://kexue.fm/archives/10266
import { OptionError } from "../errors.ts";
import {
  cast,
  concat,
  div,
  expandDims,
  full,
  matmul,
  max,
  maximum,
  narrow,
  pow,
  reshape,
  smallEigh,
  sqrt,
  square,
  stack,
  sub,
  type Tensor,
  transpose,
  zeros,
} from "../tensor/index.ts";

/**
 * Which of the corrections with one and the same effect: `sylvester` stays nearest to the factors' own gradients (the
 * paper), `symmetric` shares the effect evenly (the article), `zero` is the simplest.
 */
export type ProChoice = "sylvester" | "symmetric" | "zero";
export const PRO_CHOICES: readonly ProChoice[] = ["sylvester", "symmetric", "zero"];

/** Factors `lora_A` `[r, I]` and `lora_B` `[O, r]`, their gradients, and the scale s. */
export interface ProPair {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly gradA: Tensor;
  readonly gradB: Tensor;
  readonly scale: number;
}

/** Added to both Gram matrices, as the authors do; and a share of their largest eigenvalue that rounding asks for. */
const RIDGE = 1e-8;
const ROUNDING = { float32: 1e-6, float64: 1e-14 } as const;

/** `V diag(f) Vᵀ` of stacked matrices. @param v `[N, r, r]`. @param f `[N, r]`. */
function spectral(v: Tensor, f: Tensor): Tensor {
  return matmul(v.mul(expandDims(f, -2)), v, { transposeB: true });
}

/**
 * Gradients in place of the factors' own, `H_A` and `H_B`, for which `s (H_B A + B H_A)` is nearest to the gradient `G` of
 * the dense matrix: `G − (I − P_B) G (I − P_A)`. With `K_A = (A Aᵀ)⁻¹`, `K_B = (Bᵀ B)⁻¹` and any X of r by r,
 * `H_A = s⁻² K_B g_A + X A` and `H_B = s⁻² (I − B K_B Bᵀ) g_B K_A − B X`; X solves
 * `BᵀB X + X A Aᵀ = −s⁻² K_B g_A Aᵀ` (`sylvester`), is `−½ s⁻² K_B Bᵀ g_B K_A` (`symmetric`), or 0 (`zero`). A factor of
 * zeros at the start needs no case of its own: `H_A = 0`, `H_B = s⁻² g_B K_A`.
 * @param pairs Of any ranks; those of one rank are solved together.
 */
export function proGradients(
  pairs: readonly ProPair[],
  choice: ProChoice = "sylvester",
): { a: Tensor; b: Tensor }[] {
  if (!PRO_CHOICES.includes(choice))
    throw new OptionError(`lora-pro: choice must be one of ${PRO_CHOICES.join(", ")}, got "${choice}".`);
  const out = new Map<ProPair, { a: Tensor; b: Tensor }>();
  const byRank = Map.groupBy(pairs, ({ a }) => Number(a.shape[0]));
  for (const group of byRank.values()) {
    const solved = corrections(group, choice);
    group.forEach((pair, i) => out.set(pair, solved[i] as { a: Tensor; b: Tensor }));
  }
  return pairs.map((pair) => out.get(pair) as { a: Tensor; b: Tensor });
}

function corrections(pairs: readonly ProPair[], choice: ProChoice): { a: Tensor; b: Tensor }[] {
  const N = pairs.length;
  const dtype = pairs[0]?.a.dtype === "float64" ? "float64" : "float32";
  const each = (f: (p: ProPair) => Tensor): Tensor => stack(pairs.map(f));
  const grams = concat([
    each(({ a }) => matmul(a, a, { transposeB: true })),
    each(({ b }) => matmul(b, b, { transposeA: true })),
  ]); // [2N, r, r]
  const { values, vectors } = smallEigh(grams);
  const floor = max(values, { axis: -1, keep: true }).mul(ROUNDING[dtype]);
  const safe = maximum(values, 0).add(floor).add(RIDGE);
  const [λ, μ] = [narrow(safe, 0, 0, N), narrow(safe, 0, N, 2 * N)];
  const [Q, R] = [narrow(vectors, 0, 0, N), narrow(vectors, 0, N, 2 * N)];
  const [KA, KB] = [spectral(Q, div(1, λ)), spectral(R, div(1, μ))];
  // Bᵀ g_B = g_A Aᵀ in exact numbers, and both are s Bᵀ G Aᵀ.
  const shared = each(({ b, gradB, scale }) => matmul(b, gradB, { transposeA: true }).mul(scale ** -2));
  const X = mixing(choice, shared, { λ, μ, Q, R, KA, KB });
  const at = (t: Tensor, i: number): Tensor => reshape(narrow(t, 0, i, i + 1), t.shape.slice(1));
  return pairs.map(({ a, b, gradA, gradB, scale }, i) => {
    const [ka, kb] = [at(KA, i), at(KB, i)];
    const ha = matmul(kb, gradA).mul(scale ** -2);
    const inside = matmul(matmul(kb, at(shared, i)), ka);
    const hb = matmul(gradB.mul(scale ** -2), ka).sub(matmul(b, inside));
    if (X === undefined) return { a: ha, b: hb };
    const x = at(X, i);
    return { a: ha.add(matmul(x, a)), b: hb.sub(matmul(b, x)) };
  });
}

interface Spectrum {
  readonly λ: Tensor;
  readonly μ: Tensor;
  readonly Q: Tensor;
  readonly R: Tensor;
  readonly KA: Tensor;
  readonly KB: Tensor;
}

/** X `[N, r, r]`. @param shared `s⁻² Bᵀ g_B`. */
function mixing(choice: ProChoice, shared: Tensor, { λ, μ, Q, R, KA, KB }: Spectrum): Tensor | undefined {
  if (choice === "zero") return undefined;
  if (choice === "symmetric") return matmul(matmul(KB, shared), KA).mul(-0.5);
  const F = matmul(KB, shared).neg();
  const turned = matmul(matmul(R, F, { transposeA: true }), Q);
  const sums = expandDims(μ, -1).add(expandDims(λ, -2));
  return matmul(matmul(R, turned.div(sums)), Q, { transposeB: true });
}

/** `s (H_B A + B H_A)` `[O, I]`: the dense gradient that a step along both factors amounts to. */
export function equivalentGradient(
  { a, b, scale }: Omit<ProPair, "gradA" | "gradB">,
  h: { a: Tensor; b: Tensor },
): Tensor {
  return matmul(h.b, a).add(matmul(b, h.a)).mul(scale);
}

type Leaves = Readonly<Record<string, Tensor>>;

/** A pure pair as those of `optim`: from gradients to what is put in their place. */
export interface Correction<S> {
  init(params: Leaves): S;
  update(grads: Leaves, state: S, params: Leaves): { updates: Leaves; state: S };
}

export interface LoraProOptions {
  /** Default `sylvester`. */
  readonly choice?: ProChoice;
  /** The scale s of all adapters. */
  readonly scale: number;
}

/** The pairs among `params`, by the name of their matrix. */
function pairsOf(params: Leaves, grads: Leaves, scale: number): (readonly [node: string, ProPair])[] {
  return Object.entries(params).flatMap(([name, a]) => {
    if (!name.endsWith(".lora_A") || a.rank !== 2) return [];
    const node = name.slice(0, -".lora_A".length);
    const [b, gradA, gradB] = [params[`${node}.lora_B`], grads[name], grads[`${node}.lora_B`]];
    return b && gradA && gradB ? [[node, { a, b, gradA, gradB, scale }] as const] : [];
  });
}

function placed(
  grads: Leaves,
  pairs: readonly (readonly [string, ProPair])[],
  choice: ProChoice | undefined,
): Leaves {
  const found = proGradients(
    pairs.map(([, pair]) => pair),
    choice,
  );
  const own = pairs.flatMap(([node], i): [string, Tensor][] => {
    const h = found[i];
    return h
      ? [
          [`${node}.lora_A`, h.a],
          [`${node}.lora_B`, h.b],
        ]
      : [];
  });
  return { ...grads, ...Object.fromEntries(own) };
}

/** Corrects gradients before any rule: exact for descent, and the cheap form for rules with moments of the factors. */
export function loraPro({ choice, scale }: LoraProOptions): Correction<Record<never, never>> {
  return {
    init: () => ({}),
    update: (grads, state, params) => ({
      updates: placed(grads, pairsOf(params, grads, scale), choice),
      state,
    }),
  };
}

export interface ProMoments {
  readonly step: Tensor;
  /** Moments of the dense gradients, `[O, I]` each, by the name of the matrix. */
  readonly m: Leaves;
  readonly v: Leaves;
}

/** Betas and ε of `loraProAdam`. */
export interface ProAdamOptions extends LoraProOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/**
 * Adam of the dense matrix, by its factors (algorithm 2): the equivalent gradient with X = 0 → moments of full size →
 * `U = M̂/(√V̂ + ε)` → `U_A = s Bᵀ U`, `U_B = s U Aᵀ` → corrected. State as large as that of full fine-tuning. Other
 * leaves pass as they are.
 */
export function loraProAdam({
  choice,
  scale,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
}: ProAdamOptions): Correction<ProMoments> {
  return {
    init(params) {
      const dense = Object.fromEntries(
        pairsOf(params, params, scale).map(([node, { a, b }]) => [
          node,
          zeros([Number(b.shape[0]), Number(a.shape[1])], { dtype: a.dtype }),
        ]),
      );
      return { step: zeros([], { dtype: "int32" }), m: dense, v: { ...dense } };
    },
    update(grads, state, params) {
      const pairs = pairsOf(params, grads, scale);
      const simple = proGradients(
        pairs.map(([, pair]) => pair),
        "zero",
      );
      const step = state.step.add(1);
      const t = cast(step, "float32");
      const [m, v, steps]: [Record<string, Tensor>, Record<string, Tensor>, [string, ProPair][]] = [
        {},
        {},
        [],
      ];
      pairs.forEach(([node, pair], i) => {
        const h = simple[i];
        const [m0, v0] = [state.m[node], state.v[node]];
        if (!h || !m0 || !v0) throw new Error(`no moments of ${node}`);
        const g = equivalentGradient(pair, h);
        const { dtype } = g;
        const left = (beta: number): Tensor => cast(sub(1, pow(full([], beta), t)), dtype);
        const m1 = m0.mul(beta1).add(g.mul(1 - beta1));
        const v1 = v0.mul(beta2).add(square(g).mul(1 - beta2));
        const u = m1.div(left(beta1)).div(sqrt(v1.div(left(beta2))).add(epsilon));
        [m[node], v[node]] = [m1, v1];
        const gradA = matmul(pair.b, u, { transposeA: true }).mul(scale);
        const gradB = matmul(u, transpose(pair.a)).mul(scale);
        steps.push([node, { ...pair, gradA, gradB }]);
      });
      return { updates: placed(grads, steps, choice), state: { step, m, v } };
    },
  };
}
