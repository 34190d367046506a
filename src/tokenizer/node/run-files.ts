// Sorted runs on disk. A file is a row of blocks, each `entries u32, bytes u32, payload`, closed by a block of
// zero entries; a file that does not end so was cut off.
import { closeSync, fstatSync, fsyncSync, lstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { FileError } from "../../errors.ts";
import type { CountedPiece } from "../model.ts";
import { type PieceList, pieceAt, sortedOrder } from "../pieces.ts";
import type { Run } from "../train/runs.ts";

/** Window records of one block: 64 KiB of keys. */
const WINDOWS = 1 << 13;
/** Bytes of pieces gathered before a block is written. */
const PIECE_BLOCK = 1 << 16;
const HEADER = 8;

/** Writes blocks to a new file; on any failure the file is removed and the error names it. */
function writeBlocks(
  path: string,
  write: (block: (entries: number, payload: Uint8Array) => void) => void,
): void {
  let file: number;
  try {
    file = openSync(path, "w");
  } catch (error) {
    throw spillError(path, error);
  }
  const put = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  };
  const header = new DataView(new ArrayBuffer(HEADER));
  const block = (entries: number, payload: Uint8Array): void => {
    header.setUint32(0, entries, true);
    header.setUint32(4, payload.length, true);
    put(new Uint8Array(header.buffer));
    put(payload);
  };
  let failed = true;
  try {
    write(block);
    block(0, new Uint8Array(0));
    if (fstatSync(file).isFile()) fsyncSync(file);
    failed = false;
  } catch (error) {
    throw spillError(path, error);
  } finally {
    closeSync(file);
    if (failed) removeRun(path);
  }
}

/** Removes a run file that is no longer needed; anything that is not an ordinary file is left alone. */
export function removeRun(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile()) rmSync(path, { force: true });
}

function spillError(path: string, cause: unknown): Error {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const full = code === "ENOSPC" || code === "EDQUOT";
  const message = full
    ? `train: run file ${path} must fit on its disk, got a full disk. Free space or name another directory; finished runs are kept.`
    : `train: run file ${path} must be writable, got ${cause instanceof Error ? cause.message : String(cause)}. Name another directory.`;
  return new FileError(message, { cause });
}

/** Reads the blocks of a run file in order; each is valid until the next is asked for. */
function* readBlocks(path: string): Generator<{ entries: number; payload: Uint8Array<ArrayBuffer> }> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw new FileError(`train: run file ${path} must be readable, got none. Start the training anew.`, {
      cause,
    });
  }
  const get = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) {
      const n = readSync(file, bytes, at, bytes.length - at, null);
      if (n === 0) {
        throw new FileError(`train: run file ${path} must be whole, got a cut one. Start the training anew.`);
      }
      at += n;
    }
  };
  try {
    const header = new DataView(new ArrayBuffer(HEADER));
    let buffer = new Uint8Array(0);
    for (;;) {
      get(new Uint8Array(header.buffer));
      const entries = header.getUint32(0, true);
      if (entries === 0) return;
      const length = header.getUint32(4, true);
      if (length > buffer.length) buffer = new Uint8Array(length);
      const payload = buffer.subarray(0, length);
      get(payload);
      yield { entries, payload };
    }
  } finally {
    closeSync(file);
  }
}

/** Writes `value` as little groups of seven bits; returns the position after it. */
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let v = value;
  let i = at;
  while (v >= 128) {
    bytes[i++] = (v % 128) + 128;
    v = Math.floor(v / 128);
  }
  bytes[i++] = v;
  return i;
}

/** A reader of numbers written by `putVarint`. */
class VarintReader {
  at: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  next(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const b = this.bytes[this.at++] ?? 0;
      if (b < 128) return value + b * scale;
      value += (b - 128) * scale;
      scale *= 128;
    }
  }
}

/** Most bytes of a varint below 2⁵³. */
const VARINT = 8;

/** Writes a run of windows: 8 bytes a key and one to a few for its count. */
export function writeWindowRun(path: string, { keys, counts }: Run): void {
  writeBlocks(path, (block) => {
    const payload = new Uint8Array(WINDOWS * (8 + VARINT));
    for (let from = 0; from < keys.length; from += WINDOWS) {
      const n = Math.min(WINDOWS, keys.length - from);
      new Float64Array(payload.buffer, 0, n).set(keys.subarray(from, from + n));
      let at = 8 * n;
      for (let i = 0; i < n; i++) at = putVarint(payload, at, counts[from + i] ?? 0);
      block(n, payload.subarray(0, at));
    }
  });
}

/** Reads a run of windows block by block; each is valid until the next is asked for. */
export function* readWindowRun(path: string): Generator<Run> {
  const room = new Float64Array(WINDOWS);
  for (const { entries, payload } of readBlocks(path)) {
    const keys = new Float64Array(payload.buffer, 0, entries);
    const counts = room.subarray(0, entries);
    const numbers = new VarintReader(payload, 8 * entries);
    for (let i = 0; i < entries; i++) counts[i] = numbers.next();
    yield { keys, counts };
  }
}

/** Writes pieces in the order of their bytes. */
export function writePieceRun(path: string, list: PieceList): void {
  const order = sortedOrder(list);
  writeBlocks(path, (block) => {
    let payload = new Uint8Array(2 * PIECE_BLOCK);
    let at = 0;
    let entries = 0;
    for (const i of order) {
      const piece = pieceAt(list, i);
      const need = piece.length + 2 * VARINT;
      if (at > 0 && at + need > PIECE_BLOCK) {
        block(entries, payload.subarray(0, at));
        at = 0;
        entries = 0;
      }
      if (need > payload.length) payload = new Uint8Array(2 * need);
      at = putVarint(payload, at, piece.length);
      at = putVarint(payload, at, list.counts[i] ?? 0);
      payload.set(piece, at);
      at += piece.length;
      entries += 1;
    }
    if (entries > 0) block(entries, payload.subarray(0, at));
  });
}

/** Reads pieces in the order of their bytes. */
export function* readPieceRun(path: string): Generator<CountedPiece> {
  for (const { entries, payload } of readBlocks(path)) {
    const numbers = new VarintReader(payload, 0);
    for (let i = 0; i < entries; i++) {
      const length = numbers.next();
      const count = numbers.next();
      yield { bytes: payload.subarray(numbers.at, numbers.at + length), count };
      numbers.at += length;
    }
  }
}
