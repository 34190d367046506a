// Where a reader is in a list: at a paper, not at a number of pixels, for cards have their true height only in sight.

/** A paper and how far below the window's upper edge its card begins; nothing at the top of the list. */
export interface Place {
  readonly id: string;
  readonly top: number;
}

/** Height of what stays at the top of the window. */
const bars = 110;

/** The first paper in sight; nothing at the top of the page. */
export function placeNow(): Place | undefined {
  if (scrollY === 0) return undefined;
  for (const card of document.querySelectorAll<HTMLElement>("main [data-id]")) {
    const { top, bottom } = card.getBoundingClientRect();
    if (bottom > bars) return { id: card.dataset["id"] ?? "", top };
  }
  return undefined;
}

/** Most frames until cards above a place have their true height. */
const patience = 20;

/** Scrolls until a paper is where it was. */
export function scrollBack(place: Place | undefined, frames: number = patience): void {
  if (place === undefined) return scrollTo({ top: 0, behavior: "instant" });
  const card = document.querySelector(`main [data-id="${CSS.escape(place.id)}"]`);
  if (card === null) return;
  scrollBy({ top: card.getBoundingClientRect().top - place.top, behavior: "instant" });
  if (frames > 0) requestAnimationFrame(() => scrollBack(place, frames - 1));
}
