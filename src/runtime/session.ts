// Opening and running models on a device.
import { platform } from "#platform";
import { BackendError } from "../errors.ts";
import { halfBits } from "./half.ts";
import type { Device, Memory, ModelFile } from "./device.ts";
import type { InferenceSession, OrtTensor } from "./platform.ts";

/** Options of a session. */
export interface SessionOptions {
  readonly device: Device;
  /** Outputs that stay on the device. */
  readonly onDevice?: readonly string[];
  /** Threads of one operator (default: all cores). */
  readonly threads?: number;
  /**
   * Threads without work wait for it in a loop for a moment (default): the next operator starts sooner, but a
   * session that runs now and then costs more in waiting than in work.
   */
  readonly spinning?: boolean;
  /** Names of ONNX Runtime's optimisations to leave out. */
  readonly without?: readonly string[];
  /** Prefix of the profile that ONNX Runtime writes (Node only). */
  readonly profile?: string;
}

/** A loaded model. */
export interface Session {
  readonly device: Device;
  /** A tensor of the runtime over host data (not copied). */
  wrap(dtype: string, data: ArrayBufferView, shape: readonly number[]): OrtTensor;
  /** Runs the model; `into` holds tensors to write outputs into. */
  run(
    feeds: Record<string, OrtTensor>,
    into?: Readonly<Record<string, OrtTensor | null>>,
  ): Promise<Record<string, OrtTensor>>;
  /** Frees a result that stands in the memory of the device. */
  free(tensor: OrtTensor): void;
  /** Ends profiling and frees the model: at once, or with the last of its results on the device. */
  release(): Promise<void>;
}

/** What to do when `device` is missing. */
export function deviceAdvice(device: Device): string {
  return platform.advice(device);
}

/** What to do when the runtime of `device` was there and has broken; `undefined` where it is missing. */
export function wayOutOfBroken(device: Device): Promise<string | undefined> {
  return platform.broken(device);
}

/** How `device` holds results between runs. */
export function memoryOf(device: Device): Memory {
  return platform.devices[device] ?? "fresh";
}

async function runtimeOf(device: Device): ReturnType<typeof platform.runtime> {
  try {
    return await platform.runtime(device);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    const name = platform.runtimePackage;
    throw new BackendError(
      `device ${device}: ${name} must load, got "${reason}". Install it with npm install ${name}@1.30.0.`,
      { cause: error },
    );
  }
}

/** The last call of each runtime that takes one at a time. */
const last = new Map<Device, Promise<unknown>>();

/** `call`, after the calls before it where the runtime of `device` takes one at a time. */
function inLine<T>(device: Device, call: () => Promise<T>): Promise<T> {
  if (!platform.oneAtATime.has(device)) return call();
  const result = (last.get(device) ?? Promise.resolve()).then(call);
  last.set(
    device,
    result.catch(() => undefined),
  );
  return result;
}

/** What a runtime says when its device is gone, or it is itself. */
const GONE = /device (?:was|is) lost|memory access out of bounds|unreachable/i;

/** Devices that are gone, with what was said of it. They do not come back, and a runtime asked again may never answer. */
const gone = new Map<Device, BackendError>();

/** @throws BackendError as at the first time, where `device` is gone. */
function requireDevice(device: Device): void {
  const said = gone.get(device);
  if (said !== undefined) throw said;
}

/** The first sentence of what the runtime said, without where in its sources it said so. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [line = ""] = text.replace(/^(?:.* )?\S+\.cc:\d+ .* was false\. /, "").split("\n");
  return line.replace(/\.$/, "");
}

/** Tensors as this platform's runtime takes them. */
function ready(tensors: Readonly<Record<string, OrtTensor | null>>): Record<string, OrtTensor | null> {
  return Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t && platform.feed(t)]));
}

/** Opens a model. @throws BackendError when ONNX Runtime is missing, and whatever ONNX Runtime throws. */
export async function openSession(model: ModelFile, options: SessionOptions): Promise<Session> {
  const { device } = options;
  const { InferenceSession: sessions, Tensor } = await runtimeOf(device);
  // The runtime's constructor is typed per element type; dtype and array were paired in graph/dtype.ts.
  const HostTensor = Tensor as unknown as new (
    type: string,
    data: ArrayBufferView,
    dims: readonly number[],
  ) => OrtTensor;
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [device],
    graphOptimizationLevel: "all",
    // Errors come back as exceptions; the runtime need not print them too.
    logSeverityLevel: platform.loud ? 2 : 4,
    // A memory pattern keeps the buffers of the first run beside the block that later runs use: a training step of
    // 4 M parameters then took 1,120 MB instead of 780.
    enableMemPattern: false,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    extra: {
      ...(options.spinning === false ? { session: { intra_op: { allow_spinning: "0" } } } : {}),
      ...(options.without
        ? { optimization: { disable_specified_optimizers: options.without.join(";") } }
        : {}),
    },
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
    ...(options.onDevice && options.onDevice.length > 0
      ? {
          preferredOutputLocation: Object.fromEntries(
            options.onDevice.map((name) => [name, "gpu-buffer" as const]),
          ),
        }
      : {}),
  };
  const session = await inLine(device, () => {
    requireDevice(device);
    return platform.create(sessions, model, settings);
  });
  // A result on the device belongs to an allocator of its session and must not outlive it.
  const alive = new Set<OrtTensor>();
  let running = 0;
  let released = false;
  /** Frees the model with the last of its calls and results. */
  const settle = async (): Promise<void> => {
    if (released && running === 0 && alive.size === 0) await inLine(device, () => session.release());
  };
  const call = async (
    feeds: Record<string, OrtTensor>,
    into: Readonly<Record<string, OrtTensor | null>> | undefined,
  ): Promise<Record<string, OrtTensor>> => {
    requireDevice(device);
    const fetches = into === undefined ? session.outputNames : ready(into);
    try {
      return (await session.run(
        ready(feeds) as InferenceSession.FeedsType,
        fetches as InferenceSession.FetchesType,
      )) as Record<string, OrtTensor>;
    } catch (error) {
      if (!(error instanceof Error) || !GONE.test(error.message)) throw error;
      const wayOut = (await platform.broken(device)) ?? "Start the program again.";
      const said = new BackendError(
        `device ${device}: must stay while a program runs, got "${reasonOf(error)}". ${wayOut}`,
        { cause: error },
      );
      gone.set(device, said);
      throw said;
    }
  };
  return {
    device,
    wrap: (dtype, data, shape) => new HostTensor(dtype, dtype === "float16" ? halfBits(data) : data, shape),
    async run(feeds, into) {
      if (released) throw new BackendError(`device ${device}: a program was called after its release.`);
      running++;
      try {
        const results = await inLine(device, () => call(feeds, into));
        for (const tensor of Object.values(results)) if (tensor.location !== "cpu") alive.add(tensor);
        return results;
      } finally {
        running--;
        if (released) await settle();
      }
    },
    free(tensor) {
      if (!alive.delete(tensor)) return;
      void inLine(device, () => Promise.resolve(tensor.dispose())).then(settle);
    },
    async release() {
      if (released) return;
      released = true;
      if (options.profile !== undefined) session.endProfiling();
      await settle();
    },
  };
}
