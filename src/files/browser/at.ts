// What a place means in a page: a text is an address, relative to the page's own.
import type { FilesAt, Found, Meant } from "../folder.ts";
import { atAddress, atWeb } from "../web.ts";

/** The files at `at`. */
export function filesAt(_where: string, at: FilesAt, meant: Meant = "either"): Promise<Found> {
  return Promise.resolve(
    typeof at === "string" ? atAddress(new URL(at, globalThis.location.href), meant) : atWeb(at, meant),
  );
}
