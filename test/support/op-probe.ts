// Asks a device for every op: where it runs, and what it gives.
import { platform } from "#platform";
import { buildGraph } from "../../src/graph/build.ts";
import { encodeModel } from "../../src/graph/onnx.ts";
import { targetOf } from "../../src/graph/target.ts";
import type { Device, InferenceSession, OrtTensor } from "../../src/runtime/platform.ts";
import { OP_CASES } from "./op-cases.ts";

/** Where an op ran: with all its kernels on the device, with some on the host, or not at all. */
export type Placement = "device" | "host" | "refused";

export interface Probe {
  readonly placement: Placement;
  /** Results as numbers. */
  readonly values: readonly number[];
}

/** Opens the model so that no operator may fall back to the host, then so that it may. */
async function open(bytes: Uint8Array, device: Device): Promise<[Placement, InferenceSession | undefined]> {
  const { InferenceSession: sessions } = await platform.runtime(device);
  const attempt = (strict: boolean): Promise<InferenceSession> =>
    platform.create(
      sessions,
      { bytes },
      {
        executionProviders: [device],
        logSeverityLevel: 4,
        ...(strict && device === "webgpu" && { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
      },
    );
  try {
    return ["device", await attempt(true)];
  } catch {
    try {
      return ["host", await attempt(false)];
    } catch {
      return ["refused", undefined];
    }
  }
}

/** One probe per example of each op. */
export async function probeOps(device: Device): Promise<Record<string, readonly Probe[]>> {
  const all: Record<string, Probe[]> = {};
  for (const [op, cases] of Object.entries(OP_CASES)) {
    const probes: Probe[] = [];
    for (const make of cases) {
      const target = targetOf(device);
      const { graph, fed } = buildGraph([["y", make()]], [], { target, leaves: "feed" });
      const [placement, session] = await open(encodeModel(graph), device);
      const { Tensor } = await platform.runtime(device);
      const feeds: Record<string, OrtTensor> = {};
      for (const [name, { dtype, shape, host }] of fed) {
        if (host && session) feeds[name] = new Tensor(dtype, host as never, shape) as OrtTensor;
      }
      const y = session && (await session.run(feeds))["y"];
      probes.push({ placement, values: y ? Array.from(y.data as Float32Array, Number) : [] });
      await session?.release();
    }
    all[op] = probes;
  }
  return all;
}

/** Ops of `probes` whose results differ from `expected` by more than `tolerance`, relative to 1 + |value|. */
export function disagreeing(
  probes: Record<string, readonly Probe[]>,
  expected: Record<string, readonly Probe[]>,
  tolerance: number,
): string[] {
  return Object.keys(expected).filter((op) => !(differenceOf(probes[op], expected[op]) <= tolerance));
}

/** Largest difference over the examples of one op, relative to 1 + |value|. */
export function differenceOf(probes: readonly Probe[] = [], expected: readonly Probe[] = []): number {
  if (probes.length !== expected.length) return Infinity;
  const all = probes.flatMap(({ values }, i) => {
    const want = expected[i]?.values ?? [];
    if (values.length !== want.length) return [Infinity];
    return values.map((v, j) => Math.abs(v - (want[j] ?? NaN)) / (1 + Math.abs(want[j] ?? NaN)));
  });
  return all.some(Number.isNaN) ? Infinity : Math.max(0, ...all);
}

/** Ops of which some operator does not run on the device. */
export function elsewhere(probes: Record<string, readonly Probe[]>): string[] {
  return Object.keys(probes).filter((op) => probes[op]?.some((p) => p.placement !== "device"));
}
