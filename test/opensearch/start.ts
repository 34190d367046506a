// Real OpenSearch nodes on loopback, where Java 17 and Maven are: Maven copies the jars that pom.xml names, Java runs
// Node.java from its source. They end with their standard input, so also with a test that is killed.
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** Nodes that run. */
export interface RealNodes {
  readonly url: string;
  close(): Promise<void>;
}

const folder = import.meta.dirname;
const jars = join(folder, "target/lib");
/** Longest that Maven, and then the nodes, may take, in milliseconds. */
const patience = { maven: 240_000, nodes: 240_000 };

/** Why no node can be started on this machine; nothing if one can. */
export function missingForOpenSearch(): string | undefined {
  const java = spawnSync("java", ["-version"], { encoding: "utf8" });
  const version = Number(/version "(\d+)/.exec(java.stderr ?? "")?.[1] ?? 0);
  if (version < 17) return `Java 17 is needed, found ${version === 0 ? "none" : version}`;
  if (!existsSync(jars) && spawnSync("mvn", ["-v"]).status !== 0) return "Maven is needed, found none";
  return undefined;
}

/** Starts some nodes of one cluster. @throws Error if Maven cannot bring the jars, or the nodes do not start. */
export async function startOpenSearch(nodes = 1): Promise<RealNodes> {
  if (!existsSync(jars)) await copyJars();
  // In memory where that is to be had: a node flushes its state to the disk for every index it makes.
  const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const data = await mkdtemp(join(place, "athanor-opensearch-"));
  const child = spawn(
    "java",
    [
      "-Xmx512m",
      `-Dlog4j2.configurationFile=${join(folder, "log4j2.properties")}`,
      "-cp",
      join(jars, "*"),
      join(folder, "Node.java"),
      data,
      String(nodes),
    ],
    { stdio: ["pipe", "pipe", "pipe"], timeout: 600_000 },
  );
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += String(chunk)));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const close = async (): Promise<void> => {
    child.stdin.end();
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const address = /^ready (http:\S+)$/.exec(line)?.[1];
    if (address !== undefined) resolve(address);
  });
  const fail = (why: string): void =>
    reject(new Error(`startOpenSearch: nodes must start, ${why}.\n${output}`));
  void ended.then(() => fail("they ended"));
  const timer = setTimeout(() => fail(`nothing after ${patience.nodes} ms`), patience.nodes);
  try {
    return { url: await promise, close };
  } catch (error) {
    child.kill("SIGKILL");
    await rm(data, { recursive: true, force: true });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function copyJars(): Promise<void> {
  const args = ["-B", "-q", "-f", join(folder, "pom.xml"), "dependency:copy-dependencies"];
  await promisify(execFile)("mvn", [...args, "-DincludeScope=runtime", `-DoutputDirectory=${jars}`], {
    timeout: patience.maven,
  });
}
