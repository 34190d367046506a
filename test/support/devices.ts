// Which devices this place has: tests of a missing one are skipped, and say why.
import type { Device } from "../../src/runtime/platform.ts";
import { evaluate, tensor } from "../../src/tensor/index.ts";

/** Why `device` cannot be used here, or `false` when it can. */
export async function missingDevice(device: Device): Promise<string | false> {
  try {
    await evaluate(tensor([1]).add(1), { device });
    return false;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The end of a skipped test's name. */
export function unless(missing: string | false): string {
  return missing === false ? "" : ` (skipped: ${missing})`;
}
