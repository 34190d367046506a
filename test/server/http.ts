// Requests as a hostile client writes them: nothing is normalised on the way.
import { connect } from "node:net";

/** What came back. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends a request line and headers as they are and reads until the server closes. */
export async function rawRequest(
  port: number,
  path: string,
  headers: readonly string[],
  method = "GET",
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => (text += String(chunk)));
  socket.once("end", () => resolve(text));
  socket.once("error", reject);
  socket.write(
    `${method} ${path} HTTP/1.1\r\n${[...headers, "Connection: close"].join("\r\n")}\r\n\r\n`,
    "latin1",
  );
  const answer = await promise;
  const split = answer.indexOf("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]),
    head: answer.slice(0, split),
    body: answer.slice(split + 4),
  };
}

/** The port of an address. */
export function portOf(url: string): number {
  return Number(new URL(url).port);
}
