// `npm run fuzz -- queries`: random queries against a collection in memory.
import { say } from "../../../src/cli/command.ts";
import type { FuzzOptions, FuzzReport } from "../options.ts";
import { collection, findQuery } from "./find.ts";

export async function runQueries({ count, seed, minutes }: FuzzOptions): Promise<FuzzReport> {
  const until = Date.now() + minutes * 60_000;
  const store = await collection();
  const failures: string[] = [];
  let done = 0;
  for (; done < count && Date.now() < until; done++) {
    const failure = await findQuery(store, seed + done);
    if (failure === undefined) continue;
    failures.push(failure);
    say(failure);
  }
  await store.close();
  return { tried: done, firstSeed: seed, failures };
}
