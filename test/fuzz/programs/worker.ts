// Runs programs by seed for a parent: a runtime that dies takes this process along, not the count.
import type { Device } from "../../../src/tensor/index.ts";
import { findSeed, modeOf } from "./find.ts";

process.on("message", (message: { seed: number; device: Device; modes: "all" | "one" }) => {
  const { seed, device, modes } = message;
  findSeed(seed, { device, ...(modes === "one" && { modes: [modeOf(seed)] }) }).then(
    (found) => process.send?.(found),
    (error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ seed, runs: 0, skipped: 0, failures: [`seed ${seed}: ${text}`] });
    },
  );
});
