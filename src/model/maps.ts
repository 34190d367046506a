// Every kind of linear map, one line each.
export { dense } from "../nn/linear.ts";
