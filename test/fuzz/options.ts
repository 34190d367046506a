// What every fuzzer takes and gives.
import type { Device } from "../../src/tensor/index.ts";

export interface FuzzOptions {
  /** Most inputs to try. */
  readonly count: number;
  /** Seed of the first; the others follow. */
  readonly seed: number;
  /** Most minutes to take. */
  readonly minutes: number;
  readonly device: Device;
  /** Programs: each in all modes, or in the one of its seed. */
  readonly modes: "all" | "one";
}

export interface FuzzReport {
  readonly tried: number;
  readonly firstSeed: number;
  /** One text per fault. */
  readonly failures: readonly string[];
  readonly [what: string]: unknown;
}
