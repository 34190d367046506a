// Liu et al. 2024, "DoRA: Weight-Decomposed Low-Rank Adaptation", sections 4.1 and 4.3. https://arxiv.org/abs/2402.09353
import { OptionError } from "../errors.ts";
import type { LinearMap } from "../nn/index.ts";
import {
  checkShapes,
  expandDims,
  full,
  matmul,
  type random,
  sqrt,
  square,
  stopGradient,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { lora, type LoraConfig, loraChange, loraDelta, type LoraParams } from "./lora.ts";
import {
  type Adapter,
  type AdapterConfig,
  chooseTargets,
  freshAdapter,
  USUAL_TARGETS,
  weightOf,
} from "./wrap.ts";

/** Leaves of LoRA, and how long each row of the matrix is: `[O]`, trained. */
export type DoraParams = LoraParams & { readonly lora_magnitude: Tensor };

export interface DoraConfig extends Omit<LoraConfig, "type"> {
  readonly type: "dora";
}

/**
 * `‖W0 + s B A‖` of each row, `[O]`, without forming the sum:
 * `‖w‖² + 2s ⟨b, A w⟩ + s² b A Aᵀ bᵀ`. @param weight `W0` `[O, I]`.
 */
export function rowNorms(
  weight: Tensor,
  { lora_A: a, lora_B: b, lora_scale: s }: Omit<LoraParams, "weight">,
): Tensor {
  const own = sum(square(weight), { axis: -1 });
  const cross = sum(matmul(weight, a, { transposeB: true }).mul(b), { axis: -1 });
  const change = sum(matmul(b, matmul(a, a, { transposeB: true })).mul(b), { axis: -1 });
  return sqrt(own.add(cross.mul(2).mul(s)).add(change.mul(s).mul(s)));
}

/** What each row is multiplied by: `lora_magnitude / ‖W0 + s B A‖`, the norm taken as a constant (section 4.3). */
export function doraGain(params: DoraParams): Tensor {
  return params.lora_magnitude.div(stopGradient(rowNorms(params.weight, params)));
}

/** `W = m ⊙ (W0 + s B A) / ‖W0 + s B A‖`: direction and length of every row learn apart. */
export const dora: LinearMap<DoraConfig, DoraParams> = {
  type: "dora",
  leaf: "lora_magnitude",
  parameters(config, out, from, std) {
    return {
      ...lora.parameters({ ...config, type: "lora" }, out, from, std),
      // The norm that a row of `from` numbers of this deviation has on average.
      lora_magnitude: { shape: [out], init: (_, shape) => full(shape, std * Math.sqrt(from)) },
    };
  },
  apply(params, x) {
    checkShapes("dora", { weight: [params.weight, "O I"], lora_magnitude: [params.lora_magnitude, "O"] });
    const y = matmul(x, params.weight, { transposeB: true }).add(loraChange(params, x));
    return y.mul(doraGain(params));
  },
  toDense: (params) => params.weight.add(loraDelta(params)).mul(expandDims(doraGain(params), -1)),
};

/** An adapter that starts as LoRA's, with the magnitudes of the base. @throws OptionError as `freshAdapter`, and for tables. */
export function doraAdapter(base: unknown, config: AdapterConfig, key: random.Key): Adapter {
  const targets = chooseTargets(base, config.targets ?? USUAL_TARGETS);
  const table = targets.find((t) => t.table);
  if (table) {
    throw new OptionError(
      `dora: targets must be matrices, got the table ${table.name}. Leave it out or use lora.`,
    );
  }
  const fresh = freshAdapter(base, config, key);
  const magnitudes: Record<string, Tensor> = {};
  for (const { name } of targets) {
    const [A, B, s] = [fresh[`${name}.lora_A`], fresh[`${name}.lora_B`], fresh[`${name}.lora_scale`]];
    if (!A || !B || !s) continue;
    // By the sum that the map takes itself: their ratio begins with one.
    magnitudes[`${name}.lora_magnitude`] = rowNorms(weightOf(base, name), {
      lora_A: A,
      lora_B: B,
      lora_scale: s,
    });
  }
  return { ...fresh, ...magnitudes };
}
