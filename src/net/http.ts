// One polite download: status checked, time limited, size limited, and `Retry-After` read.
import { type RetryOptions, isTransient, pause } from "./retry.ts";

/** An answer with an error status. */
export class HttpError extends Error {
  override name = "HttpError";
  readonly status: number;
  /** What the server asks to wait, in milliseconds; 0 if it does not say. */
  readonly retryAfter: number;
  constructor(message: string, status: number, retryAfter: number) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** An answer that says no, and would say so again. */
export class RefusedError extends Error {
  override name = "RefusedError";
}

/** Milliseconds that a `Retry-After` header asks to wait: seconds or a date (RFC 9110 §10.2.3); 0 if unreadable. */
export function parseRetryAfter(header: string | null, now: number = Date.now()): number {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}

/** Whether a download may succeed later: network failures, malformed bodies, 408, 425, 429 and 5xx. */
export function isTransientHttp(error: unknown): boolean {
  if (error instanceof RefusedError) return false;
  if (!(error instanceof HttpError)) return isTransient(error);
  return error.status >= 500 || [408, 425, 429].includes(error.status);
}

/** Bounds of a download. */
export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds until the whole body must be there; default 60,000. */
  readonly timeout?: number;
  /** Default 64 MB. */
  readonly maxBytes?: number;
}

/**
 * Downloads a text (UTF-8).
 * @throws HttpError for an error status; Error for a body that is late, too large or shorter than announced.
 */
export async function download(url: string, options: DownloadOptions = {}): Promise<string> {
  const { signal, timeout = 60_000, maxBytes = 64 << 20 } = options;
  const late = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(url, {
      signal: signal ? AbortSignal.any([signal, late]) : late,
      headers: { "user-agent": "athanor/0.1 (paper collection)" },
    });
    if (!response.ok) {
      await response.body?.cancel();
      const after = parseRetryAfter(response.headers.get("retry-after"));
      throw new HttpError(
        `download: ${url} must answer 200, got ${response.status} ${response.statusText}.`,
        response.status,
        after,
      );
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new Error(`download: ${url} must be at most ${maxBytes} bytes.`);
      chunks.push(chunk);
    }
    return new TextDecoder().decode(Buffer.concat(chunks));
  } catch (error) {
    if (late.aborted && !signal?.aborted)
      throw new Error(`download: ${url} must answer within ${timeout} ms, got none.`, { cause: error });
    throw error;
  }
}

/** A turnstile that lets one caller pass every `interval` milliseconds, counted from the end of its work. */
export function createPace(
  interval: number,
): <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T> {
  let free = 0;
  let queue: Promise<unknown> = Promise.resolve();
  return (work, signal) => {
    const turn = queue.then(async () => {
      const wait = free - Date.now();
      if (wait > 0) await pause(wait, signal);
      try {
        return await work();
      } finally {
        free = Date.now() + interval;
      }
    });
    queue = turn.catch(() => undefined);
    return turn;
  };
}

/** How downloads are retried unless said otherwise. */
export const downloadRetries: RetryOptions = { shouldRetry: isTransientHttp };
