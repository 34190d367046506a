// The address bar as state: reading `route` shows it, `go` changes it, ordinary links work by themselves.

/** The current address. */
export interface Route {
  path: string;
  search: string;
}

/** Follows the address bar. */
export const route: Route = $state({ path: location.pathname, search: location.search });

function follow(): void {
  route.path = location.pathname;
  route.search = location.search;
}

/** Goes to an address of this site without loading the document again. */
export function go(address: string, how: "push" | "replace" = "push"): void {
  if (address === location.pathname + location.search) return;
  if (how === "push") history.pushState(null, "", address);
  else history.replaceState(null, "", address);
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
  addEventListener("popstate", follow);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || !isPlainClick(event) || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || /\/(?:feed|json)$/.test(link.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
