// Computing lazy values: what is needed, once; programs of one structure share a session.
import { chooseDevice, type Session } from "../runtime/session.ts";
import type { Device } from "../runtime/platform.ts";
import { buildGraph, isLeaf } from "./build.ts";
import { openGraph } from "./open.ts";
import { fromNative, runSession } from "./run.ts";
import { signature } from "./signature.ts";
import { requireKept, type Settable } from "./storage.ts";
import { targetOf } from "./target.ts";
import { reach, type Storage, type Value } from "./value.ts";

/** Sessions of recent programs, least recently used first. */
const recent = new Map<string, Promise<Session>>();
const KEPT = 256;

async function sessionFor(key: string, open: () => Promise<Session>): Promise<Session> {
  const known = recent.get(key);
  const session = known ?? open();
  recent.delete(key);
  recent.set(key, session);
  if (recent.size > KEPT) {
    const [oldest] = recent;
    if (oldest) {
      recent.delete(oldest[0]);
      void oldest[1].then((s) => s.release());
    }
  }
  try {
    return await session;
  } catch (error) {
    recent.delete(key);
    throw error;
  }
}

/**
 * Storage of each of `values`; computed ones keep it.
 * @throws GraphError when something that they need was donated.
 */
export async function evaluateValues(
  values: readonly (Value & Settable)[],
  wanted?: Device,
): Promise<Storage[]> {
  const missing = [...new Set(values.filter((v) => v.storage === undefined))];
  if (missing.length > 0) {
    const device = chooseDevice(wanted);
    const outputs = missing.map((v, i) => [`out_${i}`, v] as const);
    const session = await sessionFor(`${device} ${signature(missing)}`, async () => {
      const { graph } = buildGraph(outputs, [], { target: targetOf(device), leaves: "feed" });
      return openGraph(graph, { device });
    });
    const leaves = reach(missing, isLeaf).filter(isLeaf);
    const feeds = leaves.map((v, i) => [`leaf_${i}`, v.storage as Storage] as const);
    for (const [, storage] of feeds) requireKept(storage);
    const results = await runSession(session, feeds);
    for (const [name, v] of outputs) {
      const tensor = results[name];
      if (tensor) v.storage = fromNative(tensor, session);
    }
  }
  return values.map((v) => {
    const storage = v.storage as Storage;
    requireKept(storage);
    return storage;
  });
}
