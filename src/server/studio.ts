// Where the built page is; from a source checkout it is built on the first start, and again when its sources
// are newer.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { BackendError, FileError } from "../errors.ts";

/** `studio/` of this package: the same two steps up from `src/server` and from `dist/server`. */
const studio = resolve(import.meta.dirname, "../../studio");

/** What is built of it. */
const dist = join(studio, "dist");

/** Time of the latest change below some paths, in milliseconds; 0 if there is none. */
async function latestChange(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(
    paths.map(async (path) => {
      const info = await stat(path).catch(() => undefined);
      if (info === undefined) return 0;
      if (!info.isDirectory()) return info.mtimeMs;
      return await latestChange((await readdir(path)).map((name) => join(path, name)));
    }),
  );
  return Math.max(0, ...times);
}

/** Sources of the page, those shared with the server included. */
async function sourceTime(): Promise<number> {
  const own = ["src", "public", "index.html", "vite.config.ts", "package.json"].map((name) =>
    join(studio, name),
  );
  return await latestChange([
    ...own,
    resolve(studio, "../src/papers"),
    resolve(studio, "../src/server/address.ts"),
  ]);
}

/** Vite's program, if it is installed. */
function findVite(): string | undefined {
  try {
    return join(
      dirname(createRequire(join(studio, "package.json")).resolve("vite/package.json")),
      "bin/vite.js",
    );
  } catch {
    return undefined;
  }
}

/** Builds into `folder`. @throws BackendError with the builder's last lines. */
async function build(vite: string, folder: string): Promise<void> {
  const args = [vite, "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"];
  // Whatever the surroundings (a test runner), the page is built for use.
  const env = { ...process.env, NODE_ENV: "production" };
  const child = spawn(process.execPath, args, { cwd: studio, stdio: ["ignore", "pipe", "pipe"], env });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += String(chunk)));
  child.stderr.on("data", (chunk: Buffer) => (output += String(chunk)));
  const { promise, resolve: done, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("close", done);
  const code = await promise;
  if (code === 0) return;
  throw new BackendError(
    `studioFolder: the page must build, got exit code ${code}.\n${output.trim().slice(-2000)}`,
  );
}

/** Replaces `dist` by what was built; another process may do the same at the same time. */
async function install(built: string): Promise<void> {
  const old = `${dist}.old-${process.pid}`;
  await rename(dist, old).catch(() => {});
  await rename(built, dist).catch(async (cause: unknown) => {
    await rm(built, { recursive: true, force: true });
    if (!existsSync(join(dist, "index.html")))
      throw new FileError(`studioFolder: ${dist} must be writable.`, { cause });
  });
  await rm(old, { recursive: true, force: true });
}

/** Longest a build may take before another process thinks its builder dead, in milliseconds. */
const patience = 120_000;

/** Does something that no other process does at the same time; a folder is the lock. */
async function alone(work: () => Promise<void>): Promise<void> {
  const lock = `${dist}.lock`;
  const start = Date.now();
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch {
      const info = await stat(lock).catch(() => undefined);
      if (info !== undefined && Date.now() - info.mtimeMs > patience)
        await rm(lock, { recursive: true, force: true });
      if (Date.now() - start > 2 * patience) {
        throw new FileError(`studioFolder: ${lock} must not stay locked. Delete it if no build runs.`);
      }
      await setTimeout(200);
    }
  }
  try {
    await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

/** Whether the built page is there, and as new as its sources. */
async function isFresh(): Promise<boolean> {
  const info = await stat(join(dist, "index.html")).catch(() => undefined);
  return info !== undefined && info.mtimeMs >= (await sourceTime());
}

/**
 * The folder of the built page. In a source checkout it is built if it is missing or older than its sources;
 * `say` hears about it.
 * @throws FileError if there is nothing to serve and nothing to build with.
 */
export async function studioFolder(say: (line: string) => void = () => {}): Promise<string> {
  const exists = existsSync(join(dist, "index.html"));
  const vite = existsSync(join(studio, "src")) ? findVite() : undefined;
  if (vite === undefined) {
    if (exists) return dist;
    throw new FileError(`studioFolder: ${dist} must hold the built page. Run "npm ci" and "npm run build".`);
  }
  if (await isFresh()) return dist;
  say(
    exists
      ? "The page's sources are newer than its build: building it again ..."
      : "Building the page (first start only) ...",
  );
  await alone(async () => {
    if (await isFresh()) return;
    const built = `${dist}.new-${process.pid}`;
    await build(vite, built);
    await install(built);
  });
  return dist;
}
