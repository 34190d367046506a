// `npm run test:long`: the tests that take minutes each, and no others.
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { LONG, nodeProject } from "./vitest.config.ts";
import { skipReporter } from "./test/support/skip-reporter.ts";

const config: ViteUserConfig = defineConfig({
  test: { projects: [nodeProject(LONG, [])], reporters: ["default", skipReporter([])] },
});

export default config;
