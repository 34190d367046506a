export { dora, doraAdapter, type DoraConfig, doraGain, type DoraParams, rowNorms } from "./dora.ts";
export {
  lora,
  loraChange,
  type LoraConfig,
  type LoraParams,
  loraScale,
  type LoraSize,
  tableChange,
  type TableParams,
  tableRows,
} from "./lora.ts";
export {
  type FactorGradients,
  GA_INDICES,
  GA_SCALES,
  type GaIndices,
  type GaScale,
  loraGaAdapter,
  type LoraGaOptions,
  loraGaStart,
} from "./lora-ga.ts";
export { balancedRatio, LORA_PLUS_RATIO, loraPlusRate } from "./lora-plus.ts";
export {
  type Correction,
  equivalentGradient,
  loraPro,
  loraProAdam,
  type LoraProOptions,
  PRO_CHOICES,
  type ProAdamOptions,
  type ProChoice,
  proGradients,
  type ProMoments,
  type ProPair,
} from "./lora-pro.ts";
export { merge, type Merged, type MergeReport, unmerge, verifyMerge } from "./merge.ts";
export { pissaAdapter, pissaStart } from "./pissa.ts";
export {
  type Adapter,
  type AdapterConfig,
  adapterOf,
  freshAdapter,
  isAdapterLeaf,
  isFactor,
  likeStarted,
  type Start,
  type StartAt,
  startedAdapter,
  USUAL_TARGETS,
  withAdapter,
  withoutAdapter,
} from "./wrap.ts";
