// The tests that run in a page: `test/browser`.
import { playwright } from "@vitest/browser-playwright";
import type { TestProjectInlineConfiguration } from "vitest/config";

/** Threads in WebAssembly need shared memory, which a page gets only when it is isolated from others. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** The browser suite in the Chromium at `executable`, with its software adapter standing in for a GPU. */
export function browserProject(executable: string): TestProjectInlineConfiguration {
  return {
    resolve: { conditions: ["source", "browser", "module"] },
    server: { headers: ISOLATED },
    // ONNX Runtime finds its WebAssembly beside itself; a bundled copy would look elsewhere.
    optimizeDeps: { exclude: ["onnxruntime-web"] },
    test: {
      name: "browser",
      include: ["test/browser/**/*.test.ts"],
      testTimeout: 300_000,
      hookTimeout: 300_000,
      // After the Node suite: both fill the machine.
      sequence: { groupOrder: 1 },
      fileParallelism: false,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({
          launchOptions: {
            executablePath: executable,
            args: [
              "--no-sandbox",
              "--no-first-run",
              "--disable-background-networking",
              "--disable-component-update",
              "--enable-unsafe-webgpu",
              "--use-webgpu-adapter=swiftshader",
              "--enable-features=Vulkan",
            ],
          },
        }),
        instances: [{ browser: "chromium" }],
      },
    },
  };
}
