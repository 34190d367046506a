import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/browser/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // ONNX Runtime and the tokenizer bring their own threads; two workers fill two cores.
    maxWorkers: 2,
    execArgv: ["--conditions=source"],
  },
});

export default config;
