// Ctrl-C once: finish the step, save and say how to go on. Twice: stop at once.
import { say } from "./command.ts";

/** A signal that fires on the first Ctrl-C or polite kill. `release` gives Ctrl-C its usual meaning back. */
export function stopOnInterrupt(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    say("\nStopping after this step; press Ctrl-C again to stop at once.");
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    release() {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

/** Runs `body`; when `signal` stopped it before there was anything to save, says so and ends with 130. */
export async function unlessStopped(signal: AbortSignal, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    say("Stopped before the first step; nothing was trained.");
    process.exitCode = 130;
  }
}
