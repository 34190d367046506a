// Asks the devices of a page in Chromium for every op.
import { chromium } from "playwright";
import { createServer } from "vite";
import { findChromium } from "../test/support/chromium.ts";
import type { Probe } from "../test/support/op-probe.ts";
import { browserProject, launchOptions } from "../vitest.browser.config.ts";

type Probes = Record<string, readonly Probe[]>;
const ROOT = new URL("..", import.meta.url).pathname;

/** The probes of both devices of a page. */
export async function probePage(): Promise<{ wasm: Probes; webgpu: Probes }> {
  const executable = findChromium();
  if (executable === undefined)
    throw new Error("ops-table: Chromium must be installed. Name one in CHROMIUM.");
  const project = browserProject(executable);
  const server = await createServer({
    root: ROOT,
    configFile: false,
    resolve: project.resolve ?? {},
    optimizeDeps: project.optimizeDeps ?? {},
    server: { ...project.server, port: 0 },
    logLevel: "error",
    plugins: [
      {
        name: "empty-page",
        configureServer({ middlewares }) {
          middlewares.use("/ops-page", (_, response) => {
            response.setHeader("Content-Type", "text/html");
            for (const [key, value] of Object.entries(project.server?.headers ?? {})) {
              response.setHeader(key, String(value));
            }
            response.end("<!doctype html><title>ops</title>");
          });
        },
      },
    ],
  });
  await server.listen();
  const browser = await chromium.launch(launchOptions(executable));
  try {
    const page = await browser.newPage();
    await page.goto(`${server.resolvedUrls?.local[0]}ops-page`);
    const ask = (device: string): Promise<Probes> =>
      page.evaluate(async (d) => {
        const path = "/test/support/op-probe.ts";
        const { probeOps: probe } = (await import(path)) as { probeOps: (d: string) => Promise<Probes> };
        return probe(d);
      }, device);
    return { wasm: await ask("wasm"), webgpu: await ask("webgpu") };
  } finally {
    await browser.close();
    await server.close();
  }
}
