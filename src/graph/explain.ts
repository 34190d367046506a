// What the runtime says when a run fails, as a sentence about the function and the argument that are at fault.
import { BackendError, OptionError } from "../errors.ts";

/** Taken off negative indices, so that the runtime refuses them; given back before they are shown. */
export const NEGATIVE: number = 2 ** 30;

/** Between a requirement, which nodes that can fail are named by, and what makes the name unique. */
export const MARK = " #";

/**
 * The error to throw for one of the runtime's: an `OptionError` where a node with a requirement failed on a value of
 * the user's, else a `BackendError` with the runtime's own first line.
 */
export function explain(error: unknown, device: string): Error {
  if (error instanceof BackendError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const [, name, status = ""] =
    /while running \w+ node\. Name:'([^']*)' Status Message: ([^]*)/.exec(text) ?? [];
  const [requirement, rest] = name?.split(MARK) ?? [];
  const [, index] = /(?:idx=|indice = )(-?\d+)/.exec(status) ?? [];
  if (requirement !== undefined && rest !== undefined && index !== undefined) {
    // A requirement without a range is about a value that must not be 0.
    const value = requirement.endsWith(")") ? Number(index) : 0;
    const shown = value <= -NEGATIVE / 2 ? value + NEGATIVE : value;
    return new OptionError(`${requirement}, got ${shown}.`, { cause: error });
  }
  const [line = ""] = text.split("\n");
  return new BackendError(
    `device ${device}: ONNX Runtime must finish the program, got "${line.trim()}". Run it on another device, or report it.`,
    { cause: error },
  );
}
