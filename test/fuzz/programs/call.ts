// A random call, and what it is drawn from.
import type { Arg, Val } from "../../reference/program.ts";
import type { Random } from "./random.ts";

/** A variable in reach. */
export interface Variable {
  readonly id: number;
  readonly val: Val;
}

/** A call without numbers for its results yet. */
export interface Call {
  readonly fn: string;
  readonly args: readonly Arg[];
  /** Places of the results in what is returned. */
  readonly places: readonly string[];
}

/** What a call is made from. */
export interface Draw {
  readonly random: Random;
  /** A variable that holds, recent ones more often; `undefined` where there is none. */
  find(holds: (x: Val) => boolean): Variable | undefined;
}

export type Make = (d: Draw) => Call | undefined;

export const ref = (v: Variable): Arg => ({ ref: v.id });
export const call = (fn: string, ...args: Arg[]): Call => ({ fn, args, places: [""] });

/** Most elements a value may have. */
export const MOST = 96;
