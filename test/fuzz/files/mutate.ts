// A file after an accident: bits flipped, parts cut, doubled, exchanged, numbers blown up, marks of the syntax moved.
import type { Random } from "../programs/random.ts";

/** Bytes that mean something to some format. */
const MARKS = [
  0, 1, 9, 10, 13, 32, 34, 38, 44, 47, 58, 60, 62, 64, 91, 92, 93, 123, 125, 127, 128, 192, 237, 255,
];

const NUMBERS = [
  "0",
  "-1",
  "1e999",
  "-0",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "18446744073709551615",
  "NaN",
];

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A span of `bytes`, mostly short. */
function span(bytes: Uint8Array, random: Random): [number, number] {
  const start = random.below(bytes.length + 1);
  const length = random.below(random.chance(0.8) ? 16 : bytes.length + 1);
  return [start, Math.min(bytes.length, start + length)];
}

const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const out = bytes.slice();
  if (at < out.length) out[at] = value;
  return out;
};

export const flip: Mutation = (bytes, random) => {
  const at = random.below(Math.max(1, bytes.length));
  return changed(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
};

/** A number in the text, or eight bytes where there is none, as one of those that break readers. */
const blowUp: Mutation = (bytes, random) => {
  const digits: [number, number][] = [];
  for (let i = 0; i < bytes.length && digits.length < 4000; i++) {
    const isDigit = (k: number): boolean => (bytes[k] ?? 0) >= 48 && (bytes[k] ?? 0) <= 57;
    if (!isDigit(i)) continue;
    const start = i;
    while (isDigit(i)) i++;
    digits.push([start, i]);
  }
  if (digits.length === 0 || random.chance(0.2)) {
    const at = 8 * random.below(Math.max(1, bytes.length >> 3));
    const out = bytes.slice();
    out.fill(random.of([0, 127, 255]), at, at + random.of([1, 4, 8]));
    return out;
  }
  const [start, end] = random.of(digits);
  const number = new TextEncoder().encode(random.of(NUMBERS));
  return joined(bytes.subarray(0, start), number, bytes.subarray(end));
};

const MUTATIONS: readonly Mutation[] = [
  flip,
  flip,
  (bytes, random) => changed(bytes, random.below(Math.max(1, bytes.length)), random.of(MARKS)),
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    const [start, end] = span(bytes, random);
    return joined(bytes.subarray(0, start), bytes.subarray(end));
  },
  (bytes, random) => {
    const [start, end] = span(bytes, random);
    return joined(bytes.subarray(0, end), bytes.subarray(start));
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const more = Uint8Array.from({ length: 1 + random.below(8) }, () => random.of(MARKS));
    return joined(bytes.subarray(0, at), more, bytes.subarray(at));
  },
  (bytes, random) => {
    const [a, b] = [span(bytes, random), span(bytes, random)].sort((x, y) => x[0] - y[0]) as [
      [number, number],
      [number, number],
    ];
    if (a[1] > b[0]) return flip(bytes, random);
    const part = (from: number, to: number): Uint8Array => bytes.subarray(from, to);
    return joined(part(0, a[0]), part(...b), part(a[1], b[0]), part(...a), part(b[1], bytes.length));
  },
  // One mark many times: nesting without end.
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const mark = new Uint8Array(2 ** (4 + random.below(10))).fill(random.of([34, 40, 60, 91, 92, 123]));
    return joined(bytes.subarray(0, at), mark, bytes.subarray(at));
  },
  blowUp,
  blowUp,
];

/** `bytes` after one to three accidents. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let out = bytes;
  for (let n = 1 + random.below(3); n > 0; n--) out = random.of(MUTATIONS)(out, random);
  return out;
}
