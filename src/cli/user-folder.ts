import { resolve } from "node:path";

/**
 * npm runs a package's scripts in the package's folder. Files that a person names lie in the folder they called
 * npm from, which npm tells in INIT_CWD: `npm run --prefix CHECKOUT athanor -- train small.txt`.
 * @param root This package's folder; scripts of other packages keep the folder npm gave them.
 */
export function userFolder(env: NodeJS.ProcessEnv, root: string): string | undefined {
  const script = env["npm_lifecycle_event"];
  const ours = resolve(env["npm_package_json"] ?? "") === resolve(root, "package.json");
  return ours && (script === "athanor" || script === "start") ? env["INIT_CWD"] : undefined;
}
