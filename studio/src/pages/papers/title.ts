// What a view is called, in the reader's language.
import { t } from "../../shared/i18n/translate.svelte.ts";
import type { View } from "./view.ts";

/** Title of a view, for its heading and the browser's window. */
export function titleOf(view: View): string {
  switch (view.kind) {
    case "starred":
      return t("starred.title");
    case "history":
      return t("history.title");
    case "nowhere":
      return t("nowhere.title");
    case "search":
      return `“${view.query}”`;
    case "venue":
      return view.venue;
    case "related":
      return `${t("related.of")} ${view.id}`;
    case "papers":
      return view.ids.length === 1 ? (view.ids[0] ?? "") : t("list.papers", { n: view.ids.length });
    default:
      return view.categories === "" ? t("list.all") : view.categories;
  }
}
