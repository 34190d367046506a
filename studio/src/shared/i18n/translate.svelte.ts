// Chooses the language of the interface.
import { settings } from "../settings.svelte.ts";
import { en, type Message } from "./en.ts";
import { fill } from "./fill.ts";
import { zh } from "./zh.ts";

/** A text of the interface in the chosen language; `{name}` is replaced by `values.name`. */
export function t(message: Message, values: Readonly<Record<string, string | number>> = {}): string {
  return fill((settings.language === "zh" ? zh : en)[message], values, settings.language);
}

/** Language tag for dates and numbers. */
export function locale(): string {
  return settings.language === "zh" ? "zh-CN" : "en-GB";
}
