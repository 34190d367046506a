// Packages that only some users need: they are loaded where they are used, and who lacks one is told its name.
import { UserError } from "./errors.ts";

/**
 * The module that `load` imports from the package `name`.
 * @param where The function that needs it, for the message.
 * @throws UserError when the package is not installed.
 * @example
 * const { XMLParser } = await optional("harvestOai", "fast-xml-parser", () => import("fast-xml-parser"));
 */
export async function optional<T>(where: string, name: string, load: () => T | Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new UserError(
      `${where}: package ${name} must be installed, got none. Install it with npm install ${name}.`,
      { cause },
    );
  }
}

/** True if `error` says that the package `name` itself is not there; a package that it needs in turn is another fault. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !error.message.includes(name)) return false;
  const { code } = error as { code?: unknown };
  // Node and Deno set the code; Bun throws a ResolveMessage that says so in words.
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND" || /cannot find/i.test(error.message);
}
