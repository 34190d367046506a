// Every kind of mixer, one line each. A new kind is one file here and one line.
export { dense } from "./dense.ts";
export { mla } from "./mla.ts";
export { window } from "./window.ts";
export { linear } from "./linear.ts";
export { performer } from "./performer.ts";
export { rnn } from "./rnn.ts";
export { rtf } from "./rtf.ts";
export { transformerVq } from "./transformer-vq.ts";
