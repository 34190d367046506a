// Runs before the first paint, so that a chosen theme does not flash. See src/shared/settings.svelte.ts.
try {
  const settings = JSON.parse(localStorage.getItem("athanor.settings") || "{}");
  if (settings.theme === "light" || settings.theme === "dark")
    document.documentElement.dataset.theme = settings.theme;
  if (settings.language === "zh") document.documentElement.lang = "zh-CN";
} catch {
  // A broken or forbidden store means defaults.
}
