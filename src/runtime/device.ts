// Devices and what they run, in words of our own: users see these, and none of ONNX Runtime's types.

/** Where a program runs: `cpu`, `webgpu`, `cuda` in Node; `wasm`, `webgpu` in a browser. */
export type Device = "cpu" | "webgpu" | "cuda" | "wasm";

/**
 * How results are held between runs: in the `device`'s own memory; on the host in buffers that later runs can write
 * into (`reusable`); or on the host, `fresh` each time.
 */
export type Memory = "device" | "reusable" | "fresh";

/** A model to open: its bytes, and weights that stand in a file of their own. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly external?: {
    readonly location: string;
    readonly byteLength: number;
    readonly chunks: () => Iterable<Uint8Array>;
  };
}
