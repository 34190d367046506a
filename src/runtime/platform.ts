// What differs between Node and a browser; one of the package's two conditional borders (`#platform`; the other is `#files`).
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";
import type { Device, Memory, ModelFile } from "./device.ts";

/** ONNX Runtime as found on this platform. */
export interface Platform {
  /** The devices here, and how each holds results. */
  readonly devices: Readonly<Partial<Record<Device, Memory>>>;
  /** Device when nobody names one; the first answer may take a moment. */
  preferred(): Device | Promise<Device>;
  /** What the environment asks for, if anything. */
  requested(): string | undefined;
  /** Whether the runtime prints what it has to say (`ATHANOR_DEBUG`); its errors come as exceptions all the same. */
  readonly loud: boolean;
  /** Devices whose runtime can be inside one call only: others have to wait. */
  readonly oneAtATime: ReadonlySet<Device>;
  runtime(device: Device): Promise<{
    readonly InferenceSession: Sessions;
    readonly Tensor: TensorConstructor;
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

export type { Device, InferenceSession, Memory, ModelFile, OrtTensor };
