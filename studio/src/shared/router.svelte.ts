// The address bar as state: reading `route` shows it, `go` changes it, ordinary links work by themselves.

/** The current address. */
export interface Route {
  path: string;
  search: string;
  /** Number of the entry in the browser's history; a page keeps what an entry looked like under it. */
  entry: number;
  /** How often the reader went back or forward. */
  moves: number;
}

/** Follows the address bar. */
export const route: Route = $state({
  path: location.pathname,
  search: location.search,
  entry: entryOf(history.state),
  moves: 0,
});

/** Who is told that an entry is being left, while it still stands as it was. */
const leaving = new Set<(entry: number) => void>();

/** Tells `act` before the page shows another entry; returns how to stop. */
export function onLeave(act: (entry: number) => void): () => void {
  leaving.add(act);
  return () => leaving.delete(act);
}

function entryOf(state: unknown): number {
  const entry = typeof state === "object" && state !== null && "entry" in state ? state.entry : undefined;
  return typeof entry === "number" ? entry : 0;
}

function follow(): void {
  route.path = location.pathname;
  route.search = location.search;
  route.entry = entryOf(history.state);
}

/** Goes to an address of this site without loading the document again. */
export function go(address: string, how: "push" | "replace" = "push"): void {
  if (address === location.pathname + location.search) return;
  if (how === "push") {
    for (const act of leaving) act(route.entry);
    // Later than any entry of this session, also of one that a reload began.
    history.pushState({ entry: Math.max(Date.now(), route.entry + 1) }, "", address);
  } else history.replaceState(history.state, "", address);
  follow();
  if (how === "push") scrollTo({ top: 0, behavior: "instant" });
}

/** Whether a click on a link is one that the page answers itself. */
function isPlainClick(event: MouseEvent): boolean {
  return (
    event.button === 0 &&
    !event.metaKey &&
    !event.ctrlKey &&
    !event.shiftKey &&
    !event.altKey &&
    !event.defaultPrevented
  );
}

/** Starts following links and the browser's own buttons. Call once. */
export function startRouter(): void {
  // The page puts the reader back where they were, when the papers are there again.
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => {
    for (const act of leaving) act(route.entry);
    follow();
    route.moves++;
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || !isPlainClick(event) || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || /\/(?:feed|json)$/.test(link.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
