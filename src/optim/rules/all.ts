// The update rules that a training can name: one line each.
export { adamwRule as adamw } from "./adamw.ts";
export { lionRule as lion } from "./lion.ts";
export { sgdRule as sgd } from "./sgd.ts";
export { tigerRule as tiger } from "./tiger.ts";
