// The keyboard: one table for what keys do and for the help that lists them.
import type { Message } from "../../shared/i18n/en.ts";

/** What a key can ask for. */
export type Action =
  | "next"
  | "previous"
  | "first"
  | "last"
  | "search"
  | "expand"
  | "open"
  | "pdf"
  | "star"
  | "related"
  | "copy"
  | "bibtex"
  | "filter"
  | "only"
  | "density"
  | "later"
  | "earlier"
  | "orderList"
  | "orderStars"
  | "orderPreference"
  | "orderNewest"
  | "you"
  | "theme"
  | "language"
  | "help"
  | "close";

/** One line of the table. */
export interface Binding {
  readonly action: Action;
  /** As `KeyboardEvent.key` names them. */
  readonly keys: readonly string[];
  readonly label: Message;
  readonly group: Message;
}

/** Every key, in the order of the help. */
export const bindings: readonly Binding[] = [
  { action: "next", keys: ["j"], label: "key.next", group: "keys.move" },
  { action: "previous", keys: ["k"], label: "key.previous", group: "keys.move" },
  { action: "first", keys: ["g"], label: "key.first", group: "keys.move" },
  { action: "last", keys: ["G"], label: "key.last", group: "keys.move" },
  { action: "earlier", keys: ["["], label: "key.earlier", group: "keys.move" },
  { action: "later", keys: ["]"], label: "key.later", group: "keys.move" },
  { action: "expand", keys: ["Enter"], label: "key.expand", group: "keys.paper" },
  { action: "star", keys: ["s"], label: "key.star", group: "keys.paper" },
  { action: "related", keys: ["r"], label: "key.related", group: "keys.paper" },
  { action: "open", keys: ["o"], label: "key.open", group: "keys.paper" },
  { action: "pdf", keys: ["p"], label: "key.pdf", group: "keys.paper" },
  { action: "copy", keys: ["c"], label: "key.copy", group: "keys.paper" },
  { action: "bibtex", keys: ["b"], label: "key.bibtex", group: "keys.paper" },
  { action: "search", keys: ["/"], label: "key.search", group: "keys.list" },
  { action: "filter", keys: ["f"], label: "key.filter", group: "keys.list" },
  { action: "only", keys: ["m"], label: "key.only", group: "keys.list" },
  { action: "orderList", keys: ["1"], label: "key.orderList", group: "keys.list" },
  { action: "orderStars", keys: ["2"], label: "key.orderStars", group: "keys.list" },
  { action: "orderPreference", keys: ["3"], label: "key.orderPreference", group: "keys.list" },
  { action: "orderNewest", keys: ["4"], label: "key.orderNewest", group: "keys.list" },
  { action: "density", keys: ["v"], label: "key.density", group: "keys.view" },
  { action: "you", keys: ["y"], label: "key.you", group: "keys.view" },
  { action: "theme", keys: ["t"], label: "key.theme", group: "keys.view" },
  { action: "language", keys: ["l"], label: "key.language", group: "keys.view" },
  { action: "help", keys: ["?"], label: "key.help", group: "keys.view" },
  { action: "close", keys: ["Escape"], label: "key.close", group: "keys.view" },
];

/** What of a keyboard event matters. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/**
 * The action of a key press. While a person types into a field, only Escape acts; with Control, Alt or Meta
 * the key belongs to the browser; on a focused button or link, Enter is a click.
 */
export function actionOf(press: KeyPress, target: "field" | "control" | "page"): Action | undefined {
  if (press.ctrlKey || press.metaKey || press.altKey) return undefined;
  if (target === "field" && press.key !== "Escape") return undefined;
  if (target === "control" && press.key === "Enter") return undefined;
  return bindings.find(({ keys }) => keys.includes(press.key))?.action;
}
