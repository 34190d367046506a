// Packs the tarball, installs it into empty projects and uses it there: `npm run test:package [-- NAME…]`. Names: see
// CHECKS. Ends with "N passed, N failed".
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const { version, engines, peerDependencies, devDependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
const work = mkdtempSync(join(tmpdir(), "athanor-package-"));
const run = promisify(execFile);
const bin = (folder, name) =>
  join(folder, "node_modules", ".bin", process.platform === "win32" ? `${name}.cmd` : name);

/** Runs a command to its end. @throws Error with what it printed. */
async function sh(command, args, cwd, env = {}) {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
  try {
    return (await run(command, args, options)).stdout;
  } catch (error) {
    const printed = `${error.stdout}${error.stderr}`.trim();
    throw new Error(`${command} ${args.join(" ")}\n${printed}`, { cause: error });
  }
}

const npm = (args, cwd) => sh("npm", ["--no-audit", "--no-fund", "--loglevel=error", ...args], cwd);
const manifest = (allowScripts) =>
  JSON.stringify({ name: "empty", private: true, type: "module", allowScripts });

/** An empty project with the tarball and some packages; ONNX Runtime fetches nothing of CUDA. */
async function project(name, packages, files) {
  const folder = join(work, name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, "package.json"),
    manifest({ "onnxruntime-node": false, node: true, protobufjs: false }),
  );
  await npm(["install", await packed(), ...packages], folder);
  for (const file of files) cpSync(join(here, file), join(folder, file));
  return folder;
}

let tarball;
function packed() {
  return (tarball ??= npm(["pack", "--pack-destination", work], root).then(() =>
    join(work, `athanor-${version}.tgz`),
  ));
}

let tooling;
function tools() {
  return (tooling ??= (async () => {
    const folder = join(work, "tools");
    cpSync(join(here, "tools"), folder, { recursive: true });
    await npm(["install"], folder);
    return folder;
  })());
}

const runtime = `onnxruntime-node@${peerDependencies["onnxruntime-node"]}`;
let shared;
/** One project for all that runs in Node or takes its place; a model lies in `model` afterwards. */
function host() {
  const types = `@types/node@${devDependencies["@types/node"]}`;
  return (shared ??= project(
    "host",
    [runtime, types],
    ["use.mjs", "train.mjs", "types.ts", "page-types.ts"],
  ));
}

/** `use.mjs` by the program `command`. */
async function use(command, args = []) {
  const folder = await host();
  return sh(command, [...args, "use.mjs", join(folder, "model")], folder);
}

/** `use.mjs` on the Node of an npm package. */
async function onNode(wanted) {
  const folder = join(work, `node-${wanted}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), manifest({ node: true }));
  await npm(["install", `node@${wanted}`], folder);
  return use(bin(folder, "node"));
}

/** A project for pages, with what `bundle` makes of page.mjs in `out`. */
async function inPage(name, packages, bundle) {
  if (!existsSync(join(await host(), "model"))) await use(process.execPath);
  const folder = await project(
    name,
    [`onnxruntime-web@${peerDependencies["onnxruntime-web"]}`, ...packages],
    ["page.mjs", "train.mjs"],
  );
  const out = join(folder, "out");
  await bundle(folder, out);
  cpSync(join(await host(), "model"), join(out, "model"), { recursive: true });
  return openPage(out);
}

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

async function openPage(out) {
  const { chromium } = await import("playwright");
  const server = createServer((request, answer) => {
    const path = join(out, new URL(request.url, "http://x").pathname);
    if (!existsSync(path) || path.endsWith("/")) {
      answer.writeHead(404).end();
      return;
    }
    answer.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
    answer.end(request.method === "HEAD" ? undefined : readFileSync(path));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const lines = [];
    page.on("console", (message) => lines.push(message.text()));
    page.on("pageerror", (error) => lines.push(error.message));
    // A browser with WebGPU and no adapter, as on many machines without a graphics card.
    await page.addInitScript(() => {
      Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => null } });
    });
    await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
    await page
      .waitForFunction(() => "outcome" in globalThis, undefined, { timeout: 60_000 })
      .catch(() => {
        throw new Error(`the page did not start: ${lines.join("\n")}`);
      });
    const outcome = await page.evaluate(() => globalThis.outcome);
    if (outcome.error) throw new Error(`${outcome.error}\n${outcome.stack}\n${lines.join("\n")}`);
    const { chosen, losses, served, dropped, kept, equal } = outcome;
    const expected =
      chosen === 6 && losses.at(-1) < losses[0] && served && served === dropped && kept && equal;
    const warned = lines.filter((line) => line.includes("finds no adapter")).length;
    if (!expected || warned !== 1)
      throw new Error(`wrong in the page: ${JSON.stringify(outcome)}\n${lines.join("\n")}`);
    return `served ${JSON.stringify(served)}, stored ${JSON.stringify(kept)}`;
  } finally {
    await browser.close();
    server.close();
  }
}

const html = (script) =>
  `<!doctype html><meta charset="utf-8"><script type="module" src="${script}"></script>\n`;

const CHECKS = {
  bare: async () => {
    const folder = await project("bare", [], ["bare.mjs"]);
    return sh(process.execPath, ["bare.mjs"], folder);
  },
  "node-oldest": () => onNode(`${/\d+\.\d+/.exec(engines.node)[0]}.0`),
  "node-newest": () => onNode("latest"),
  "command-line": async () => {
    const folder = await host();
    const out = await sh(bin(folder, "athanor"), ["--version"], folder);
    if (out.trim() !== version) throw new Error(`athanor --version must print ${version}, got ${out}`);
    return out;
  },
  types: async () => {
    const folder = await host();
    const compilerOptions = {
      strict: true,
      skipLibCheck: false,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      target: "es2022",
      noEmit: true,
    };
    const surroundings = {
      "types.ts": { module: "nodenext", lib: ["es2022"], types: ["node"] },
      "page-types.ts": {
        module: "esnext",
        moduleResolution: "bundler",
        lib: ["es2022", "dom", "dom.iterable"],
        types: [],
      },
    };
    for (const [file, own] of Object.entries(surroundings)) {
      const config = { compilerOptions: { ...compilerOptions, ...own }, files: [file] };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
      await sh(bin(root, "tsc"), [], folder);
    }
    return "strict, declarations checked, in Node and in a page";
  },
  publint: async () => sh(bin(await tools(), "publint"), ["run", await packed(), "--strict"], work),
  attw: async () => sh(bin(await tools(), "attw"), [await packed(), "--profile", "esm-only"], work),
  bun: async () => use(bin(await tools(), "bun")),
  deno: async () => use(bin(await tools(), "deno"), ["run", "--allow-all", "--node-modules-dir=manual"]),
  vite: () =>
    inPage("vite", [`vite@${devDependencies.vite}`], async (folder, out) => {
      writeFileSync(join(folder, "index.html"), html("/page.mjs"));
      await sh(bin(folder, "vite"), ["build", "--outDir", out], folder);
    }),
  esbuild: () =>
    inPage("esbuild", [], async (folder, out) => {
      const options = ["--bundle", "--format=esm", "--splitting", `--outdir=${out}`, "--log-level=warning"];
      await sh(bin(await tools(), "esbuild"), ["page.mjs", ...options], folder);
      // esbuild leaves `new URL("….wasm", import.meta.url)` as it is: the file has to lie beside the script.
      cpSync(
        join(folder, "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"),
        join(out, "ort-wasm-simd-threaded.wasm"),
      );
      writeFileSync(join(out, "index.html"), html("/page.js"));
    }),
  webpack: () =>
    inPage("webpack", [], async (folder, out) => {
      const config = join(folder, "webpack.mjs");
      writeFileSync(
        config,
        `import webpack from ${JSON.stringify(join(await tools(), "node_modules/webpack/lib/index.js"))};
const options = { mode: "production", context: ${JSON.stringify(folder)}, entry: "./page.mjs", output: { path: ${JSON.stringify(out)}, filename: "page.js", module: true, chunkFormat: "module" }, experiments: { outputModule: true } };
webpack(options, (error, stats) => {
  if (error || stats.hasErrors()) { console.error(error ?? stats.toString("errors-only")); process.exitCode = 1; }
});
`,
      );
      await sh(process.execPath, [config], folder);
      writeFileSync(join(out, "index.html"), html("/page.js"));
    }),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in CHECKS));
if (unknown.length > 0) {
  console.error(
    `test:package: names must be of ${Object.keys(CHECKS).join(", ")}, got ${unknown.join(", ")}.`,
  );
  process.exit(2);
}
let failed = 0;
const names = asked.length > 0 ? asked : Object.keys(CHECKS);
try {
  for (const name of names) {
    const began = Date.now();
    try {
      const said = (await CHECKS[name]()).trim().split("\n").at(-1) ?? "";
      console.log(`ok ${name} (${Math.round((Date.now() - began) / 1000)} s) ${said}`);
    } catch (error) {
      failed++;
      console.log(`failed ${name}: ${error.message}`);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${names.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
