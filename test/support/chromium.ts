// Where the machine's Chromium is: it runs the browser suite, and its software Vulkan stands in for a GPU.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** Debian's places; `CHROMIUM` names another. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const LIBRARIES = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];

/** The executable of Chromium, if there is one. */
export function findChromium(): string | undefined {
  const named = process.env["CHROMIUM"];
  return (named === undefined || named === "" ? PLACES : [named]).find((path) => existsSync(path));
}

/**
 * Environment under which a program finds Chromium's software Vulkan; empty when a driver is chosen already or
 * Chromium brings none. The loader reads it when a process starts, so it must be set before.
 */
export function softwareVulkan(): Record<string, string> {
  if (process.env["VK_ICD_FILENAMES"] || process.env["VK_DRIVER_FILES"]) return {};
  const executable = findChromium();
  const folders = executable === undefined ? LIBRARIES : [dirname(executable), ...LIBRARIES];
  const folder = folders.find((f) => existsSync(join(f, "vk_swiftshader_icd.json")));
  if (folder === undefined) return {};
  const path = process.env["LD_LIBRARY_PATH"];
  return {
    VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json"),
    LD_LIBRARY_PATH: path === undefined || path === "" ? folder : `${path}:${folder}`,
  };
}
