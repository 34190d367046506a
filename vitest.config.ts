import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from "vitest/config";
import { browserProject } from "./vitest.browser.config.ts";
import { skipReporter } from "./test/support/skip-reporter.ts";
import { findChromium, softwareVulkan } from "./test/support/chromium.ts";

/** What takes minutes by its nature: `npm run test:long`. */
export const LONG = "test/**/*.long.test.ts";

/** Tests in Node, `include` but not `exclude`. */
export const nodeProject = (include: string, exclude: readonly string[]): TestProjectInlineConfiguration => ({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    name: "node",
    include: [include],
    exclude: [...exclude],
    // Software Vulkan compiles its shaders in the first step, which takes long on a busy machine.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    // ONNX Runtime and the tokenizer bring their own threads; two workers fill two cores.
    maxWorkers: 2,
    execArgv: ["--conditions=source"],
    env: softwareVulkan(),
  },
});
const node = nodeProject("test/**/*.test.ts", ["test/browser/**", LONG]);

const executable = findChromium();
/** File for a report that programs read (`.ci/run`). */
const report = process.env["ATHANOR_TEST_REPORT"];
/** What cannot even start here, and why. */
const notRun =
  executable === undefined
    ? ["browser tests, for there is no Chromium. Install it, or name one in CHROMIUM"]
    : [];

/** `vitest run` runs both suites without the long tests; `--project node` or `--project browser` one of them. */
const config: ViteUserConfig = defineConfig({
  test: {
    projects: executable === undefined ? [node] : [node, browserProject(executable)],
    reporters: [
      "default",
      ...(report ? ([["json", { outputFile: report }]] satisfies [string, object][]) : []),
      skipReporter(notRun),
    ],
  },
});

export default config;
