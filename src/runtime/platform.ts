// What differs between Node and a browser; the only conditional border of the package (`#platform`).
import type { Env, InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";

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

/** ONNX Runtime as found on this platform. */
export interface Platform {
  /** The devices here, and how each holds results. */
  readonly devices: Readonly<Partial<Record<Device, Memory>>>;
  /** Device when nobody names one. */
  preferred(): Promise<Device>;
  /** What the environment asks for, if anything. */
  requested(): string | undefined;
  /** Whether the user wants to see what ONNX Runtime logs (`ATHANOR_DEBUG`). */
  debugging(): boolean;
  /** Devices whose runtime can be inside one call only: others have to wait. */
  readonly oneAtATime: ReadonlySet<Device>;
  runtime(device: Device): Promise<{
    readonly InferenceSession: Sessions;
    readonly Tensor: TensorConstructor;
    readonly env: Env;
  }>;
  /** Opens `model`, placing its weights as this platform does best. */
  create(
    sessions: Sessions,
    model: ModelFile,
    options: InferenceSession.SessionOptions,
  ): Promise<InferenceSession>;
  /** `tensor` as the runtime wants it at its door, where that differs from what it hands out. */
  feed(tensor: OrtTensor): OrtTensor;
  /** The package that brings the runtime. */
  readonly runtimePackage: string;
  /** What to do when the device is missing. */
  advice(device: Device): string;
  /** What to do when a runtime that was there does not work any more; `undefined` where it is missing instead. */
  broken(device: Device): Promise<string | undefined>;
}

/** `InferenceSession` of the runtime: opens a model from bytes or a path. */
export interface Sessions {
  create(bytes: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  create(path: string, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
}

export type { InferenceSession, OrtTensor };
