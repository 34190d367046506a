// Every kind of linear map, one line each. Known by its leaf; one that holds the leaves of a plain matrix and more (an
// adapter beside its `weight`) by what it has more.
export { dora } from "../adapt/dora.ts";
export { lora } from "../adapt/lora.ts";
export { dense } from "../nn/linear.ts";
export { monarch } from "../structured/monarch.ts";
export { frozen } from "../quantize/frozen.ts";
export { nbit } from "../quantize/nbit.ts";
