export { frozen, type FrozenConfig, type FrozenParams, toFrozen } from "./frozen.ts";
export { BLOCK } from "./rows.ts";
export { applyTwice, nbit, type NbitConfig, type NbitParams, toNbit } from "./nbit.ts";
