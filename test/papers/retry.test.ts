import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { attempts, backoff, constant, retry, tryRetry } from "../../src/net/index.ts";
import { HttpError, isTransientHttp, parseRetryAfter, RefusedError } from "../../src/net/index.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A body that fails `failures` times. */
function failing(failures: number): { calls: number; body: () => string } {
  const state = {
    calls: 0,
    body: () => {
      state.calls++;
      if (state.calls <= failures) throw new Error(`failure ${state.calls}`);
      return "done";
    },
  };
  return state;
}

/** Settles a promise while fake time passes; returns the outcome and the milliseconds it took. */
async function timed<T>(work: Promise<T>): Promise<{ value?: T; error?: unknown; took: number }> {
  const start = Date.now();
  const outcome = work.then(
    (value) => ({ value, took: Date.now() - start }),
    (error: unknown) => ({ error, took: Date.now() - start }),
  );
  await vi.runAllTimersAsync();
  return outcome;
}

describe("an outcome that does not throw", () => {
  it("tells success, attempts and the errors before it", async () => {
    const { value } = await timed(tryRetry(failing(2).body, { delay: constant(10) }));
    expect(value).toMatchObject({ ok: true, value: "done", attempts: 3 });
    expect(value?.errors.map(String)).toEqual(["Error: failure 1", "Error: failure 2"]);
  });

  it("keeps what retry would have thrown: no attempt left, a mistake in the program, an abort", async () => {
    const left = await timed(tryRetry(failing(9).body, { retries: 1, delay: constant(10) }));
    expect(left.value).toMatchObject({ ok: false, attempts: 2 });
    expect(left.value?.ok === false && String(left.value.error)).toBe("Error: failure 2");
    const mistake = await timed(
      tryRetry(() => {
        throw new ReferenceError("typo");
      }),
    );
    expect(mistake.value).toMatchObject({ ok: false, attempts: 1 });
    const control = new AbortController();
    control.abort(new Error("enough"));
    const aborted = await timed(tryRetry(() => 1, { signal: control.signal }));
    expect(aborted.value).toMatchObject({ ok: false, attempts: 0, errors: [] });
    expect(aborted.value?.ok === false && String(aborted.value.error)).toBe("Error: enough");
  });
});

describe("retry", () => {
  it("waits once less than it tries: success at try k costs k − 1 waits", async () => {
    for (const k of [1, 2, 3, 5]) {
      const work = failing(k - 1);
      expect(await timed(retry(work.body, { delay: constant(2000) }))).toEqual({
        value: "done",
        took: (k - 1) * 2000,
      });
      expect(work.calls).toBe(k);
    }
  });
  it("gives up after retries + 1 tries, without a wait, with the last error and those before it", async () => {
    const work = failing(Infinity);
    const { error, took } = await timed(retry(work.body, { retries: 3, delay: constant(100) }));
    expect(work.calls).toBe(4);
    expect(took).toBe(300);
    expect(error).toMatchObject({
      message: "failure 4",
      earlier: [{ message: "failure 1" }, { message: "failure 2" }, { message: "failure 3" }],
    });
    expect(vi.getTimerCount()).toBe(0);
  });
  it("tries once with no retries, and keeps an error that is no Error", async () => {
    const { error } = await timed(retry(() => Promise.reject("no"), { retries: 0 })); // oxlint-disable-line prefer-promise-reject-errors
    expect(error).toBe("no");
    const frozen = Object.freeze(new Error("frozen"));
    const again = await timed(retry(() => Promise.reject(frozen), { retries: 1, delay: constant(1) }));
    expect(again.error).toMatchObject({ cause: frozen, earlier: [frozen] });
  });
  it("does not retry programming errors, refusals and what shouldRetry refuses", async () => {
    for (const error of [
      new TypeError("x is not a function"),
      new RangeError("r"),
      new DOMException("a", "AbortError"),
    ]) {
      const body = vi.fn(() => Promise.reject(error));
      expect((await timed(retry(body))).error).toBe(error);
      expect(body).toHaveBeenCalledTimes(1);
    }
    const body = vi.fn(() => Promise.reject(new Error("e")));
    await timed(retry(body, { shouldRetry: (_, failures) => failures < 2, delay: constant(1) }));
    expect(body).toHaveBeenCalledTimes(2);
    expect(isTransientHttp(new RefusedError("no"))).toBe(false);
    expect([404, 400, 429, 503, 500, 408].map((s) => isTransientHttp(new HttpError("", s, 0)))).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ]);
  });
  it("retries a network failure of fetch", async () => {
    const body = vi.fn(() =>
      Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNRESET") })),
    );
    await timed(retry(body, { retries: 2, delay: constant(1) }));
    expect(body).toHaveBeenCalledTimes(3);
  });
  it("waits at least as long as the server asks", async () => {
    const errors = [new HttpError("busy", 429, 7000), new HttpError("busy", 503, 0)];
    const body = vi.fn(() => {
      const error = errors.shift();
      return error ? Promise.reject(error) : Promise.resolve(1);
    });
    expect((await timed(retry(body, { delay: constant(100) }))).took).toBe(7100);
    expect(parseRetryAfter("120")).toBe(120_000);
    expect(parseRetryAfter("Wed, 21 Oct 2026 07:28:00 GMT", Date.parse("2026-10-21T07:27:00Z"))).toBe(60_000);
    expect([null, "", "soon", "-1"].map((h) => parseRetryAfter(h))).toEqual([0, 0, 0, 0]);
  });
  it("ends before a wait that would pass maxElapsed", async () => {
    const work = failing(Infinity);
    const { took } = await timed(retry(work.body, { retries: 100, delay: constant(1000), maxElapsed: 3500 }));
    expect(took).toBe(3000);
    expect(work.calls).toBe(4);
  });
  it("ends at once when aborted during a wait, and leaves no timer", async () => {
    const control = new AbortController();
    const work = failing(Infinity);
    const result = retry(work.body, { delay: constant(60_000), signal: control.signal }).catch(
      (e: unknown) => e,
    );
    await vi.advanceTimersByTimeAsync(10);
    control.abort(new Error("enough"));
    await expect(result).resolves.toMatchObject({ message: "enough" });
    expect(vi.getTimerCount()).toBe(0);
    expect(work.calls).toBe(1);
  });
});

/** A loop that fails by hand and breaks off at its second attempt. */
async function brokenOff(): Promise<number> {
  let n = 0;
  for await (const attempt of attempts({ delay: constant(5) })) {
    n++;
    attempt.failed(new Error("by hand"));
    if (n === 2) break;
  }
  return n;
}

describe("attempts", () => {
  it("keeps the risky code in the loop", async () => {
    let page = "";
    const numbers: number[] = [];
    const loop = async () => {
      for await (const attempt of attempts({ delay: constant(1) })) {
        numbers.push(attempt.number);
        await attempt.run(async () => {
          if (attempt.number < 3) throw new Error("not yet");
          page = "there";
        });
      }
    };
    await timed(loop());
    expect(page).toBe("there");
    expect(numbers).toEqual([1, 2, 3]);
  });
  it("ends on break and with a failure recorded by hand, and leaves no timer", async () => {
    expect((await timed(brokenOff())).value).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });
  it("shares nothing between loops", async () => {
    const [a, b] = [failing(2), failing(Infinity)];
    const [x, y] = [
      retry(a.body, { delay: constant(10) }),
      retry(b.body, { retries: 1, delay: constant(15) }).catch((e: unknown) => e),
    ];
    await vi.runAllTimersAsync();
    expect([await x, a.calls, b.calls]).toEqual(["done", 3, 2]);
    expect(await y).toMatchObject({ message: "failure 2" });
  });
});

describe("backoff", () => {
  it("is uniform below a bound that grows to a ceiling", () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
    expect([1, 2, 3, 4, 5, 6, 9].map(backoff())).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    random.mockRestore();
    for (let i = 0; i < 100; i++) expect(backoff(10, 40, 3)(3)).toBeLessThan(40);
  });
});
