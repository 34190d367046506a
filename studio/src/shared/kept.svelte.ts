// State that outlives the page: in this browser's local storage, the same in every tab.

/** A value as it was kept: anything at all, for other versions and other hands write there too. */
export type Kept = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Kept {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is kept under a name; nothing if it cannot be read. */
function recall(name: string): Kept {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(name) ?? "{}");
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** One of some words, or the first if it is none of them. */
export function oneOf<T extends string>(value: unknown, words: readonly [T, ...T[]]): T {
  return words.find((word) => word === value) ?? words[0];
}

/** A text, empty if it is none. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** An object, empty if it is none. */
export function objectOf(value: unknown): Kept {
  return isObject(value) ? value : {};
}

/** State under a name. `read` makes a whole value of whatever was kept; every change is kept at once. */
export function keptState<T extends object>(name: string, read: (kept: Kept) => T): T {
  const state: T = $state(read(recall(name)));
  $effect.root(() => {
    $effect(() => {
      const text = JSON.stringify(state);
      try {
        localStorage.setItem(name, text);
      } catch {
        // A full or forbidden storage: the state lasts as long as the page.
      }
    });
  });
  addEventListener("storage", (event) => {
    if (event.key === name) Object.assign(state, read(recall(name)));
  });
  return state;
}
