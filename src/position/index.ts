export { noPosition } from "./none.ts";
export type { Position } from "./position.ts";
export { rope, ropeFrequencies, type RopeOptions, rotate, type RotaryLayout } from "./rope.ts";
