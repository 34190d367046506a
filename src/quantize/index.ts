export { frozen, type FrozenConfig, type FrozenParams, toFrozen } from "./frozen.ts";
export {
  FSQ_FORMS,
  fsqDecode,
  fsqEncode,
  type FsqForm,
  type FsqOptions,
  fsqQuantize,
  fsqSize,
} from "./fsq.ts";
export { kMeans } from "./k-means.ts";
export { BLOCK } from "./rows.ts";
export { applyTwice, nbit, type NbitConfig, type NbitParams, toNbit } from "./nbit.ts";
export { codeCounts, codeUse } from "./use.ts";
export {
  vqAverage,
  vqBook,
  vqCounted,
  vqDecode,
  vqEncode,
  type VqQuantized,
  vqQuantize,
  vqRestart,
  type VqSeen,
  vqSeen,
  type VqState,
  vqState,
} from "./vq.ts";
