// The public entry of the room: retries and polite downloads.
export {
  createPace,
  download,
  type DownloadOptions,
  HttpError,
  RefusedError,
  isTransientHttp,
  parseRetryAfter,
} from "./http.ts";
export {
  type Attempt,
  attempts,
  backoff,
  constant,
  isTransient,
  pause,
  retry,
  type RetryOptions,
  type RetryOutcome,
  tryRetry,
} from "./retry.ts";
