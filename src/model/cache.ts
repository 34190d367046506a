// What a layer keeps of the tokens so far, as data, and the letters of its axes. They stand here and nowhere else.
import type { Dim, Shape } from "../tensor/index.ts";

/** Names of sizes that differ from call to call. */
export const SIZES = {
  /** `B`: texts of a batch. */
  texts: "B",
  /** `S`: tokens that went before. */
  tokens: "S",
  /** `R`: tokens that a buffer has room for. */
  room: "R",
  /** `T`: new tokens of each text. */
  fresh: "T",
  /** `W`: places whose logits are wanted. */
  wanted: "W",
} as const;

/** An axis of a cached tensor: a number, the texts, or the tokens so far. The texts come first. */
export type CacheDim = number | typeof SIZES.texts | typeof SIZES.tokens;

/** Shape of a cached tensor. With `"S"` it grows with the tokens, without it stays of its size. */
export type CacheShape = readonly CacheDim[];

/** Shapes of what one layer keeps, by name. */
export type CacheShapes = Readonly<Record<string, CacheShape>>;

/** Whether it grows with the tokens. */
export function grows(shape: CacheShape): boolean {
  return shape.includes(SIZES.tokens);
}

/** The axis that grows. */
export function tokenAxis(shape: CacheShape): number {
  return shape.indexOf(SIZES.tokens);
}

/** Product of sizes that are numbers. */
export function product(dims: Shape): number {
  return dims.reduce((n: number, d) => n * Number(d), 1);
}

/** `shape` with numbers in place of letters. */
export function sized(shape: CacheShape, batch: number, tokens: number): number[] {
  return shape.map((d) => (d === SIZES.texts ? batch : d === SIZES.tokens ? tokens : d));
}

/** Whether tokens follow one another in memory, so that a beginning of a buffer is a tensor of its own. */
export function isRows(shape: CacheShape, batch: Dim): boolean {
  return batch === 1 && product(shape.slice(1, tokenAxis(shape))) === 1;
}

/** The shape as an input of a program for one text or `B`: `S` tokens, or the `R` of the whole buffer. */
export function inputShape(shape: CacheShape, batch: Dim): Shape {
  const tokens = isRows(shape, batch) ? SIZES.tokens : SIZES.room;
  return shape.map((d) => (d === SIZES.tokens ? tokens : d === SIZES.texts && batch === 1 ? 1 : d));
}
