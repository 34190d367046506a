// Every image method, one line each. A new method is one file under `methods/` and one line here.
export { classifier } from "./methods/classifier.ts";
export { fsq } from "./methods/fsq.ts";
export { gan } from "./methods/gan.ts";
export { ign } from "./methods/ign.ts";
export { patches } from "./methods/patches.ts";
export { tokens } from "./methods/tokens.ts";
export { bnVae, vae } from "./methods/vae.ts";
export { vq } from "./methods/vq.ts";
