// The package.json of the tarball is not that of a clone: what only a clone has (sources, scripts, workspaces) is left
// out. `npm pack` calls this before (`publish`) and after (`restore`); a run that was killed in between is put right by
// `node .ci/published-manifest.mjs restore`.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const MANIFEST = "package.json";
const KEPT = ".package.json.clone";
const OF_A_CLONE = ["allowScripts", "devDependencies", "devEngines", "scripts", "workspaces"];

/** `value` without the condition `source`, which leads to files that are not in the tarball. */
function withoutSources(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "source")
      .map(([key, inner]) => [key, withoutSources(inner)]),
  );
}

if (process.argv[2] === "publish") {
  const text = readFileSync(existsSync(KEPT) ? KEPT : MANIFEST, "utf8");
  const manifest = JSON.parse(text);
  for (const key of OF_A_CLONE) delete manifest[key];
  manifest.imports = withoutSources(manifest.imports);
  manifest.exports = withoutSources(manifest.exports);
  writeFileSync(KEPT, text);
  writeFileSync(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
} else if (existsSync(KEPT)) renameSync(KEPT, MANIFEST);
