// Where a server listens, and what is known of one that does.

/** Where a server listens. */
export interface ListenOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** An address of this machine; default `127.0.0.1`. */
  readonly host?: string;
}

/** A server that runs. */
export interface Listening {
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** Ends open connections and waits until the port is free. */
  close(): Promise<void>;
}
