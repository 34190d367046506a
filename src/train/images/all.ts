// Every image method, one line each. A new method is one file under `methods/` and one line here.
export { fsq } from "./methods/fsq.ts";
