// Adapters as folders of Hugging Face's PEFT: `adapter_config.json` and `adapter_model.safetensors`.
import { filesAt } from "#files";
import { type Adapter, isAdapterLeaf, loraScale } from "../adapt/index.ts";
import { FileError, OptionError } from "../errors.ts";
import { fileIn, type FilesAt, type Folder, jsonObject } from "../files/folder.ts";
import { readSafetensors, safetensorsChunks, type SafetensorsFile } from "../files/safetensors-file.ts";
import { hostArray } from "../graph/dtype.ts";
import { concat, evaluate, flattenTree, full, type Tensor, tensor } from "../tensor/index.ts";
import { checkLeaf } from "./adapter-check.ts";
import { storedTensors } from "./params.ts";

/** What PEFT writes before every name. */
const PREFIX = "base_model.model.";

/** Leaves by the endings they have in files. */
const ENDINGS: readonly (readonly [ending: string, leaf: string])[] = [
  [".lora_A.weight", ".lora_A"],
  [".lora_B.weight", ".lora_B"],
  [".lora_embedding_A", ".lora_embedding_A"],
  [".lora_embedding_B", ".lora_embedding_B"],
  [".lora_magnitude_vector", ".lora_magnitude"],
  [".lora_magnitude_vector.weight", ".lora_magnitude"],
];

/** Starts that change the base; an adapter of one belongs to that other base unless it was converted. */
const MOVING = /^(pissa|olora|corda|lora_ga|loftq)/;

/** Keys that mean another computation where they are on. */
const UNKNOWN = [
  "use_qalora",
  "use_bdlora",
  "lora_bias",
  "fan_in_fan_out",
  "alora_invocation_tokens",
  "trainable_token_indices",
  "target_parameters",
  "layer_replication",
] as const;

/** The fields that are read. */
interface PeftConfig {
  readonly rank: number;
  readonly alpha: number;
  readonly root: boolean;
  readonly dora: boolean;
  readonly ranks: Readonly<Record<string, number>>;
  readonly alphas: Readonly<Record<string, number>>;
}

/**
 * The adapter in a PEFT folder, for the model `base`. @param text Of its adapter_config.json.
 * @throws FileError as `loadAdapter`.
 */
export async function readPeft(folder: Folder, text: string, base: unknown): Promise<Adapter> {
  const config = readConfig(text, `${folder.path}/adapter_config.json`);
  await using file = await readSafetensors(
    await fileIn({ folder, file: "adapter_model.safetensors" }, "adapter"),
  );
  const there = new Map(flattenTree(base).filter(([name]) => !isAdapterLeaf(name)));
  const adapter: Record<string, Tensor> = {};
  for (const stored of file.entries.keys()) {
    const name = leafName(stored, file.path);
    if (name === undefined) continue;
    adapter[name] = await read(file, stored);
    const side = /^(.*)\.lora_(?:embedding_)?A$/.exec(name)?.[1];
    if (side !== undefined)
      adapter[`${side}.lora_scale`] = full([], scaleOf(config, side, adapter[name], file.path));
  }
  for (const [name, leaf] of Object.entries(adapter)) checkLeaf(name, leaf, adapter, there, file.path);
  if (!Object.keys(adapter).some(isAdapterLeaf)) {
    throw new FileError(
      `adapter: ${file.path} must hold LoRA factors, got ${[...file.entries.keys()].slice(0, 3).join(", ") || "nothing"}.`,
    );
  }
  for (const name of Object.keys(adapter)) {
    const node = /^(.*)\.lora_A$/.exec(name)?.[1];
    if (node === undefined || (adapter[`${node}.lora_magnitude`] !== undefined) === config.dora) continue;
    throw new FileError(
      `adapter: ${file.path} must hold a magnitude beside each matrix where use_dora is on, and none elsewhere, got ${config.dora ? "none" : "one"} of ${node}.`,
    );
  }
  return adapter;
}

function readConfig(text: string, path: string): PeftConfig {
  const json = jsonObject(text);
  if (json === undefined)
    throw new FileError(`adapter: ${path} must be a JSON object, got ${JSON.stringify(text.slice(0, 40))}.`);
  const type = json["peft_type"];
  if (typeof type !== "string") {
    throw new FileError(
      `adapter: ${path} must have a peft_type, got ${JSON.stringify(type) ?? "none"}. Is it the folder of an adapter?`,
    );
  }
  if (type.toUpperCase() !== "LORA") {
    throw new FileError(`adapter: peft_type of ${path} must be one of LORA, got "${type}".`);
  }
  for (const key of UNKNOWN) {
    const value = json[key];
    if (
      value === undefined ||
      value === null ||
      value === false ||
      (Array.isArray(value) && value.length === 0)
    )
      continue;
    throw new FileError(
      `adapter: ${path} must leave ${key} off, got ${JSON.stringify(value)}. It means a computation that is not known here.`,
    );
  }
  const bias = json["bias"] ?? "none";
  if (bias !== "none")
    throw new FileError(`adapter: bias of ${path} must be "none", got ${JSON.stringify(bias)}.`);
  const start = json["init_lora_weights"];
  if (typeof start === "string" && MOVING.test(start)) {
    throw new FileError(
      `adapter: ${path} must stand for the model's own base, got init_lora_weights "${start}", which changed it. Save it with path_initial_model_for_weight_conversion.`,
    );
  }
  const number = (key: string, least: number): number => {
    const value = json[key];
    if (typeof value === "number" && Number.isFinite(value) && value > least) return value;
    throw new FileError(
      `adapter: ${key} of ${path} must be a number above ${least}, got ${JSON.stringify(value) ?? "none"}.`,
    );
  };
  const numbers = (key: string): Record<string, number> => {
    const value = json[key] ?? {};
    const fine =
      typeof value === "object" &&
      !Array.isArray(value) &&
      Object.values(value).every((n) => typeof n === "number" && n > 0);
    if (fine) return value as Record<string, number>;
    throw new FileError(
      `adapter: ${key} of ${path} must give numbers above 0 by pattern, got ${JSON.stringify(value)}.`,
    );
  };
  return {
    rank: number("r", 0),
    alpha: number("lora_alpha", 0),
    root: json["use_rslora"] === true,
    dora: json["use_dora"] === true,
    ranks: numbers("rank_pattern"),
    alphas: numbers("alpha_pattern"),
  };
}

/** The value of the first pattern that the end of `name` matches, as PEFT reads patterns: regular expressions. */
function byPattern(patterns: Readonly<Record<string, number>>, name: string, otherwise: number): number {
  for (const [pattern, value] of Object.entries(patterns)) {
    try {
      if (new RegExp(`^(.*\\.)?(${pattern})$`).test(name)) return value;
    } catch {
      if (name.endsWith(pattern)) return value;
    }
  }
  return otherwise;
}

function scaleOf(config: PeftConfig, node: string, a: Tensor, path: string): number {
  const rank = byPattern(config.ranks, node, config.rank);
  if (a.shape[0] !== rank) {
    throw new FileError(
      `adapter: the factors of ${node} in ${path} must be of rank ${rank} by adapter_config.json, got [${a.shape.join(", ")}].`,
    );
  }
  return loraScale({ rank, alpha: byPattern(config.alphas, node, config.alpha), root: config.root });
}

/** Name of a leaf here; nothing for the base's own weights that PEFT stores beside adapted tables. */
function leafName(stored: string, path: string): string | undefined {
  if (!stored.startsWith(PREFIX)) {
    throw new FileError(`adapter: ${path} must name its tensors ${PREFIX}…, got "${stored}".`);
  }
  const name = stored.slice(PREFIX.length);
  if (name.includes(".base_layer.")) return undefined;
  for (const [ending, leaf] of ENDINGS)
    if (name.endsWith(ending)) return name.slice(0, -ending.length) + leaf;
  if (!name.includes("lora_")) return name;
  throw new FileError(`adapter: ${path} holds "${stored}", which belongs to no method that is known here.`);
}

async function read(file: SafetensorsFile, stored: string): Promise<Tensor> {
  const { data, dtype, shape } = await file.read(stored);
  const numbers = dtype === "float32" ? data : hostArray(data as ArrayLike<number>, "float32");
  return tensor(numbers, { shape: [...shape] });
}

/** What a PEFT folder says besides the numbers. */
export interface SaveAdapterOptions {
  /** Name or path of the base, as PEFT looks for it. */
  readonly base?: string;
}

/**
 * Writes an adapter as a PEFT folder. A start that was taken off is exported as the exact difference, of twice the rank:
 * `[lora_A; lora_A0]` and `[lora_B, −lora_B0]` at the same scale.
 * @param model The base, which tells whether all matrices of a name are adapted.
 */
export async function saveAdapter(
  at: FilesAt,
  adapter: Adapter,
  model: unknown,
  { base }: SaveAdapterOptions = {},
): Promise<void> {
  const { folder } = await filesAt("saveAdapter", at, "folder");
  const out: Record<string, Tensor> = {};
  const sizes: (readonly [node: string, rank: number, alpha: number])[] = [];
  const whole: string[] = [];
  const lengths = new Set<string>();
  for (const [name, leaf] of Object.entries(adapter)) {
    if (!isAdapterLeaf(name)) {
      out[PREFIX + name] = leaf;
      whole.push(name.split(".").at(-2) ?? name);
      continue;
    }
    const [, node = "", kind = ""] = /^(.*)\.(lora_\w+)$/.exec(name) ?? [];
    const start = adapter[`${name}0`];
    const scale = adapter[`${node}.lora_scale`];
    if (scale === undefined) throw new OptionError(`saveAdapter: ${node} must have a lora_scale, got none.`);
    if (kind === "lora_A" || kind === "lora_embedding_A") {
      const all = start ? concat([leaf, start], 0) : leaf;
      out[PREFIX + name + (kind === "lora_A" ? ".weight" : "")] = all;
      const rank = Number(all.shape[0]);
      sizes.push([node, rank, tidy((await scale.item()) * rank)]);
    } else if (kind === "lora_B" || kind === "lora_embedding_B") {
      out[PREFIX + name + (kind === "lora_B" ? ".weight" : "")] = start
        ? concat([leaf, start.neg()], 1)
        : leaf;
    } else if (kind === "lora_magnitude") {
      out[`${PREFIX}${node}.lora_magnitude_vector`] = leaf;
      lengths.add(node);
    }
  }
  const without = sizes.find(([node]) => lengths.size > 0 && !lengths.has(node))?.[0];
  if (without !== undefined) {
    throw new OptionError(
      `saveAdapter: all matrices must have magnitudes or none, got none of ${without} beside ${lengths.size} others.`,
    );
  }
  const rank = commonest(sizes.map(([, r]) => r));
  const alpha = commonest(sizes.map(([, , a]) => a));
  const pattern = (usual: number, at: 1 | 2): Record<string, number> =>
    Object.fromEntries(sizes.filter((s) => s[at] !== usual).map((s) => [s[0], s[at]]));
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base ?? null,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    bias: "none",
    fan_in_fan_out: false,
    init_lora_weights: true,
    use_rslora: false,
    use_dora: lengths.size > 0,
    rank_pattern: pattern(rank, 1),
    alpha_pattern: pattern(alpha, 2),
    target_modules: targetModules(
      sizes.map(([node]) => node),
      model,
    ),
    modules_to_save: whole.length > 0 ? [...new Set(whole)] : null,
  };
  await folder.write(
    "adapter_model.safetensors",
    safetensorsChunks(await storedTensors(await evaluate(out)), { format: "pt" }),
  );
  await folder.write("adapter_config.json", `${JSON.stringify(config, null, 2)}\n`);
}

/** A number without the noise of a scale in float32. */
function tidy(x: number): number {
  return Number(x.toPrecision(7));
}

function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

/** Last parts of names where all matrices of that name are adapted, whole names elsewhere. */
function targetModules(nodes: readonly string[], model: unknown): string[] {
  const last = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
  const adapted = new Set(nodes);
  const others = new Set(
    flattenTree(model).flatMap(([name, { rank }]) => {
      const node = name.slice(0, Math.max(0, name.lastIndexOf(".")));
      return name.endsWith(".weight") && rank === 2 && !adapted.has(node) ? [last(node)] : [];
    }),
  );
  return [...new Set(nodes.map((node) => (others.has(last(node)) ? node : last(node))))].sort();
}
