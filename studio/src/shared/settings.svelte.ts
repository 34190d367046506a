// What a reader has set, kept in this browser only.

/** Light, dark, or as the system says. */
export type Theme = "system" | "light" | "dark";

/** What is kept between visits. */
export interface Settings {
  theme: Theme;
  language: "en" | "zh";
  /** Room for pages to keep their own settings, by page name. */
  pages: Record<string, unknown>;
}

const place = "athanor.settings";

/** Reads what was kept; anything unreadable counts as nothing. */
function read(): Settings {
  const chinese = navigator.language.toLowerCase().startsWith("zh");
  const fresh: Settings = { theme: "system", language: chinese ? "zh" : "en", pages: {} };
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? "{}") as Partial<Settings>;
    return {
      theme: kept.theme === "light" || kept.theme === "dark" ? kept.theme : fresh.theme,
      language: kept.language === "zh" || kept.language === "en" ? kept.language : fresh.language,
      pages: typeof kept.pages === "object" && kept.pages !== null ? kept.pages : {},
    };
  } catch {
    return fresh;
  }
}

/** The settings; changing a field shows at once and is kept. */
export const settings: Settings = $state(read());

/** Keeps every change, and shows changes made in another tab. Call once. */
export function keepSettings(): void {
  $effect.root(() => {
    $effect(() => {
      const text = JSON.stringify(settings);
      try {
        localStorage.setItem(place, text);
      } catch {
        // A full or forbidden store: the settings last as long as the page.
      }
    });
    $effect(() => {
      const { documentElement: root } = document;
      if (settings.theme === "system") delete root.dataset["theme"];
      else root.dataset["theme"] = settings.theme;
      root.lang = settings.language === "zh" ? "zh-CN" : "en";
    });
  });
  addEventListener("storage", (event) => {
    if (event.key === place) Object.assign(settings, read());
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

/** The part of the settings a page owns, filled up from its defaults. */
export function pageSettings<T extends object>(page: string, defaults: T): T {
  const kept = settings.pages[page];
  const usable = typeof kept === "object" && kept !== null ? Object.entries(kept) : [];
  // A field of another type than its default was written by another version or another hand.
  const known = usable.filter(([name, value]) => name in defaults && typeof value === typeof defaults[name as keyof T]);
  settings.pages[page] = { ...defaults, ...Object.fromEntries(known) };
  return settings.pages[page] as T;
}
