// Work of every kind, killed at random moments. `npm run fuzz -- kills` goes on for as long as one likes.
import { expect, test } from "vitest";
import { killAgainAndAgain } from "./kills/run.ts";
import { VICTIMS } from "./kills/victims.ts";

test.each(Object.keys(VICTIMS))(
  "%s",
  async (name) => {
    const { kills, problems } = await killAgainAndAgain(name, 5, 11);
    expect(problems).toEqual([]);
    expect(kills).toBe(5);
  },
  1_800_000,
);
