// What differs between Node and a browser; the only conditional border of the package (`#platform`).
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";

/** Where a program runs: `cpu`, `webgpu`, `cuda` in Node; `wasm`, `webgpu` in a browser. */
export type Device = "cpu" | "webgpu" | "cuda" | "wasm";

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
  readonly devices: readonly Device[];
  /** Device when neither an option nor `ATHANOR_DEVICE` names one. */
  preferred(): Device;
  /** What the environment asks for, if anything. */
  requested(): string | undefined;
  runtime(device: Device): Promise<{
    readonly InferenceSession: { create: CreateSession };
    readonly Tensor: TensorConstructor;
  }>;
  /** Opens `model`, placing its weights as this platform does best. */
  create(
    create: CreateSession,
    model: ModelFile,
    options: InferenceSession.SessionOptions,
  ): Promise<InferenceSession>;
  /** `tensor` as the runtime wants it at its door, where that differs from what it hands out. */
  feed(tensor: OrtTensor): OrtTensor;
  /** What to do when the device is missing. */
  advice(device: Device): string;
}

/** `InferenceSession.create`, from bytes or a path. */
export interface CreateSession {
  (bytes: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  (path: string, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
}

export type { InferenceSession, OrtTensor };
