// Models from files, wherever those are: Hugging Face folders (one or several safetensors files), GGUF and llama2.c files.
import { filesAt } from "#files";
import { FileError, nearest } from "../errors.ts";
import { fileIn, type FilesAt, type Folder, jsonObject, readWhole } from "../files/folder.ts";
import { isGguf } from "../files/gguf.ts";
import type { StoredTensor } from "../files/safetensors.ts";
import { readSafetensors, type SafetensorsFile } from "../files/safetensors-file.ts";
import { type Tensor, tensor } from "../tensor/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import { readBeside } from "./beside.ts";
import type { ChatTemplate } from "./chat.ts";
import type { CausalLMConfig } from "./config.ts";
import { refuseForeignFile, weightsThatCount } from "./foreign.ts";
import { loadGguf, type Widened } from "./gguf.ts";
import { parametersOf, parameterTree } from "./parameters.ts";
import type { Family } from "./family.ts";
import { fromHuggingFace, type ModelTokens } from "./hugging-face.ts";
import { readLlama2c } from "./llama2c.ts";
import type { SamplingOptions } from "./sampling.ts";
import { storedAt, unpack, type WeightDtype } from "./weights.ts";
import { readTokenizer } from "../tokenizer/load-save.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** A model as found in files. */
export interface StoredModel {
  readonly config: CausalLMConfig;
  readonly params: CausalLMParams;
  readonly tokens: ModelTokens;
  /** `model_type` of its configuration; absent for files that have none. */
  readonly family?: string;
  /** What most of its weights were stored in; here they are float32. */
  readonly dtype: WeightDtype;
  /** Where its tokenizer lies, if it carries one. */
  readonly tokenizerPath: string | undefined;
  /** Whether all it carries is a tokenizer in a form that is not read. */
  readonly foreignTokenizer?: boolean;
  /** Reads its tokenizer, at the first call. @throws FileError if it carries none. */
  readonly tokenizer: () => Promise<Tokenizer>;
  readonly chat: ChatTemplate | undefined;
  /** Whether texts begin with `tokens.bos`; `undefined` where the tokenizer says what it puts before a text. */
  readonly addBos: boolean | undefined;
  /** How its authors have it draw tokens. */
  readonly drawing?: SamplingOptions;
  /** Texts of the small files that it came with, by name. */
  readonly beside?: ReadonlyMap<string, string>;
  /** What a person should know of the folder, in sentences. */
  readonly notices?: readonly string[];
  /** Tensors of a GGUF file that take more memory here, for want of a kernel for their quantisation. */
  readonly widened?: readonly Widened[];
}

/** Vocabularies in forms that only other programs read. */
const FOREIGN = [
  "vocab.json",
  "merges.txt",
  "vocab.txt",
  "spiece.model",
  "sentencepiece.bpe.model",
  "qwen.tiktoken",
];

/** Tensors that files carry and no model needs. */
const HARMLESS = [/rotary_emb\.inv_freq$/, /\.attn\.(?:masked_)?bias$/];

/**
 * Loads a Hugging Face folder, a GGUF file or a llama2.c `.bin` file. Half-precision weights become float32 one tensor at a time.
 * @param at A path (Node), an address, a handle of the page's storage, or files: see `FilesAt`.
 * @throws FileError for missing, extra or misshapen tensors, naming them; OptionError for unsupported families.
 * @example
 * const { config, params } = await loadModel("models/SmolLM-135M"); // in Node
 * const { config, params } = await loadModel("/models/stories15M.bin"); // in a page, from its own server
 */
export async function loadModel(at: FilesAt): Promise<StoredModel> {
  const found = await filesAt("model", at);
  return found.file === undefined ? loadFolder(found.folder) : loadFile(found.folder, found.file);
}

async function loadFile(folder: Folder, name: string): Promise<StoredModel> {
  const file = await fileIn({ folder, file: name }, "model");
  if (isGguf(await refuseForeignFile(file))) {
    return { ...(await loadGguf(file)), tokenizerPath: file.path };
  }
  const { config, params } = readLlama2c(await readWhole(file), file.path);
  const beside = await firstFile(folder, ["tokenizer.bin", "tok512.bin", `tok${config.vocabulary}.bin`]);
  // llama2.c: token 1 begins a text, and 1 or 2 ends it.
  return {
    config,
    params,
    dtype: "float32",
    tokens: { bos: 1, eos: [1, 2] },
    ...tokenizerOf(folder, beside),
    chat: undefined,
    addBos: true,
  };
}

async function loadFolder(folder: Folder): Promise<StoredModel> {
  const notice = await weightsThatCount(folder);
  const json = await readJson(folder, "config.json");
  const { config, tokens, family } = fromHuggingFace(json.value, json.path);
  const { params, dtype } = await loadParameters(folder, config, family);
  const { texts, chat, addBos, eos, drawing } = await readBeside(folder);
  return {
    config,
    params,
    family: family.type,
    dtype,
    tokens: { ...tokens, ...(eos && { eos }) },
    ...tokenizerOf(
      folder,
      await firstFile(folder, ["tokenizer.json", "tokenizer.model", "tokenizer.bin"]),
      await firstFile(folder, FOREIGN),
    ),
    chat,
    addBos,
    drawing,
    beside: texts,
    ...(notice !== undefined && { notices: [notice] }),
  };
}

/** The first of `names` that `folder` holds. */
async function firstFile(folder: Folder, names: readonly string[]): Promise<NamedFile | undefined> {
  for (const name of names) {
    const path = await folder.find(name);
    if (path !== undefined) return { name, path };
  }
  return undefined;
}

interface NamedFile {
  readonly name: string;
  readonly path: string;
}

function tokenizerOf(
  folder: Folder,
  file: NamedFile | undefined,
  foreign?: NamedFile,
): Pick<StoredModel, "foreignTokenizer" | "tokenizer" | "tokenizerPath"> {
  let read: Promise<Tokenizer> | undefined;
  return {
    tokenizerPath: file?.path,
    foreignTokenizer: file === undefined && foreign !== undefined,
    async tokenizer() {
      if (file === undefined) {
        throw new FileError(
          foreign === undefined
            ? `model: ${folder.path} must carry a tokenizer, got none. Give one of its own.`
            : `model: ${folder.path} must carry tokenizer.json or tokenizer.model, got ${foreign.name} of an older form. Write tokenizer.json with transformers: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER).`,
        );
      }
      return (read ??= readTokenizer({ folder, file: file.name }));
    },
  };
}

async function readJson(
  folder: Folder,
  name: string,
): Promise<{ path: string; value: Record<string, unknown> }> {
  const file = await folder.open(name);
  if (file === undefined)
    throw new FileError(`model: ${folder.path} must hold ${name}, got nothing of that name.`);
  const text = new TextDecoder().decode(await readWhole(file));
  const value = jsonObject(text);
  if (value !== undefined) return { path: file.path, value };
  throw new FileError(`model: ${file.path} must be a JSON object, got ${JSON.stringify(text.slice(0, 40))}.`);
}

/** Opens the weights of a folder: `model.safetensors`, or the files that its index lists. */
async function openWeights(folder: Folder): Promise<SafetensorsFile[]> {
  const whole = await folder.find("model.safetensors");
  const index =
    whole === undefined && (await folder.find("model.safetensors.index.json"))
      ? await readJson(folder, "model.safetensors.index.json")
      : undefined;
  const names = index
    ? new Set(Object.values((index.value["weight_map"] ?? {}) as Record<string, string>))
    : ["model.safetensors"];
  const files: SafetensorsFile[] = [];
  for (const name of names) {
    if (/[\\/]/.test(name) || name === "..")
      throw new FileError(`model: ${index?.path} must name files beside it, got "${name}".`);
    const file = await fileIn({ folder, file: name }, "model");
    await refuseForeignFile(file);
    files.push(await readSafetensors(file));
  }
  return files;
}

/** The weights of a folder, and the type that most of their numbers are stored in. */
async function loadParameters(
  folder: Folder,
  config: CausalLMConfig,
  family: Family,
): Promise<{ params: CausalLMParams; dtype: WeightDtype }> {
  const files = await openWeights(folder);
  try {
    // By their usual names: the file, and the name there.
    const where = new Map<string, readonly [file: SafetensorsFile, there: string]>();
    for (const file of files) {
      for (const there of file.entries.keys()) {
        const name = family.rename ? family.rename(there, config) : there;
        if (name !== undefined) where.set(name, [file, there]);
      }
    }
    const expected = [...parametersOf(config)].map(
      ([name, parameter]) => [name, parameter, storedAt(family, name, config)] as const,
    );
    const names = new Set(expected.map(([, , at]) => at.name));
    for (const name of where.keys()) {
      const tied = name === "lm_head.weight" && config.tieEmbeddings;
      if (names.has(name) || tied || HARMLESS.some((h) => h.test(name))) continue;
      throw new FileError(
        `model: ${folder.path} holds "${name}", which no ${config.layers}-layer model has. ${hint(name, names)}`,
      );
    }
    const loaded = new Map<string, Tensor>();
    const sizes = new Map<string, number>();
    let last: { readonly name: string; readonly stored: StoredTensor } | undefined; // parts of one follow each other
    for (const [name, { shape, dtype = "float32" }, at] of expected) {
      const found = where.get(at.name);
      if (found === undefined) {
        throw new FileError(
          `model: ${folder.path} lacks "${at.name}" (${where.size} tensors found). ${hint(at.name, where.keys())}`,
        );
      }
      const [file, there] = found;
      const stored = last?.name === at.name ? last.stored : await file.read(there);
      last = { name: at.name, stored };
      const kind = file.entries.get(there)?.stored ?? "";
      sizes.set(kind, (sizes.get(kind) ?? 0) + stored.data.length);
      const data = unpack(at, name, { shape, dtype }, stored, file.path);
      loaded.set(name, tensor(data, { shape: [...shape], lend: true }));
    }
    const most = [...sizes].reduce((a, b) => (b[1] > a[1] ? b : a), ["F32", 0] as const)[0];
    return {
      params: parameterTree(config, (name) => loaded.get(name)) as CausalLMParams,
      dtype: most === "F16" ? "float16" : most === "BF16" ? "bfloat16" : "float32",
    };
  } finally {
    for (const file of files) await file.close();
  }
}

function hint(name: string, known: Iterable<string>): string {
  const near = nearest(name, known, 1)[0];
  return near ? `Nearest: "${near}".` : "Is config.json that of these weights?";
}
