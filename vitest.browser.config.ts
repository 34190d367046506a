// The tests that run in a page: `test/browser`.
import { playwright } from "@vitest/browser-playwright";
import type { TestProjectInlineConfiguration } from "vitest/config";

/** Threads in WebAssembly need shared memory, which a page gets only when it is isolated from others. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Chromium without a sandbox or background traffic, with a software adapter standing in for a GPU. */
export function launchOptions(executablePath: string): { executablePath: string; args: string[] } {
  return {
    executablePath,
    args: [
      "--no-sandbox",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--enable-features=Vulkan",
    ],
  };
}

/** The browser suite in the Chromium at `executable`. */
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
        connectTimeout: 240_000,
        provider: playwright({
          launchOptions: launchOptions(executable),
        }),
        instances: [{ browser: "chromium" }],
      },
    },
  };
}
