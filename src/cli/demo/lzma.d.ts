// Types of the npm package `lzma`, as far as they are used.
declare module "lzma" {
  export function compress(
    data: Uint8Array,
    level: number,
    done: (result: ArrayLike<number>, error: Error | 0) => void,
  ): void;
}
