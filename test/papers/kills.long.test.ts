// Imports killed at random moments: `npm run fuzz -- kills` does it many more times.
import { expect, test } from "vitest";
import { killAgainAndAgain } from "../fuzz/kills/run.ts";

test.each(["papers", "bibliography"])("an import killed again and again loses nothing: %s", async (name) => {
  const { kills, problems } = await killAgainAndAgain(name, 6, 11);
  expect(problems).toEqual([]);
  expect(kills).toBe(6);
});
