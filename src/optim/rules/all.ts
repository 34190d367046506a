// The update rules that a training can name: one line each.
export { adamwRule as adamw } from "./adamw.ts";
export { egRule as eg } from "./eg.ts";
export { funnelledGainRule as funnelledGain } from "./meta-gain.ts";
export { lionRule as lion } from "./lion.ts";
export { metaGainRule as metaGain } from "./meta-gain.ts";
export { muonRule as muon } from "./muon.ts";
export { sgdRule as sgd } from "./sgd.ts";
export { tigerRule as tiger } from "./tiger.ts";
