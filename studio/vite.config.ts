import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin, type UserConfig } from "vite";

/** KaTeX offers each font in three formats; every browser that runs this page reads the smallest. */
const onlyWoff2: Plugin = {
  name: "only-woff2",
  enforce: "pre",
  transform(code, id) {
    if (!id.includes("katex") || !id.includes(".css")) return undefined;
    return code.replaceAll(/,url\([^)]+\.(?:woff|ttf)\) ?format\("[a-z]+"\)/g, "");
  },
};

const config: UserConfig = defineConfig({
  plugins: [onlyWoff2, svelte()],
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { fs: { allow: [".."] } },
});

export default config;
