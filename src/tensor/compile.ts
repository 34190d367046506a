// Functions compiled once and run many times.
import { checkOptions, DtypeError, OptionError } from "../errors.ts";
import { buildGraph, isLeaf } from "../graph/build.ts";
import { staysOn } from "../graph/device-memory.ts";
import { type Drawing, drawingOf, drawInputs } from "../graph/draw.ts";
import { encode } from "../graph/encode.ts";
import { evaluateValues } from "../graph/evaluate.ts";
import type { Shape } from "../graph/dim.ts";
import type { OnnxPort } from "../graph/onnx.ts";
import { checkIndices, type IndexUse, indexUses } from "../graph/host-indices.ts";
import { openGraph } from "../graph/open.ts";
import { freeBuffers, fromNative, runSession } from "../graph/run.ts";
import { giveAway, requireKept, takeBack } from "../graph/storage.ts";
import { targetOf } from "../graph/target.ts";
import { reach, type Storage } from "../graph/value.ts";
import type { Device } from "../runtime/device.ts";
import type { OrtTensor } from "../runtime/platform.ts";
import { chooseDevice } from "../runtime/choose-device.ts";
import { memoryOf, type Session } from "../runtime/session.ts";
import { requireWhole, show } from "./arguments.ts";
import { boundedPrograms, numberWatch, type PlainNumber } from "./programs.ts";
import { sizeCheck, type SizeCheck } from "./sizes.ts";
import { fromStorage, Tensor } from "./tensor.ts";
import { flattenTree, leaves, mapTree, unflattenTree } from "./tree.ts";

/** Options of `compile`. */
export interface CompileOptions {
  /** Where to run; default that of `setDevice`, else `ATHANOR_DEVICE`, else the platform's choice. */
  readonly device?: Device;
  /** Arguments whose tensors may be overwritten: their buffers become results of the next calls. */
  readonly donate?: readonly number[];
  /**
   * Sizes that may differ from call to call: the shape of the input leaf `name` (`"0.ids"` for `ids` of the first
   * argument) with names in place of numbers, or `undefined` to keep it fixed.
   */
  readonly symbolic?: (name: string, shape: Shape) => Shape | undefined;
  /**
   * What `fn` closes over is the program's: the memory of large constants is freed once the runtime has them, so that they
   * are held once. A second program, and whoever reads such a tensor, is told that it was given away.
   */
  readonly handOver?: boolean;
  /** Threads of one operator (default: all cores). */
  readonly threads?: number;
  /** Programs, one per signature of the arguments, that stay open; default 64, the ones used last. */
  readonly programs?: number;
  /** Prefix of the profile that ONNX Runtime writes on `release` (Node only). */
  readonly profile?: string;
}

const OPTIONS: readonly (keyof CompileOptions)[] = [
  "device",
  "donate",
  "handOver",
  "symbolic",
  "threads",
  "programs",
  "profile",
];

/** A compiled function. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): Promise<R>;
  /** Traces and opens the program for arguments like these without running it. */
  prepare(...args: A): Promise<void>;
  /** How many programs were traced so far: one per signature, and again for one that was pushed out. */
  readonly traces: number;
  /** Frees the sessions, when the calls under way are done. */
  release(): Promise<void>;
}

/** One traced program. */
interface Program<R> {
  readonly session: Session;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly { readonly name: string; readonly key: string | undefined }[];
  /** @throws ShapeError for sizes that do not go together. */
  readonly check: SizeCheck;
  /** Random numbers to draw before a run. */
  readonly drawing: Drawing;
  /** Arguments by place that index something, where the device would not complain. */
  readonly indices: readonly (readonly [place: number, use: IndexUse])[];
  /** The result with placeholders in place of tensors. */
  readonly tree: R;
}

/**
 * `fn`, traced once per signature of its arguments (types, shapes, plain values) and run as one ONNX model.
 * Tensors that `fn` uses from outside become constants of the model, which the runtime lays out for speed: pass
 * weights as arguments to train them, close over them to generate.
 * @param fn From trees of tensors and plain values to a tree of tensors.
 * @example
 * const step = compile((state, batch) => update(state, batch), { donate: [0] });
 * state = await step(state, batch);
 */
export function compile<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  checkOptions("compile", options, OPTIONS);
  const { device, donate = [], symbolic, handOver = false, threads, profile, programs: most = 64 } = options;
  if (typeof fn !== "function") throw new OptionError(`compile: fn must be a function, got ${show(fn)}.`);
  for (const i of donate) requireWhole("compile", "donate", i, 0);
  if (threads !== undefined) requireWhole("compile", "threads", threads, 1);
  requireWhole("compile", "programs", most, 1);
  if (symbolic !== undefined && typeof symbolic !== "function") {
    throw new OptionError(`compile: symbolic must be a function, got ${show(symbolic)}.`);
  }
  const programs = boundedPrograms<Program<R>>(most, ({ session }) => session.release());
  const watch = numberWatch((path, value) => warnOfNumber(fn.name, path, value));
  let traces = 0;
  // Buffers of donated tensors by type, waiting to be results.
  const pool = new Map<string, OrtTensor[]>();

  const trace = async (args: A, on: Device): Promise<Program<R>> => {
    traces++;
    watch(...numbersOf(args, symbolic));
    const { placeholders, inputs } = placeholdersFor(args, symbolic);
    const tree = fn(...placeholders);
    if (tree instanceof Promise) {
      // Its own failure is a consequence of this one.
      tree.catch(() => undefined);
      throw new OptionError(
        "compile: fn must return its tensors at once, got a Promise. Take async and await out of fn, and await the compiled function.",
      );
    }
    const results = flattenTree(tree);
    if (results.length === 0) {
      throw new OptionError(`compile: fn must return a tensor or a tree of tensors, got ${show(tree)}.`);
    }
    const outputs = results.map(([, t], i) => [`out_${i}`, t] as const);
    const { graph, draws } = buildGraph(outputs, inputs, {
      target: targetOf(on),
      leaves: "embed",
    });
    const donated = new Set(donate.flatMap((i) => leaves(args[i]).map((t) => typeKey(t.dtype, t.shape))));
    const ports = graph.outputs.map((port) => {
      const fixed = port.type.shape.every((d) => typeof d === "number");
      const key = typeKey(port.type.dtype, port.type.shape);
      return {
        name: port.name,
        key: fixed && port.type.shape.length > 0 && donated.has(key) ? key : undefined,
      };
    });
    const onDevice = graph.outputs
      .filter((port, i) => ports[i]?.key !== undefined && staysOn(on, port.type.dtype))
      .map((port) => port.name);
    const roots = results.map(([, t]) => t);
    const session = await openGraph(
      graph,
      {
        device: on,
        onDevice,
        ...(threads === undefined ? {} : { threads }),
        ...(profile === undefined ? {} : { profile }),
      },
      handOver,
    );
    if (handOver) markFreed(roots);
    const uses = memoryOf(on) === "device" ? indexUses(roots, (v) => v.op === "input") : [];
    const indices = uses.map((use) => [inputs.indexOf(use.input as Tensor), use] as const);
    return {
      session,
      inputs: graph.inputs.slice(0, inputs.length),
      outputs: ports,
      check: sizeCheck(graph.inputs.slice(0, inputs.length)),
      drawing: drawingOf(graph, draws),
      indices,
      tree,
    };
  };

  const withProgram = async <T>(args: A, work: (program: Program<R>) => Promise<T>): Promise<T> => {
    const chosen = chooseDevice(device);
    const on = typeof chosen === "string" ? chosen : await chosen;
    return programs.use(`${on} ${signatureOf(args, symbolic)}`, () => trace(args, on), work);
  };

  const requireDonated = (args: A): void => {
    const missing = donate.find((i) => i >= args.length);
    if (missing === undefined) return;
    throw new OptionError(
      `compile: donate must name arguments of 0 to ${args.length - 1}, got ${missing}: fn was called with ${args.length}.`,
    );
  };

  /** Calls under way, which a release waits for. */
  const under = new Set<Promise<unknown>>();
  const run = (...args: A): Promise<R> => {
    const result = answer(args);
    under.add(result);
    const done = (): void => void under.delete(result);
    result.then(done, done);
    return result;
  };

  const answer = async (args: A): Promise<R> => {
    requireDonated(args);
    const tensors = leaves(args);
    await evaluateValues(tensors, device);
    return withProgram(args, (program) => call(program, args, tensors));
  };

  const call = async (program: Program<R>, args: A, tensors: readonly Tensor[]): Promise<R> => {
    const names = program.inputs.map(({ name }) => name);
    const drawn = program.drawing.draws.length > 0 ? await draw(program, args, tensors) : [];
    // From here to `runSession` nothing waits, so that no other call takes these buffers in between.
    const storages = tensors.map((t) => t.storage as Storage);
    for (const s of storages) requireKept(s);
    if (symbolic !== undefined) program.check(args, tensors);
    for (const [place, use] of program.indices) checkIndices(use, storages[place] as Storage);
    const gifts = new Set(donate.flatMap((i) => leaves(args[i]).map((t) => t.storage as Storage)));
    for (const s of gifts) giveAway(s);
    const into: Record<string, OrtTensor | null> = {};
    for (const { name, key } of program.outputs)
      into[name] = (key !== undefined && pool.get(key)?.pop()) || null;
    const feeds = [...storages.map((s, i) => [names[i] ?? "", s] as const), ...drawn];
    let results: Record<string, OrtTensor>;
    try {
      results = await runSession(program.session, feeds, into);
    } catch (error) {
      for (const s of gifts) takeBack(s);
      throw error;
    }
    recycle(gifts, memoryOf(program.session.device) === "reusable" ? pool : undefined);
    return unflattenTree(
      program.tree,
      program.outputs.map(({ name }) => fromStorage(fromNative(results[name] as OrtTensor, program.session))),
    ) as R;
  };
  const compiled = Object.assign(run, {
    traces,
    prepare: (...args: A) => withProgram(args, () => Promise.resolve()),
    release: async () => {
      await Promise.allSettled(under);
      await programs.clear();
      pool.clear();
    },
  });
  return Object.defineProperty(compiled, "traces", { get: () => traces });
}

/** Marks constants whose memory went to the runtime. */
function markFreed(roots: readonly Tensor[]): void {
  for (const { storage } of reach(roots, isLeaf)) {
    if (storage?.host?.length === 0 && !storage.shape.includes(0)) giveAway(storage);
  }
}

/** Says once that an argument makes programs. */
function warnOfNumber(name: string, path: string, value: number): void {
  const what = name === "" ? "a function" : name;
  console.warn(
    `compile: argument ${path} of ${what} must not change often, got ${value} as its tenth value: each makes a program of its own. Pass tensor(${value}), and one program takes them all.`,
  );
}

/** Random inputs of one call. */
function draw<R>(
  { inputs, check, drawing }: Program<R>,
  args: readonly unknown[],
  tensors: readonly Tensor[],
): ReturnType<typeof drawInputs> {
  const given = new Map(inputs.map(({ name }, i) => [name, tensors[i]?.storage as Storage]));
  for (const s of given.values()) requireKept(s);
  return drawInputs(drawing, given, check(args, tensors));
}

/** Takes the buffers of donated tensors; those on the host go into the pool if there is one. */
function recycle(storages: Iterable<Storage>, pool: Map<string, OrtTensor[]> | undefined): void {
  for (const storage of storages) {
    const native = freeBuffers(storage);
    if (native === undefined || pool === undefined) continue;
    const key = typeKey(storage.dtype, storage.shape);
    pool.set(key, [...(pool.get(key) ?? []), native]);
  }
}

function typeKey(dtype: string, shape: Shape): string {
  return `${dtype}[${shape.join()}]`;
}

/** Inputs of a program in place of the tensors of `args`. */
export function placeholdersFor<A extends readonly unknown[]>(
  args: A,
  symbolic: CompileOptions["symbolic"],
): { placeholders: A; inputs: Tensor[] } {
  const inputs: Tensor[] = [];
  const placeholders = mapTree(args, (t, name) => {
    const input = new Tensor("input", [], { name: `in_${inputs.length}` }, [
      { dtype: t.dtype, shape: symbolic?.(name, t.shape) ?? t.shape },
    ]);
    inputs.push(input);
    return input;
  }) as unknown as A;
  return { placeholders, inputs };
}

/** Types of the tensors in `args` and all plain values beside them, as text. */
function signatureOf(args: readonly unknown[], symbolic: CompileOptions["symbolic"]): string {
  return encode("compile: argument", args, (value, name) => {
    if (typeof value === "bigint") {
      throw new DtypeError(`compile: argument ${name} must be a number, got a BigInt.`);
    }
    return value instanceof Tensor
      ? typeKey(value.dtype, symbolic?.(name, value.shape) ?? value.shape)
      : undefined;
  });
}

/** The plain numbers among `args`, and the text of all else. */
function numbersOf(
  args: readonly unknown[],
  symbolic: CompileOptions["symbolic"],
): [numbers: PlainNumber[], rest: string] {
  const numbers: PlainNumber[] = [];
  const rest = encode("compile: argument", args, (value, name) => {
    if (value instanceof Tensor) return typeKey(value.dtype, symbolic?.(name, value.shape) ?? value.shape);
    if (typeof value !== "number") return undefined;
    numbers.push([name, value]);
    return "number";
  });
  return [numbers, rest];
}

/** Every tensor of `tree`, computed, as leaves. */
export async function evaluate<T>(tree: T, { device }: { device?: Device } = {}): Promise<T> {
  const storages = await evaluateValues(leaves(tree), device);
  let next = 0;
  return mapTree(tree, () => fromStorage(storages[next++] as Storage)) as T;
}
