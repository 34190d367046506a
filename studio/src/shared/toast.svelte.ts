// One short message at the bottom of the page.

/** What is being said; empty for nothing. */
export const toast: { text: string } = $state({ text: "" });

let timer: ReturnType<typeof setTimeout> | undefined;

/** Says something for a moment. */
export function say(text: string): void {
  toast.text = text;
  clearTimeout(timer);
  timer = setTimeout(() => (toast.text = ""), 2200);
}

/** Puts a text on the clipboard and says so. */
export async function copy(text: string, done: string, failed: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
  } catch {
    say(failed);
  }
}
