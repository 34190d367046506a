export {
  FSQ_FORMS,
  fsqDecode,
  fsqEncode,
  type FsqForm,
  type FsqOptions,
  fsqQuantize,
  fsqSize,
} from "./fsq.ts";
export { BLOCK } from "./rows.ts";
export { applyTwice, nbit, type NbitConfig, type NbitParams, toNbit } from "./nbit.ts";
