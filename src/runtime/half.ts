// Arrays of half-precision numbers: the engine's own, or, where it has none (Node before 24, Safari before 18.2), the
// same from a package.
import { Float16Array as Substitute } from "@petamoriken/float16";

/** `Float16Array`. */
export const HalfArray: typeof Float16Array =
  "Float16Array" in globalThis ? Float16Array : (Substitute as unknown as typeof Float16Array);

/** The bits of half-precision numbers, not copied: the form that every runtime takes, whatever the engine knows. */
export function halfBits(data: ArrayBufferView): Uint16Array {
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}
