export { noPosition } from "./none.ts";
export { type Position, productPosition, type Turns } from "./position.ts";
export { rope, ropeFrequencies, type RopeOptions, rotate, type RotaryLayout } from "./rope.ts";
