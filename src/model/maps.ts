// Every kind of linear map, one line each. The first whose leaf is there counts: a kind that holds the leaves of another
// and more (an adapter beside its `weight`) stands before it.
export { dense } from "../nn/linear.ts";
export { monarch } from "../structured/monarch.ts";
