export {
  lora,
  type LoraConfig,
  type LoraParams,
  loraScale,
  type LoraSize,
  tableChange,
  type TableParams,
  tableRows,
} from "./lora.ts";
export { balancedRatio, LORA_PLUS_RATIO, loraPlusRate } from "./lora-plus.ts";
export { merge, type Merged, type MergeReport, unmerge, verifyMerge } from "./merge.ts";
export {
  type Adapter,
  type AdapterConfig,
  adapterOf,
  freshAdapter,
  isAdapterLeaf,
  isFactor,
  USUAL_TARGETS,
  withAdapter,
  withoutAdapter,
} from "./wrap.ts";
