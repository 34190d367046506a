// Computing lazy values: what is needed, once; programs of one structure share a session.
import { chooseDevice } from "../runtime/choose-device.ts";
import { memoryOf, type Session } from "../runtime/session.ts";
import type { Device } from "../runtime/device.ts";
import { GraphError } from "../errors.ts";
import { buildGraph, isLeaf } from "./build.ts";
import { checkIndices, indexUses } from "./host-indices.ts";
import { openGraph } from "./open.ts";
import { fromNative, runSession } from "./run.ts";
import { signature } from "./signature.ts";
import { requireKept, type Settable } from "./storage.ts";
import { targetOf } from "./target.ts";
import { reach, type Storage, typeOf, type Value } from "./value.ts";

/** A session that several evaluations may be using. */
interface Shared {
  readonly session: Promise<Session>;
  users: number;
  /** Pushed out by newer programs: released when its last user is done. */
  dropped: boolean;
}

/** Sessions of recent programs, least recently used first. */
const recent = new Map<string, Shared>();
const KEPT = 256;

/** Runs `use` on the session of program `key`, opened where there is none. */
async function withSession<T>(
  key: string,
  open: () => Promise<Session>,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const shared = recent.get(key) ?? { session: open(), users: 0, dropped: false };
  recent.delete(key);
  recent.set(key, shared);
  shared.users++;
  const [oldest] = recent;
  if (recent.size > KEPT && oldest) {
    recent.delete(oldest[0]);
    oldest[1].dropped = true;
    if (oldest[1].users === 0) void oldest[1].session.then((s) => s.release());
  }
  try {
    const session = await shared.session.catch((error: unknown) => {
      recent.delete(key);
      throw error;
    });
    return await use(session);
  } finally {
    shared.users--;
    if (shared.dropped && shared.users === 0) {
      void shared.session.then(
        (s) => s.release(),
        () => undefined,
      );
    }
  }
}

/** @throws GraphError when a value needs a parameter of a function that is being traced. */
function requireBound(values: readonly Value[]): void {
  const unbound = values.find((v) => !isLeaf(v) && (v.op === "input" || v.op === "argument"));
  if (unbound === undefined) return;
  const { dtype, shape } = typeOf(unbound);
  const whose =
    unbound.op === "input" ? "a function that is being compiled" : "the body of a loop or checkpoint";
  throw new GraphError(
    `data: tensor must have elements, got one made from a parameter ${dtype} [${shape.join(", ")}] of ${whose}. Return it, and read the result.`,
  );
}

/**
 * Storage of each of `values`; computed ones keep it.
 * @throws GraphError when something that they need was donated.
 */
export async function evaluateValues(
  values: readonly (Value & Settable)[],
  wanted?: Device,
): Promise<Storage[]> {
  const lacking = (): (Value & Settable)[] => [...new Set(values.filter((v) => v.storage === undefined))];
  const chosen = lacking().length > 0 ? chooseDevice(wanted) : undefined;
  const device = typeof chosen === "object" ? await chosen : chosen;
  const missing = lacking();
  if (device !== undefined && missing.length > 0) {
    const all = reach(missing, isLeaf);
    requireBound(all);
    const outputs = missing.map((v, i) => [`out_${i}`, v] as const);
    // Leaves are taken down before anything waits: meanwhile other evaluations may turn more values into leaves.
    const feeds = all.filter(isLeaf).map((v, i) => [`leaf_${i}`, v.storage as Storage] as const);
    if (memoryOf(device) === "device") {
      for (const use of indexUses(missing, isLeaf)) checkIndices(use, use.input.storage as Storage);
    }
    const open = async (): Promise<Session> => {
      const { graph } = buildGraph(outputs, [], { target: targetOf(device), leaves: "feed" });
      return openGraph(graph, { device, spinning: false });
    };
    await withSession(`${device} ${signature(missing)}`, open, async (session) => {
      for (const [, storage] of feeds) requireKept(storage);
      const results = await runSession(session, feeds);
      for (const [name, v] of outputs) {
        const tensor = results[name];
        if (tensor) v.storage = fromNative(tensor, session);
      }
    });
  }
  return values.map((v) => {
    const storage = v.storage as Storage;
    requireKept(storage);
    return storage;
  });
}
