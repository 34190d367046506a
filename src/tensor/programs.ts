// The programs of one compiled function: those used last are kept, and numbers that make many of them are noticed.
import { encodeNumber } from "../graph/encode.ts";

interface Kept<P> {
  readonly program: Promise<P>;
  users: number;
  /** Pushed out by newer ones: released when its last user is done. */
  dropped: boolean;
}

/** Programs by signature. */
export interface Programs<P> {
  /** Runs `work` on the program of `key`, opened where there is none. */
  use<T>(key: string, open: () => Promise<P>, work: (program: P) => Promise<T>): Promise<T>;
  /** Releases all; nobody may be using one. */
  clear(): Promise<void>;
}

/** Programs of which the `most` used last stay open. @param release Frees one that was pushed out. */
export function boundedPrograms<P>(most: number, release: (program: P) => Promise<void>): Programs<P> {
  // The least recently used first.
  const kept = new Map<string, Kept<P>>();
  const free = (one: Kept<P>): void => {
    if (one.dropped && one.users === 0) void one.program.then(release, () => undefined);
  };
  return {
    async use(key, open, work) {
      const one = kept.get(key) ?? { program: open(), users: 0, dropped: false };
      kept.delete(key);
      kept.set(key, one);
      one.users++;
      const [oldest] = kept;
      if (kept.size > most && oldest !== undefined) {
        kept.delete(oldest[0]);
        oldest[1].dropped = true;
        free(oldest[1]);
      }
      try {
        const program = await one.program.catch((error: unknown) => {
          if (kept.get(key) === one) kept.delete(key);
          throw error;
        });
        return await work(program);
      } finally {
        one.users--;
        free(one);
      }
    },
    async clear() {
      const all = [...kept.values()];
      kept.clear();
      for (const { program } of all) await release(await program);
    },
  };
}

/** A plain number among arguments, by its path. */
export type PlainNumber = readonly [path: string, value: number];

/** From this many programs on that differ in one number only, the number is named. */
const NOTICED = 10;
/** Arguments with more numbers are data of another kind, and not looked at. */
const LOOKED_AT = 32;

/**
 * Takes down the numbers of each new program and calls `notice` once for a number that alone has made ten of them.
 * @returns A function of the numbers and of the text of all else in the arguments.
 */
export function numberWatch(
  notice: (path: string, value: number) => void,
): (numbers: readonly PlainNumber[], rest: string) => void {
  const seen = new Map<string, number>();
  return (numbers, rest) => {
    if (numbers.length > LOOKED_AT) return;
    numbers.forEach(([path, value], i) => {
      const others = numbers.map(([, v], j) => (j === i ? "" : encodeNumber(v))).join();
      const key = `${i} ${others} ${rest}`;
      const count = (seen.get(key) ?? 0) + 1;
      seen.set(key, count);
      if (count === NOTICED) notice(path, value);
    });
  };
}
