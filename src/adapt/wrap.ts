// Adapters as leaves beside a base: put on, taken off, exchanged; the base is never touched.
import { OptionError, ShapeError } from "../errors.ts";
import { initial, type Leaves, matches, treeOf } from "../nn/index.ts";
import { flattenTree, random, type Tensor } from "../tensor/index.ts";
import { loraFactors, type LoraSize, tableFactors } from "./lora.ts";

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

function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof OptionError ? new OptionError(`adapt: ${name}: ${error.message}`) : error;
  }
}

/** Whether gradients train a leaf of an adapter: its factors, not their start and not the scale. */
export function isFactor(name: string): boolean {
  return /\.lora_(embedding_)?[AB]$/.test(name);
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
  const weight = base.get(`${node}.weight`);
  if (weight === undefined) {
    const some = [...base.keys()].filter((n) => n.endsWith(".weight")).slice(0, 3);
    throw new OptionError(
      `adapt: "${name}" must stand beside a matrix of the base, got none called ${node}. The base has ${some.join(", ")} … Is it the adapter's own?`,
    );
  }
  const [rows, columns] = weight.shape;
  const side = {
    lora_A: [1, columns],
    lora_A0: [1, columns],
    lora_B: [0, rows],
    lora_B0: [0, rows],
    lora_embedding_A: [1, rows],
    lora_embedding_B: [0, columns],
  }[kind];
  if (side === undefined || leaf.shape[Number(side[0])] === side[1]) return;
  throw new ShapeError(
    `adapt: "${name}" must fit ${node} of [${weight.shape.join(", ")}], got [${leaf.shape.join(", ")}]. Is it an adapter of another base?`,
  );
}

/** `model` without its adapter. */
export function withoutAdapter<P>(model: P): P {
  return treeOf(flattenTree(model).filter(([name]) => !isAdapterLeaf(name))) as P;
}
