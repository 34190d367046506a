// A worker thread that encodes parts of a batch.
import { parentPort } from "node:worker_threads";
import { UserError } from "../../errors.ts";
import { createTokenizer } from "../create.ts";
import type { TokenizerModel } from "../model.ts";
import type { EncodeOptions, SampleOptions, Tokenizer } from "../tokenizer.ts";

/** A vocabulary whose pieces travel as one array: thousands of small ones are slow to copy. */
export interface PackedModel {
  readonly model: TokenizerModel;
  readonly bytes: Uint8Array;
  readonly lengths: Int32Array;
}

/** Messages to a worker. */
export type BatchRequest =
  | { kind: "start"; packed: PackedModel }
  | { kind: "encode"; first: number; texts: readonly (string | Uint8Array)[]; options: EncodeOptions }
  | { kind: "sample"; first: number; texts: readonly (string | Uint8Array)[]; options: SampleOptions };

/** Messages from a worker: ids of all texts joined, or why not. */
export type BatchReply =
  | { kind: "done"; first: number; ids: Int32Array<ArrayBuffer>; lengths: Int32Array<ArrayBuffer> }
  | { kind: "failed"; message: string; isUserError: boolean };

export function packModel(model: TokenizerModel): PackedModel {
  const lengths = Int32Array.from(model.pieces, (p) => p.length);
  const bytes = new Uint8Array(lengths.reduce((a, b) => a + b, 0));
  let at = 0;
  for (const piece of model.pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { model: { ...model, pieces: [] }, bytes, lengths };
}

function unpackModel({ model, bytes, lengths }: PackedModel): TokenizerModel {
  let at = 0;
  const pieces = Array.from(lengths, (n) => bytes.subarray(at, (at += n)));
  return { ...model, pieces };
}

/** Ids of each text. Text `i` is sampled with stream `options.stream + first + i`, so threads never show. */
export function encodeTexts(
  tokenizer: Tokenizer,
  request: Exclude<BatchRequest, { kind: "start" }>,
): Int32Array[] {
  const { texts, first } = request;
  if (request.kind === "encode") return texts.map((text) => tokenizer.encode(text, request.options));
  const { stream = 0 } = request.options;
  return texts.map((text, i) => tokenizer.sample(text, { ...request.options, stream: stream + first + i }));
}

let tokenizer: Tokenizer | undefined;

function answer(request: BatchRequest): BatchReply | undefined {
  if (request.kind === "start") {
    tokenizer = createTokenizer(unpackModel(request.packed));
    return undefined;
  }
  const parts = tokenizer === undefined ? [] : encodeTexts(tokenizer, request);
  const lengths = Int32Array.from(parts, (p) => p.length);
  const ids = new Int32Array(lengths.reduce((a, b) => a + b, 0));
  let at = 0;
  for (const part of parts) {
    ids.set(part, at);
    at += part.length;
  }
  return { kind: "done", first: request.first, ids, lengths };
}

parentPort?.on("message", (request: BatchRequest) => {
  try {
    const reply = answer(request);
    if (reply?.kind === "done") parentPort?.postMessage(reply, [reply.ids.buffer, reply.lengths.buffer]);
  } catch (error) {
    // An error loses its class on the way to another thread.
    const message = error instanceof Error ? error.message : String(error);
    const reply: BatchReply = { kind: "failed", message, isUserError: error instanceof UserError };
    parentPort?.postMessage(reply, []);
  }
});
