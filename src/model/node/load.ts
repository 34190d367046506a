// Models from disk: Hugging Face folders (one or several safetensors files) and llama2.c files.
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError, nearest } from "../../errors.ts";
import { openSafetensors, type SafetensorsFile } from "../../files/node/safetensors.ts";
import { hostArray } from "../../graph/dtype.ts";
import { type Tensor, tensor } from "../../tensor/index.ts";
import type { CausalLMParams } from "../causal-lm.ts";
import { type ChatTemplate, readChatTemplate } from "../chat.ts";
import type { CausalLMConfig } from "../config.ts";
import { parameterShapes, parameterTree } from "../parameters.ts";
import { fromHuggingFace, type ModelTokens, type ReadConfig } from "../hugging-face.ts";
import { readLlama2c } from "../llama2c.ts";

/** A model as found on disk. */
export interface StoredModel {
  readonly config: CausalLMConfig;
  readonly params: CausalLMParams;
  readonly tokens: ModelTokens;
  /** Where its tokenizer lies, if it carries one. */
  readonly tokenizerPath: string | undefined;
  readonly chat: ChatTemplate | undefined;
  /** Texts begin with `tokens.bos` unless they say so themselves. */
  readonly addBos: boolean;
}

/** Tensors that files carry and no model needs. */
const HARMLESS = [/rotary_emb\.inv_freq$/, /\.attn\.(?:masked_)?bias$/];

/**
 * Loads a Hugging Face folder or a llama2.c `.bin` file. Half-precision weights become float32 one tensor at a time.
 * @throws FileError for missing, extra or misshapen tensors, naming them; OptionError for unsupported families.
 */
export async function loadModel(path: string): Promise<StoredModel> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw new FileError(`model: ${path} must exist, got nothing there.`);
  return info.isDirectory() ? loadFolder(path) : loadBin(path);
}

async function loadBin(path: string): Promise<StoredModel> {
  const bytes = await readFile(path);
  const { config, params } = readLlama2c(bytes, path);
  const beside = await firstFile(dirname(path), [
    "tokenizer.bin",
    "tok512.bin",
    `tok${config.vocabulary}.bin`,
  ]);
  // llama2.c: token 1 begins a text, and 1 or 2 ends it.
  return {
    config,
    params,
    tokens: { bos: 1, eos: [1, 2] },
    tokenizerPath: beside,
    chat: undefined,
    addBos: true,
  };
}

async function loadFolder(folder: string): Promise<StoredModel> {
  const configPath = join(folder, "config.json");
  const { config, tokens, rename } = fromHuggingFace(await readJson(configPath), configPath);
  const params = await loadParameters(folder, config, rename);
  const generation = await readJson(join(folder, "generation_config.json")).catch(() => ({}));
  const advice = await readJson(join(folder, "tokenizer_config.json")).catch(
    (): Record<string, unknown> => ({}),
  );
  return {
    config,
    params,
    tokens: { ...tokens, ...eosOf(generation) },
    tokenizerPath: await firstFile(folder, ["tokenizer.json", "tokenizer.bin"]),
    chat: readChatTemplate(
      advice,
      await readFile(join(folder, "chat_template.jinja"), "utf8").catch(() => undefined),
    ),
    addBos: advice["add_bos_token"] === true,
  };
}

function eosOf(generation: Record<string, unknown>): { eos?: number[] } {
  const eos = generation["eos_token_id"];
  const list = (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === "number");
  return list.length > 0 ? { eos: list } : {};
}

async function firstFile(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const path = join(folder, name);
    if (await stat(path).catch(() => undefined)) return path;
  }
  return undefined;
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`model: ${path} must be readable, got ${error.code ?? error.message}.`);
  });
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new FileError(`model: ${path} must be JSON, got ${JSON.stringify(text.slice(0, 40))}.`);
  }
}

/** Opens the weights of a folder: `model.safetensors`, or the files that its index lists. */
async function openWeights(folder: string): Promise<SafetensorsFile[]> {
  const indexPath = join(folder, "model.safetensors.index.json");
  const index = await stat(indexPath).then(
    () => readJson(indexPath),
    () => undefined,
  );
  if (index === undefined) return [await openSafetensors(join(folder, "model.safetensors"))];
  const names = new Set(Object.values((index["weight_map"] ?? {}) as Record<string, string>));
  const files: SafetensorsFile[] = [];
  for (const name of names) {
    if (name !== basename(name))
      throw new FileError(`model: ${indexPath} must name files beside it, got "${name}".`);
    files.push(await openSafetensors(join(folder, name)));
  }
  return files;
}

async function loadParameters(
  folder: string,
  config: CausalLMConfig,
  rename: ReadConfig["rename"],
): Promise<CausalLMParams> {
  const files = await openWeights(folder);
  try {
    // By their names here: the file, and the name there.
    const where = new Map<string, readonly [file: SafetensorsFile, stored: string]>();
    for (const file of files) {
      for (const stored of file.entries.keys()) {
        const name = rename(stored);
        if (name !== undefined) where.set(name, [file, stored]);
      }
    }
    const expected = parameterShapes(config);
    for (const name of where.keys()) {
      const tied = name === "lm_head.weight" && config.tieEmbeddings;
      if (expected.has(name) || tied || HARMLESS.some((h) => h.test(name))) continue;
      throw new FileError(
        `model: ${folder} holds "${name}", which no ${config.layers}-layer model has. ${hint(name, expected.keys())}`,
      );
    }
    const loaded = new Map<string, Tensor>();
    for (const [name, shape] of expected) {
      const found = where.get(name);
      if (found === undefined) {
        throw new FileError(
          `model: ${folder} lacks "${name}" (${where.size} tensors found). ${hint(name, where.keys())}`,
        );
      }
      const [file, there] = found;
      const stored = await file.read(there);
      if (stored.shape.join() !== shape.join()) {
        throw new FileError(
          `model: "${name}" must be [${shape.join(", ")}] by config.json, got [${stored.shape.join(", ")}] in ${file.path}.`,
        );
      }
      const data =
        stored.dtype === "float32" ? stored.data : hostArray(stored.data as ArrayLike<number>, "float32");
      loaded.set(name, tensor(data, { shape: [...shape] }));
    }
    return parameterTree(config, (name) => loaded.get(name)) as CausalLMParams;
  } finally {
    for (const file of files) await file.close();
  }
}

function hint(name: string, known: Iterable<string>): string {
  const near = nearest(name, known, 1)[0];
  return near ? `Nearest: "${near}".` : "Is config.json that of these weights?";
}
