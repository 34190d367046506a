// Opening and running models on a device.
import { platform } from "#platform";
import { BackendError, nearest, OptionError } from "../errors.ts";
import type { Device, InferenceSession, ModelFile, OrtTensor } from "./platform.ts";

/** Options of a session. */
export interface SessionOptions {
  readonly device: Device;
  /** Outputs that stay on the device. */
  readonly onDevice?: readonly string[];
  /** Threads of one operator (default: all cores). */
  readonly threads?: number;
  /** Prefix of the profile that ONNX Runtime writes (Node only). */
  readonly profile?: string;
}

/** A loaded model. */
export interface Session {
  readonly device: Device;
  /** Runs the model; `into` holds tensors to write outputs into. */
  run(
    feeds: Record<string, OrtTensor>,
    into?: Readonly<Record<string, OrtTensor | null>>,
  ): Promise<Record<string, OrtTensor>>;
  /** Ends profiling and frees the model. */
  release(): Promise<void>;
}

/** The device to use: `wanted`, else `ATHANOR_DEVICE`, else the platform's own choice. */
export function chooseDevice(wanted?: Device): Device {
  const name = wanted ?? platform.requested();
  if (name === undefined || name === "") return platform.preferred();
  const device = platform.devices.find((d) => d === name);
  if (device !== undefined) return device;
  const near = nearest(name, platform.devices)[0];
  throw new OptionError(
    `device: must be one of ${platform.devices.join(", ")} here, got "${name}".${near ? ` Did you mean ${near}?` : ""}`,
  );
}

/** A tensor of the runtime over host data (not copied). */
export async function hostTensor(
  device: Device,
  dtype: string,
  data: ArrayBufferView,
  shape: readonly number[],
): Promise<OrtTensor> {
  const { Tensor } = await runtimeOf(device);
  // The runtime's constructor is typed per element type; dtype and array were paired in graph/dtype.ts.
  const make = Tensor as unknown as new (
    type: string,
    data: ArrayBufferView,
    dims: readonly number[],
  ) => OrtTensor;
  return new make(dtype, data, shape);
}

async function runtimeOf(device: Device): ReturnType<typeof platform.runtime> {
  try {
    return await platform.runtime(device);
  } catch (error) {
    throw new BackendError(`device ${device}: ONNX Runtime could not be loaded. ${platform.advice(device)}`, {
      cause: error,
    });
  }
}

/** Tensors as this platform's runtime takes them. */
function ready(tensors: Readonly<Record<string, OrtTensor | null>>): Record<string, OrtTensor | null> {
  return Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t && platform.feed(t)]));
}

/** Opens a model. @throws BackendError when the device is missing or refuses the model. */
export async function openSession(model: ModelFile, options: SessionOptions): Promise<Session> {
  const { device } = options;
  const { InferenceSession: sessions } = await runtimeOf(device);
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [device],
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
    ...(options.onDevice && options.onDevice.length > 0
      ? {
          preferredOutputLocation: Object.fromEntries(
            options.onDevice.map((name) => [name, "gpu-buffer" as const]),
          ),
        }
      : {}),
  };
  let session: InferenceSession;
  try {
    session = await platform.create(
      sessions.create.bind(sessions) as typeof sessions.create,
      model,
      settings,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackendError(
      `device ${device}: ONNX Runtime refused the model: ${reason}. ${platform.advice(device)}`,
      {
        cause: error,
      },
    );
  }
  return {
    device,
    async run(feeds, into) {
      const fetches = into === undefined ? session.outputNames : ready(into);
      return (await session.run(
        ready(feeds) as InferenceSession.FeedsType,
        fetches as InferenceSession.FetchesType,
      )) as Record<string, OrtTensor>;
    },
    async release() {
      if (options.profile !== undefined) session.endProfiling();
      await session.release();
    },
  };
}
