// What a decoder keeps of the tokens so far: buffers with room for more, so that a new token is written into its place
// and nothing is copied to make room for it.
import { concat, type Dim, narrow, permute, reshape, type Tensor, tensor, zeros } from "../tensor/index.ts";
import {
  type CacheShape,
  type CacheShapes,
  grows,
  isRows,
  product,
  SIZES,
  sized,
  tokenAxis,
} from "./cache.ts";
import type { State } from "./mixer.ts";

/** The caches of all layers after `length` tokens. Immutable to whoever holds it, although buffers are shared. */
export interface Kept {
  readonly batch: number;
  readonly length: number;
  readonly buffers: Buffers;
  /** What does not grow, by layer and name. */
  readonly fixed: readonly State[];
}

/** Buffers of several states, each of which is a beginning of them; only the longest may write on. */
interface Buffers {
  readonly room: number;
  /** Tokens written so far. */
  filled: number;
  /** By layer and name. */
  readonly growing: readonly Readonly<Record<string, Growing>>[];
}

/** One buffer: `outer` blocks of `room` tokens of `inner` numbers each. */
interface Growing {
  readonly outer: number;
  readonly inner: number;
  readonly data: Float32Array;
  /** All of it as a tensor. */
  readonly whole: Tensor;
}

/** Room for this many tokens at first; full buffers double. */
const FIRST_ROOM = 64;

/** What `make` gives for each cached tensor, by layer and name; nothing where it gives nothing. */
function each<T>(
  shapes: readonly CacheShapes[],
  make: (shape: CacheShape, name: string, layer: number) => T | undefined,
): Record<string, T>[] {
  return shapes.map((layer, i) => {
    const out: Record<string, T> = {};
    for (const name of Object.keys(layer)) {
      const value = make(layer[name] ?? [], name, i);
      if (value !== undefined) out[name] = value;
    }
    return out;
  });
}

/** Buffers with `room`, and in them the tokens of `from`. */
function allocate(shapes: readonly CacheShapes[], batch: number, room: number, from?: Kept): Buffers {
  const growing = each(shapes, (shape, name, layer): Growing | undefined => {
    if (!grows(shape)) return undefined;
    const axis = tokenAxis(shape);
    const outer = batch * product(shape.slice(1, axis));
    const inner = product(shape.slice(axis + 1));
    const data = new Float32Array(outer * room * inner);
    if (from) {
      const { data: old = data } = from.buffers.growing[layer]?.[name] ?? {};
      for (let block = 0; block < outer; block++) {
        const start = block * from.buffers.room * inner;
        data.set(old.subarray(start, start + from.length * inner), block * room * inner);
      }
    }
    return { outer, inner, data, whole: tensor(data, { shape: sized(shape, batch, room), lend: true }) };
  });
  return { room, filled: from?.length ?? 0, growing };
}

/** Nothing yet, for `batch` texts. */
export function nothingKept(shapes: readonly CacheShapes[], batch: number): Kept {
  return {
    batch,
    length: 0,
    buffers: allocate(shapes, batch, FIRST_ROOM),
    fixed: each(shapes, (shape) => (grows(shape) ? undefined : zeros(sized(shape, batch, 0)))),
  };
}

/** `kept` as a program takes it: what grows as long as its tokens, or with all its room where that saves a copy. */
export function cacheInputs(shapes: readonly CacheShapes[], kept: Kept): State[] {
  return each(shapes, (shape, name, layer): Tensor | undefined => {
    const buffer = kept.buffers.growing[layer]?.[name];
    if (!buffer) return kept.fixed[layer]?.[name];
    if (!isRows(shape, kept.batch)) return buffer.whole;
    const length = kept.length * buffer.inner;
    return tensor(buffer.data.subarray(0, length), {
      shape: sized(shape, kept.batch, kept.length),
      lend: true,
    });
  });
}

/** Inputs of that shape without the room that is free. */
export function withoutRoom(shapes: readonly CacheShapes[], inputs: readonly State[], S: Dim): State[] {
  return each(shapes, (shape, name, layer) => {
    const x = inputs[layer]?.[name];
    return x && grows(shape) && x.shape.includes(SIZES.room) ? narrow(x, tokenAxis(shape), 0, S) : x;
  });
}

/** What a program hands back of caches that hold the tokens up to `end`. */
export interface Added {
  /** What the tokens from `start` on add to what grows, `[B, T, …]` side by side; absent if nothing grows. */
  readonly rows?: Tensor;
  /** What does not grow, anew. */
  readonly fixed: readonly State[];
}

/** The news in `caches`. */
export function addedTo(
  shapes: readonly CacheShapes[],
  caches: readonly State[],
  start: Dim,
  end: Dim,
): Added {
  const rows: Tensor[] = [];
  const fixed = each(shapes, (shape, name, layer) => {
    const x = caches[layer]?.[name];
    if (!x || !grows(shape)) return x;
    const axis = tokenAxis(shape);
    const order = shape.map((_, i) => i);
    order.splice(1, 0, ...order.splice(axis, 1));
    const moved = permute(narrow(x, axis, start, end), order); // [B, T, …]
    const [B = 1, T = 1, ...token] = moved.shape;
    rows.push(reshape(moved, [B, T, product(token)]));
    return undefined;
  });
  return rows.length === 0 ? { fixed } : { rows: concat(rows, 2), fixed };
}

/** `kept` with `T` more tokens. @param rows As `Added` has them, read. */
export function keep(
  kept: Kept,
  shapes: readonly CacheShapes[],
  T: number,
  rows: Float32Array,
  fixed: Kept["fixed"],
): Kept {
  const { batch, buffers: old } = kept;
  const length = kept.length + T;
  // New buffers if there is no room, or if another text went on from here and wrote its own tokens.
  const full = length > old.room;
  const room = full ? Math.max(length, 2 * old.room) : old.room;
  const buffers = full || old.filled !== kept.length ? allocate(shapes, batch, room, kept) : old;
  let from = 0; // of the numbers of one token
  const width = rows.length / (batch * T);
  each(shapes, (_, name, layer) => {
    const buffer = buffers.growing[layer]?.[name];
    if (!buffer) return;
    const { data, inner } = buffer;
    const outer = buffer.outer / batch;
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < T; t++) {
        let at = (b * T + t) * width + from;
        let to = (b * outer * room + kept.length + t) * inner;
        for (let block = 0; block < outer; block++, to += (room - 1) * inner) {
          for (let i = 0; i < inner; i++) data[to++] = rows[at++] as number;
        }
      }
    }
    from += outer * inner;
  });
  buffers.filled = length;
  return { batch, length, buffers, fixed };
}
