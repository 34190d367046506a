// What every server of this project sends and refuses: it listens on this machine only, and a page from
// elsewhere must not reach it, neither by name (DNS rebinding) nor by embedding.
import { OptionError } from "../errors.ts";

/** Host names that mean this machine. */
const loopbackNames: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Addresses a server may listen on. */
const loopbackAddresses: readonly string[] = ["127.0.0.1", "::1", "localhost"];

/** Throws unless `host` is an address of this machine. */
export function checkLoopback(where: string, host: string): void {
  if (loopbackAddresses.includes(host)) return;
  throw new OptionError(
    `${where}: host must be one of ${loopbackAddresses.join(", ")}, got ${host}. Use a tunnel (ssh -L) to read from another machine.`,
  );
}

/**
 * Whether a `Host` header names this machine (any port) or one of `others`. A foreign name means that someone
 * else's page resolves its own name to this machine to read what it serves.
 */
export function isOwnHost(header: string | undefined, others: readonly string[] = []): boolean {
  if (header === undefined) return false;
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(header);
  const name = match?.[1]?.toLowerCase();
  return name !== undefined && (loopbackNames.includes(name) || others.includes(name));
}

/** The policy of the page: only files of this server, no inline script or style, no frames, no forms elsewhere. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  // Svelte parses its own compiled templates; nothing else may turn text into markup.
  "require-trusted-types-for 'script'",
  "trusted-types svelte-trusted-html",
].join("; ");

/** Headers of every answer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": pagePolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};
