// Real text and vocabularies, where the shared data folder is at hand.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** The data folder: ATHANOR_DATA, else ../shared/data beside the repository or its parent. */
export const DATA: string | undefined = [
  process.env["ATHANOR_DATA"],
  join(import.meta.dirname, "../../../shared/data"),
  join(import.meta.dirname, "../../../../shared/data"),
].find((path) => path !== undefined && existsSync(path));

/** Why a test on real data is skipped, for its title. */
export const WITHOUT_DATA: string = DATA === undefined ? " (skipped: no data folder, set ATHANOR_DATA)" : "";

/** Content of a file in the data folder, unpacked. */
export function data(path: string): Uint8Array {
  const content = readFileSync(join(DATA ?? "", path));
  return path.endsWith(".gz") ? gunzipSync(content) : content;
}

/** The first `n` characters of a text file in the data folder. */
export function textData(path: string, n: number): string {
  return new TextDecoder().decode(data(path)).slice(0, n);
}
