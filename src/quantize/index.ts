export { nbit, type NbitConfig, type NbitParams, toNbit } from "./nbit.ts";
