// Su Jianlin 2024, "A detour: an elegant retry in Python" (kexue.fm 9938): the risky code stays where it is,
// in a loop over attempts, instead of moving into a decorated function. https://kexue.fm/archives/9938
// Departures: the last error is thrown, with the earlier ones, where the original prints and swallows them;
// waits grow and are random; programming errors and an abort end the loop at once.

/** How to retry. */
export interface RetryOptions {
  /** Attempts after the first; default 4. */
  readonly retries?: number;
  /** Milliseconds to wait after the n-th failure (from 1); default `backoff()`. `constant(2000)` is the article's. */
  readonly delay?: (failures: number) => number;
  /** No wait that would end later than this many milliseconds after the start; default none. */
  readonly maxElapsed?: number;
  /** Whether an error may pass by itself; default `isTransient`. `failures` counts it. */
  readonly shouldRetry?: (error: unknown, failures: number) => boolean;
  /** Ends the loop with the signal's reason, also in the middle of a wait. */
  readonly signal?: AbortSignal;
}

/** One try. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Runs the risky code; an error is recorded for the loop to decide about, and the result is undefined. */
  run<T>(body: () => T | Promise<T>): Promise<T | undefined>;
  /** Records a failure by hand, for code in a `try` of its own. */
  failed(error: unknown): void;
}

/** The same wait after every failure. */
export function constant(milliseconds: number): (failures: number) => number {
  return () => milliseconds;
}

/**
 * Full jitter: uniform between 0 and min(max, min · factor^(n − 1)), so that many clients that failed together
 * do not return together. Milliseconds; defaults 1000, 30,000 and 2. @param random Uniform draws from [0, 1).
 */
export function backoff(
  min = 1000,
  max = 30_000,
  factor = 2,
  random: () => number = Math.random,
): (failures: number) => number {
  return (failures) => random() * Math.min(max, min * factor ** (failures - 1));
}

/**
 * Attempts for a `for await` loop. The loop ends after an attempt without a failure (or on `break`), waits after
 * one that failed, and throws the last error when no attempt is left: the same object, with the errors before it
 * in its property `earlier`. An error's `retryAfter` (milliseconds) is a lower bound of the wait.
 *
 * ```ts
 * let page = "";
 * for await (const attempt of attempts({ signal })) await attempt.run(async () => (page = await download(url)));
 * ```
 */
export async function* attempts(options: RetryOptions = {}): AsyncGenerator<Attempt, void, void> {
  const {
    retries = 4,
    delay = backoff(),
    maxElapsed = Infinity,
    shouldRetry = isTransient,
    signal,
  } = options;
  const start = Date.now();
  const earlier: unknown[] = [];
  for (let number = 1; ; number++) {
    signal?.throwIfAborted();
    const outcome: { failure?: { error: unknown } } = {};
    const failed = (error: unknown) => {
      outcome.failure = { error };
    };
    yield {
      number,
      failed,
      run: async (body) => {
        try {
          return await body();
        } catch (error) {
          failed(error);
          return undefined;
        }
      },
    };
    if (!outcome.failure) return;
    const { error } = outcome.failure;
    signal?.throwIfAborted();
    const wait = Math.max(0, delay(number), retryAfterOf(error));
    const late = Date.now() - start + wait > maxElapsed;
    if (number > retries || late || !shouldRetry(error, number)) throw withEarlier(error, earlier);
    earlier.push(error);
    await pause(wait, signal);
  }
}

/** Calls `body` until it succeeds, as `attempts` does; returns its result. */
export async function retry<T>(
  body: (attempt: number) => T | Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const results: { readonly value: T }[] = [];
  for await (const attempt of attempts(options))
    await attempt.run(async () => results.push({ value: await body(attempt.number) }));
  const [result] = results;
  if (!result) throw new Error("retry: attempts ended without a result or an error");
  return result.value;
}

/** What a retry came to, where a failure is no exception: `ok` is the success flag of the article's class. */
export type RetryOutcome<T> =
  | { readonly ok: true; readonly value: T; readonly attempts: number; readonly errors: readonly unknown[] }
  | {
      readonly ok: false;
      readonly error: unknown;
      readonly attempts: number;
      readonly errors: readonly unknown[];
    };

/**
 * Calls `body` as `retry` does and never throws: neither for its errors, whichever they are, nor for an abort.
 * `errors` are all of them, in their order; `error` is what `retry` would have thrown.
 *
 * ```ts
 * const outcome = await tryRetry(() => download(url));
 * console.log(outcome.ok ? outcome.value.length : `gave up after ${outcome.attempts}`);
 * ```
 */
export async function tryRetry<T>(
  body: (attempt: number) => T | Promise<T>,
  options: RetryOptions = {},
): Promise<RetryOutcome<T>> {
  const errors: unknown[] = [];
  let count = 0;
  try {
    const value = await retry(async (attempt) => {
      count = attempt;
      try {
        return await body(attempt);
      } catch (error) {
        errors.push(error);
        throw error;
      }
    }, options);
    return { ok: true, value, attempts: count, errors };
  } catch (error) {
    return { ok: false, error, attempts: count, errors };
  }
}

/**
 * Whether an error may pass by itself: not an abort, and not a mistake in the program. A `TypeError` with a cause
 * is how `fetch` reports a network failure.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  if (error.name === "AbortError") return false;
  if (error instanceof TypeError) return error.cause !== undefined;
  return !(error instanceof ReferenceError || error instanceof SyntaxError || error instanceof RangeError);
}

/** Resolves after a wait; rejects with the signal's reason at once when it aborts, and leaves no timer. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(reason(signal));
      return;
    }
    const aborted = () => {
      clearTimeout(timer);
      if (signal) reject(reason(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

function reason(signal: AbortSignal): Error {
  const why: unknown = signal.reason;
  return why instanceof Error ? why : new DOMException(String(why), "AbortError");
}

function retryAfterOf(error: unknown): number {
  const after = error instanceof Error && "retryAfter" in error ? error.retryAfter : undefined;
  return typeof after === "number" && after > 0 ? after : 0;
}

function withEarlier(last: unknown, earlier: readonly unknown[]): unknown {
  if (earlier.length === 0) return last;
  const error =
    last instanceof Error && Object.isExtensible(last) ? last : new Error(String(last), { cause: last });
  Object.defineProperty(error, "earlier", { value: [...earlier], enumerable: true, configurable: true });
  return error;
}
