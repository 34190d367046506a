// Settings of the whole studio.
import { keptState, oneOf } from "./kept.svelte.ts";

/** Light, dark, or as the system says. */
export type Theme = "system" | "light" | "dark";

/** What is kept between visits. */
export interface Settings {
  theme: Theme;
  language: "en" | "zh";
}

const chinese = navigator.language.toLowerCase().startsWith("zh");

/** The settings; changing a field shows at once and is kept. `public/theme.js` reads them before the first paint. */
export const settings: Settings = keptState("athanor.settings", ({ theme, language }) => ({
  theme: oneOf(theme, ["system", "light", "dark"]),
  language: oneOf(language, chinese ? ["zh", "en"] : ["en", "zh"]),
}));

/** Puts theme and language on the document, now and when they change. Call once. */
export function applySettings(): void {
  $effect.root(() => {
    $effect(() => {
      const { documentElement: root } = document;
      if (settings.theme === "system") delete root.dataset["theme"];
      else root.dataset["theme"] = settings.theme;
      root.lang = settings.language === "zh" ? "zh-CN" : "en";
    });
  });
}

/** Next theme: system, light, dark, and round again. */
export function turnTheme(): void {
  settings.theme = settings.theme === "system" ? "light" : settings.theme === "light" ? "dark" : "system";
}

/** The other language. */
export function turnLanguage(): void {
  settings.language = settings.language === "en" ? "zh" : "en";
}
