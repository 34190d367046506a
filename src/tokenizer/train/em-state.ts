// Where expectation-maximisation stands, as bytes: what a training that was killed needs to go on.
import { FileError } from "../../errors.ts";
import type { CorpusReport } from "./corpus.ts";

/** Everything the rest of an EM training depends on, beside the text and the options. */
export interface EmState {
  pieces: Uint8Array[];
  /** Expected counts of the last pass. */
  counts: Float64Array;
  /** Probabilities for the next pass. */
  p: Float64Array;
  /** Nats per byte of the last pass. */
  tilt: number;
  /** Passes over (parts of) the sample so far. */
  passes: number;
  /** Passes done before the first pruning. */
  grown: number;
}

/** What is known about the training as a whole. */
export interface EmAbout {
  report: CorpusReport;
  candidates: number;
}

/** Keeps the latest state of each stage. */
export interface StateStore {
  /** The bytes last saved under `name`, or undefined. */
  load(name: string): Uint8Array | undefined;
  /** They survive a kill once this resolves. */
  save(name: string, state: Uint8Array): Promise<void>;
}

/** Numbers before the arrays: pieces, tilt, passes, grown, candidates, and the four of the report. */
const HEAD = 9;

/** `head, counts, p` as float64, then the lengths of the pieces (one byte each), then their bytes. */
export function encodeState(state: EmState, { report, candidates }: EmAbout): Uint8Array {
  const { pieces, counts, p, tilt, passes, grown } = state;
  const n = pieces.length;
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const out = new Uint8Array(8 * (HEAD + 2 * n) + n + bytes);
  const numbers = new Float64Array(out.buffer, 0, HEAD + 2 * n);
  const { texts, invalidTexts, invalidBytes } = report;
  numbers.set([n, tilt, passes, grown, candidates, report.bytes, texts, invalidTexts, invalidBytes]);
  numbers.set(counts, HEAD);
  numbers.set(p, HEAD + n);
  let at = 8 * (HEAD + 2 * n);
  for (const piece of pieces) out[at++] = piece.length;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** The inverse. @throws FileError for bytes of another length than they say. */
export function decodeState(bytes: Uint8Array): EmState & EmAbout {
  // A copy: `slice` of a Node Buffer is a view into the pool that small files are read into.
  const whole = new Uint8Array(bytes);
  const cut = (): never => {
    throw new FileError(
      `train: stored state must be whole, got ${bytes.length} bytes that do not fit together. Start the training anew.`,
    );
  };
  if (whole.length < 8 * HEAD) cut();
  const [n = 0, tilt = 0, passes = 0, grown = 0, candidates = 0, ...rest] = new Float64Array(
    whole.buffer,
    0,
    HEAD,
  );
  const [size = 0, texts = 0, invalidTexts = 0, invalidBytes = 0] = rest;
  const lengthsAt = 8 * (HEAD + 2 * n);
  if (!(lengthsAt + n <= whole.length)) cut();
  const pieces: Uint8Array[] = [];
  let at = lengthsAt + n;
  for (let i = 0; i < n; i++) {
    const length = whole[lengthsAt + i] ?? 0;
    pieces.push(whole.slice(at, at + length));
    at += length;
  }
  if (at !== whole.length) cut();
  return {
    pieces,
    counts: new Float64Array(whole.buffer.slice(8 * HEAD, 8 * (HEAD + n))),
    p: new Float64Array(whole.buffer.slice(8 * (HEAD + n), lengthsAt)),
    tilt,
    passes,
    grown,
    candidates,
    report: { bytes: size, texts, invalidTexts, invalidBytes },
  };
}
