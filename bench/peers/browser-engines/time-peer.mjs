// Times one training step (forward, backward, Adam) of a GPT-2 style model on jax-js or TensorFlow.js. Both run in a
// cross-origin isolated page of Chromium, since only there do their WebAssembly back ends use threads.
// node time-peer.mjs jax-js|tfjs '{"batch":8,"length":256,"width":256,"heads":8,"layers":4,"vocab":4096,"steps":3}'
import { availableParallelism } from "node:os";
import { chromium } from "playwright";
import { createServer } from "vite";
import { findChromium } from "../../../test/support/chromium.ts";

const ENGINES = ["jax-js", "tfjs"];
const WARMUP = 1;

/** `{stepMs, bestMs, loss, losses, threads, where}` of `steps` steps (default 3) after one to warm up. */
export async function timePeer(name, { steps = 3, ...shape }) {
  if (!ENGINES.includes(name))
    throw new Error(`timePeer: peer must be one of ${ENGINES.join(", ")}, got "${name}".`);
  const executablePath = findChromium();
  if (executablePath === undefined)
    throw new Error("timePeer: Chromium must be installed. Name one in CHROMIUM.");
  const headers = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
  };
  const server = await createServer({
    root: import.meta.dirname,
    configFile: false,
    logLevel: "error",
    server: { headers, port: 0 },
    optimizeDeps: {
      include: [
        "@tensorflow/tfjs-core",
        "@tensorflow/tfjs-core/dist/register_all_gradients",
        "@tensorflow/tfjs-backend-wasm",
        "@jax-js/jax",
      ],
    },
    plugins: [
      {
        name: "empty-page",
        configureServer({ middlewares }) {
          middlewares.use("/page", (_, response) => {
            for (const [key, value] of Object.entries(headers)) response.setHeader(key, value);
            response.setHeader("Content-Type", "text/html");
            response.end("<!doctype html><title>peer</title>");
          });
        },
      },
    ],
  });
  await server.listen();
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    // TensorFlow.js takes half of the processors it is told of: told of twice as many, it takes all.
    const told = availableParallelism() * (name === "tfjs" ? 2 : 1);
    await page.addInitScript((n) => {
      Object.defineProperty(Navigator.prototype, "hardwareConcurrency", { get: () => n });
    }, told);
    await page.goto(`${server.resolvedUrls.local[0]}page`);
    const { times, losses, threads } = await page.evaluate(
      async ([path, what, count]) => (await import(path)).run(what, count),
      [`/${name}-step.js`, shape, steps + WARMUP],
    );
    const timed = times.slice(WARMUP).sort((a, b) => a - b);
    return {
      stepMs: timed[timed.length >> 1],
      bestMs: timed[0],
      firstMs: times[0],
      loss: losses.at(-1),
      losses,
      threads,
      where: `Chromium ${browser.version()}, WebAssembly`,
    };
  } finally {
    await browser.close();
    await server.close();
  }
}

if (process.argv[1] === import.meta.filename) {
  const [name = "", shape = "{}"] = process.argv.slice(2);
  console.log(JSON.stringify(await timePeer(name, JSON.parse(shape))));
}
