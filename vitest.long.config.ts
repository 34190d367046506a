// The tests that take long: `vitest run --config vitest.long.config.ts`.
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { skipReporter } from "./test/support/skip-reporter.ts";

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    name: "long",
    include: ["test/**/*.long.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 360_000,
    maxWorkers: 2,
    execArgv: ["--conditions=source"],
    reporters: ["default", skipReporter([])],
  },
});

export default config;
