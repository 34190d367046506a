/**
 * Gives the memory of typed arrays back at once, without waiting for the garbage collector, which does not hurry
 * for memory outside its heap. The arrays, and all views of their buffers, are empty afterwards.
 */
export function release(...arrays: readonly ArrayBufferView[]): void {
  for (const { buffer } of arrays) if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
