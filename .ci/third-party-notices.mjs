// Writes THIRD-PARTY-NOTICES: the licences of what other people wrote and the tarball carries. That is the code bundled
// into the page (found by its lockfile entries under studio/) and the texts in data/; packages that npm installs beside
// ours bring their own licences.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

/** Packages whose code or fonts the page is built from; the builder's own helpers are Svelte's. */
const studio = JSON.parse(readFileSync("studio/package.json", "utf8"));
const NOT_BUNDLED = new Set(["@sveltejs/vite-plugin-svelte", "svelte-check", "typescript", "vite"]);
const bundled = new Set();
const wanted = Object.keys({ ...studio.dependencies, ...studio.devDependencies }).filter(
  (name) => !NOT_BUNDLED.has(name),
);
while (wanted.length > 0) {
  const name = wanted.pop();
  if (bundled.has(name)) continue;
  bundled.add(name);
  // Svelte's dependencies are its compiler's and stay behind; those of the others come along.
  if (name !== "svelte") wanted.push(...Object.keys(manifestOf(name).dependencies ?? {}));
}

function folderOf(name) {
  const places = [join("studio", "node_modules", name), join("node_modules", name)];
  const found = places.find((place) => existsSync(join(place, "package.json")));
  if (found === undefined) throw new Error(`notices: ${name} must be installed, got nothing. Run npm ci.`);
  return found;
}

function manifestOf(name) {
  return JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8"));
}

function licenceOf(name) {
  const folder = folderOf(name);
  const file = readdirSync(folder).find((f) => /^(licen[cs]e|ofl|copying)/i.test(f));
  if (file === undefined) throw new Error(`notices: ${name} must carry its licence, got none.`);
  return readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
}

const parts = [...bundled]
  .sort((a, b) => (a < b ? -1 : 1))
  .map((name) => {
    const { version, license } = manifestOf(name);
    return `${name} ${version} (${license}), in studio/dist\n\n${licenceOf(name)}`;
  });
parts.push(`Texts in data/\n\n${readFileSync("data/LICENSES.md", "utf8").trim()}`);
writeFileSync("THIRD-PARTY-NOTICES", `${parts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`);
