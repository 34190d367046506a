/**
 * Errors of the public edge. Form of a message: `function: argument must requirement, got value. Remedy.`
 *
 * A `UserError` is a mistake of the caller's (wrong option, file, shape): the command line prints its one
 * sentence without a stack and exits with 2. Anything else is a failure and exits with 1.
 */
export class UserError extends Error {
  override name = "UserError";
}

/** A tensor whose shape does not fit; shows the letter and both sizes. */
export class ShapeError extends UserError {
  override name = "ShapeError";
}

/** A tensor whose element type does not fit; shows both types. */
export class DtypeError extends UserError {
  override name = "DtypeError";
}

/** An option that is unknown or out of range; shows the nearest known names or the bounds. */
export class OptionError extends UserError {
  override name = "OptionError";
}

/** A file that is missing, truncated, corrupt or of another kind; names the file. */
export class FileError extends UserError {
  override name = "FileError";
}

/** A program that cannot be lowered to ONNX; names the op and the operator set. */
export class GraphError extends Error {
  override name = "GraphError";
}

/** A runtime that is missing or refused a model; keeps the runtime's own error as `cause`. */
export class BackendError extends Error {
  override name = "BackendError";
}

/** A place the program cannot reach unless it is itself wrong. */
export function unreachable(what: string): never {
  throw new Error(`unreachable: ${what}`);
}

/** Levenshtein distance of two short names, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The `most` names nearest to `name`, best first; names further than half their length are left out. */
export function nearest(name: string, known: Iterable<string>, most = 3): string[] {
  return [...known]
    .map((k) => ({ k, d: distance(name.toLowerCase(), k.toLowerCase()) }))
    .filter(({ k, d }) => d <= Math.max(2, Math.ceil(Math.max(k.length, name.length) / 2)))
    .sort((x, y) => x.d - y.d || (x.k < y.k ? -1 : 1))
    .slice(0, most)
    .map(({ k }) => k);
}

/** Throws an `OptionError` for a key of `options` that is not `known`; suggests the nearest. */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const hint = near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Known: ${known.join(", ")}.`;
    throw new OptionError(`${where}: option "${key}" is unknown. ${hint}`);
  }
}
