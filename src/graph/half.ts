// float16 on the host, also where JavaScript has no Float16Array yet (Node 22).

/** Bits of the float16 nearest to `x`, ties to even. */
export function halfBits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size >= 65520) return sign | 0x7c00;
  // The exponent of the last place: 2⁻²⁴ below 2⁻¹⁴, else ten binary digits below the first.
  let exponent = -14;
  while (size >= 2 ** (exponent + 1)) exponent++;
  const scaled = size / 2 ** (exponent - 10);
  const low = Math.floor(scaled);
  const rest = scaled - low;
  const digits = rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
  // A carry into the exponent is one of the digits as well.
  return sign | (digits + (digits < 1024 && exponent === -14 ? 0 : (exponent + 14) * 1024));
}

/** The number that float16 `bits` stand for. */
export function halfNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const digits = bits & 1023;
  if (exponent === 31) return digits === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? digits : digits + 1024) * 2 ** (Math.max(1, exponent) - 25);
}

type Source = number | ArrayBuffer | ArrayLike<number>;

/**
 * A stand-in for Float16Array: its length, its elements by index, its bytes, and the methods `slice`, `subarray`,
 * `set`, `fill`, `join` and iteration. Elements are numbers; `buffer` holds their bits.
 */
class HalfArray {
  static readonly BYTES_PER_ELEMENT = 2;
  readonly #bits: Uint16Array;
  readonly [index: number]: number;

  constructor(source: Source, byteOffset?: number, length?: number) {
    this.#bits =
      typeof source === "number"
        ? new Uint16Array(source)
        : source instanceof ArrayBuffer
          ? new Uint16Array(source, byteOffset, length)
          : Uint16Array.from(Array.from(source, halfBits));
    // Elements by index need a proxy.
    return new Proxy(this, BY_INDEX);
  }
  static from(source: ArrayLike<number> | Iterable<number>): HalfArray {
    return new HalfArray(Array.from(source));
  }
  static of(...values: number[]): HalfArray {
    return new HalfArray(values);
  }
  get bits(): Uint16Array {
    return this.#bits;
  }
  get length(): number {
    return this.#bits.length;
  }
  get buffer(): ArrayBufferLike {
    return this.#bits.buffer;
  }
  get byteOffset(): number {
    return this.#bits.byteOffset;
  }
  get byteLength(): number {
    return this.#bits.byteLength;
  }
  slice(start?: number, end?: number): HalfArray {
    const { buffer } = this.#bits.slice(start, end);
    return new HalfArray(buffer);
  }
  subarray(start?: number, end?: number): HalfArray {
    const { buffer, byteOffset, length } = this.#bits.subarray(start, end);
    return new HalfArray(buffer as ArrayBuffer, byteOffset, length);
  }
  set(values: ArrayLike<number>, offset = 0): void {
    for (let i = 0; i < values.length; i++) this.#bits[offset + i] = halfBits(values[i] ?? 0);
  }
  fill(value: number, start?: number, end?: number): this {
    this.#bits.fill(halfBits(value), start, end);
    return this;
  }
  join(separator?: string): string {
    return Array.from(this).join(separator);
  }
  *[Symbol.iterator](): Generator<number> {
    for (const b of this.#bits) yield halfNumber(b);
  }
}

const isIndex = (key: string | symbol): boolean => typeof key === "string" && /^\d+$/.test(key);

const BY_INDEX: ProxyHandler<HalfArray> = {
  get(target, key) {
    if (isIndex(key)) {
      const bits = target.bits[Number(key)];
      return bits === undefined ? undefined : halfNumber(bits);
    }
    // Private fields belong to the target, not to its proxy.
    const value: unknown = Reflect.get(target, key, target);
    return typeof value === "function" && key !== "constructor" ? value.bind(target) : value;
  },
  set(target, key, value: number) {
    if (!isIndex(key)) return Reflect.set(target, key, value, target);
    target.bits[Number(key)] = halfBits(value);
    return true;
  },
  has: (target, key) => (isIndex(key) ? Number(key) < target.length : Reflect.has(target, key)),
};

/** Float16Array, or its stand-in. */
export const Float16: Float16ArrayConstructor =
  typeof Float16Array === "undefined" ? (HalfArray as unknown as Float16ArrayConstructor) : Float16Array;

/** `data` as the runtime takes it: the bits of the stand-in. */
export function nativeArray<T extends ArrayBufferView>(data: T): T | Uint16Array {
  return data instanceof HalfArray ? data.bits : data;
}

/** The stand-in itself, for its tests. */
export const StandIn: Float16ArrayConstructor = HalfArray as unknown as Float16ArrayConstructor;
