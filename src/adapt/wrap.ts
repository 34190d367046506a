// Adapters as leaves beside a base: put on, taken off, exchanged; the base is never touched.
import { OptionError, ShapeError } from "../errors.ts";
import { initial, type Leaves, matches, treeOf } from "../nn/index.ts";
import { evaluate, flattenTree, random, type Tensor } from "../tensor/index.ts";
import { loraFactors, type LoraParams, type LoraSize, tableFactors } from "./lora.ts";

/** Which matrices and tables are adapted, and by how much. */
export interface AdapterConfig extends LoraSize {
  /** Ends of names, as `nn`'s `matches` reads them; default: every matrix of the layers. */
  readonly targets?: readonly string[];
}

/** Targets where nothing is said. */
export const USUAL_TARGETS: readonly string[] = ["self_attn.*", "mlp.*"];

/** An adapter: the leaves that it adds to its base, by the names they have there. */
export type Adapter = Leaves;

/** What a base has under a name: a matrix `[O, I]`, or a table `[V, C]` of which rows are taken. */
interface Target {
  readonly name: string;
  readonly table: boolean;
  readonly rows: number;
  readonly columns: number;
}

const TABLE = /(^|\.)embed_\w+$/;

/** Everything in `base` that can be adapted: nodes whose `weight` has two axes. */
export function targetsIn(base: unknown): Target[] {
  return flattenTree(base).flatMap(([name, { shape }]) => {
    if (!name.endsWith(".weight") || shape.length !== 2) return [];
    const node = name.slice(0, -".weight".length);
    return [{ name: node, table: TABLE.test(node), rows: Number(shape[0]), columns: Number(shape[1]) }];
  });
}

/**
 * The targets that `patterns` name.
 * @throws OptionError for a pattern that fits nothing, listing what there is, and for two that fit the same.
 */
export function chooseTargets(base: unknown, patterns: readonly string[]): Target[] {
  const all = targetsIn(base);
  for (const pattern of patterns) {
    if (all.some(({ name }) => matches(pattern, name))) continue;
    const kinds = [...new Set(all.map(({ name }) => name.replace(/\.\d+\./, ".N.")))];
    throw new OptionError(
      `adapt: targets must fit some matrix or table, got "${pattern}". There are ${kinds.join(", ")}.`,
    );
  }
  return all.filter(({ name }) => {
    const fitting = patterns.filter((pattern) => matches(pattern, name));
    if (fitting.length > 1) {
      throw new OptionError(
        `adapt: targets must fit each matrix once, got "${fitting.join('" and "')}" for ${name}. Leave one out.`,
      );
    }
    return fitting.length === 1;
  });
}

/**
 * A fresh adapter for `base`: its change is zero.
 * @throws OptionError as `chooseTargets`, and for a rank that a target cannot have.
 */
export function freshAdapter(
  base: unknown,
  { targets = USUAL_TARGETS, ...size }: AdapterConfig,
  key: random.Key,
): Adapter {
  return Object.fromEntries(
    chooseTargets(base, targets).flatMap(({ name, table, rows, columns }) => {
      const factors = named(name, () => (table ? tableFactors : loraFactors)(size, rows, columns));
      return Object.entries(factors).map(([leaf, parameter]): [string, Tensor] => {
        const full = `${name}.${leaf}`;
        return [full, initial(parameter, random.fold(key, full))];
      });
    }),
  );
}

/** What both factors of a matrix begin with. */
export type Start = Pick<LoraParams, "lora_A" | "lora_B">;

/** A matrix that is to begin elsewhere than LoRA does. */
export interface StartAt {
  readonly name: string;
  /** `[O, I]`. */
  readonly weight: Tensor;
  readonly size: LoraSize;
  /** Its own. */
  readonly key: random.Key;
}

/**
 * A fresh adapter whose matrices begin as `start` says, one after another, with that start taken off; tables begin as in
 * `freshAdapter`.
 * @throws OptionError as `freshAdapter`.
 */
export async function startedAdapter(
  base: unknown,
  config: AdapterConfig,
  key: random.Key,
  start: (at: StartAt) => Start | Promise<Start>,
): Promise<Adapter> {
  const out: Record<string, Tensor> = { ...freshAdapter(base, config, key) };
  const { targets = USUAL_TARGETS, ...size } = config;
  for (const { name, table } of chooseTargets(base, targets)) {
    if (table) continue;
    const at = { name, weight: weightOf(base, name), size, key: random.fold(key, name) };
    const { lora_A, lora_B } = await evaluate(await start(at));
    Object.assign(out, movedLeaves(name, { lora_A, lora_B }));
  }
  return out;
}

/** Leaves of a matrix whose factors begin elsewhere than zero: they, and the same again, to be taken off. */
function movedLeaves(node: string, { lora_A, lora_B }: Start): Adapter {
  return {
    [`${node}.lora_A`]: lora_A,
    [`${node}.lora_B`]: lora_B,
    [`${node}.lora_A0`]: lora_A,
    [`${node}.lora_B0`]: lora_B,
  };
}

/** A fresh adapter with the leaves of one whose matrices begin elsewhere: for a run that is gone on with. */
export function likeStarted(base: unknown, config: AdapterConfig, key: random.Key): Adapter {
  const fresh = freshAdapter(base, config, key);
  const moved = Object.entries(fresh).flatMap(([name, lora_A]): [string, Tensor][] => {
    const node = /^(.*)\.lora_A$/.exec(name)?.[1];
    const lora_B = node === undefined ? undefined : fresh[`${node}.lora_B`];
    return node !== undefined && lora_B ? Object.entries(movedLeaves(node, { lora_A, lora_B })) : [];
  });
  return { ...fresh, ...Object.fromEntries(moved) };
}

/** The matrix called `name`. @throws OptionError when there is none. */
export function weightOf(base: unknown, name: string): Tensor {
  const found = flattenTree(base).find(([leaf]) => leaf === `${name}.weight`)?.[1];
  if (found === undefined) throw new OptionError(`adapt: ${name} must be a matrix of the base, got none.`);
  return found;
}

function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof OptionError ? new OptionError(`adapt: ${name}: ${error.message}`) : error;
  }
}

/** Whether gradients train a leaf of an adapter: its factors and magnitudes, not their start and not the scale. */
export function isFactor(name: string): boolean {
  return /\.lora_((embedding_)?[AB]|magnitude)$/.test(name);
}

/** Whether a leaf belongs to an adapter and not to a base. */
export function isAdapterLeaf(name: string): boolean {
  return /\.lora_\w+$/.test(name);
}

/** The adapter that `model` wears; without leaves where it wears none. */
export function adapterOf(model: unknown): Adapter {
  return Object.fromEntries(flattenTree(model).filter(([name]) => isAdapterLeaf(name)));
}

/**
 * `base` with `adapter`, in place of one that it wears. Leaves of other names (modules trained whole) take the place of
 * the base's own. Nothing is copied.
 * @throws OptionError for a leaf whose matrix is not there, ShapeError for one that does not fit, with both shapes.
 */
export function withAdapter<P>(base: P, adapter: Adapter): P {
  const own = flattenTree(base).filter(([name]) => !isAdapterLeaf(name));
  const there = new Map(own);
  for (const [name, leaf] of Object.entries(adapter)) {
    if (isAdapterLeaf(name)) checkLeaf(name, leaf, there);
  }
  return treeOf([...new Map([...own, ...Object.entries(adapter)])]) as P;
}

function checkLeaf(name: string, leaf: Tensor, base: ReadonlyMap<string, Tensor>): void {
  const at = name.lastIndexOf(".");
  const [node, kind] = [name.slice(0, at), name.slice(at + 1)];
  const weight = sizeOf(node, base);
  if (weight === undefined) {
    const some = [...base.keys()].filter((n) => n.endsWith(".weight")).slice(0, 3);
    throw new OptionError(
      `adapt: "${name}" must stand beside a matrix of the base, got none called ${node}. The base has ${some.join(", ")} … Is it the adapter's own?`,
    );
  }
  const [rows, columns] = weight;
  const side = {
    lora_magnitude: [0, rows],
    lora_A: [1, columns],
    lora_A0: [1, columns],
    lora_B: [0, rows],
    lora_B0: [0, rows],
    lora_embedding_A: [1, rows],
    lora_embedding_B: [0, columns],
  }[kind];
  const texts = leaf.rank === 3 ? 1 : 0; // one adapter for each text of a batch
  if (side === undefined || leaf.shape[texts + Number(side[0])] === side[1]) return;
  throw new ShapeError(
    `adapt: "${name}" must fit ${node} of [${weight.join(", ")}], got [${leaf.shape.join(", ")}]. Is it an adapter of another base?`,
  );
}

/** Rows and columns of a matrix, or of one in codes, of 32 numbers a block. */
function sizeOf(node: string, base: ReadonlyMap<string, Tensor>): readonly number[] | undefined {
  const weight = base.get(`${node}.weight`);
  if (weight !== undefined) return weight.shape.map(Number);
  const scales = base.get(`${node}.scales`);
  return scales && [Number(scales.shape[0]), 32 * Number(scales.shape[1])];
}

/** `model` without its adapter. */
export function withoutAdapter<P>(model: P): P {
  return treeOf(flattenTree(model).filter(([name]) => !isAdapterLeaf(name))) as P;
}
