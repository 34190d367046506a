// `loadModel` of the package: a model from files (`model/load.ts`), or what a run has reached, from its folder.
import { filesAt } from "#files";
import { FileError } from "./errors.ts";
import { fileIn, type FilesAt, type Folder, textIn } from "./files/folder.ts";
import { readSafetensors } from "./files/safetensors-file.ts";
import {
  type CausalLMConfig,
  type CausalLMParams,
  checkConfig,
  loadModel as loadStored,
  parameterTree,
  type StoredModel,
} from "./model/index.ts";
import { zeros } from "./tensor/index.ts";
import { loadTokenizer, specialId } from "./tokenizer/index.ts";
import { checkpointName, newestGood, readCheckpoint } from "./train/checkpoint.ts";
import { trainSettings, type TrainSettings } from "./train/index.ts";

/**
 * Loads a Hugging Face folder, a llama2.c `.bin` file, or the newest good checkpoint of a run's folder.
 * @param at A path (Node), an address, a handle of the page's storage, or files: see `FilesAt`. A run needs a path or an
 * address, for its checkpoints stand in a folder of their own.
 * @throws FileError for missing, extra or misshapen tensors, naming them, and for a run without a good checkpoint;
 * OptionError for unsupported families.
 * @example
 * const model = await loadModel("runs/demo");
 * for await (const { text } of generate(model, "The")) process.stdout.write(text);
 */
export async function loadModel(at: FilesAt): Promise<StoredModel> {
  if (typeof at !== "string" && !(at instanceof URL)) return loadStored(at);
  const { folder, file } = await filesAt("model", at);
  const config = file === undefined ? runConfig(await textIn(folder, "config.json")) : undefined;
  return config === undefined ? loadStored(at) : fromRun(folder, config);
}

interface RunModel {
  readonly model: CausalLMConfig;
  readonly training: TrainSettings;
}

/** What the config.json of a language model's run says; nothing for other files. */
function runConfig(text: string | undefined): RunModel | undefined {
  if (!text?.includes('"athanor"')) return undefined;
  try {
    const { model, training, task = "text" } = JSON.parse(text) as Partial<RunModel> & { task?: string };
    if (!model || !training || task !== "text") return undefined;
    return { model, training: trainSettings(training) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // said by who reads it next
    throw error;
  }
}

async function fromRun(folder: Folder, { model: config, training }: RunModel): Promise<StoredModel> {
  checkConfig(config);
  const template = {
    params: parameterTree(config, (_, { shape }) => zeros(shape)) as CausalLMParams,
    optimizer: {},
  };
  const names = await checkpointsOf(folder, training);
  const newest = await newestGood(names, async (name) => {
    await using file = await readSafetensors(await fileIn({ folder, file: name }, "model"));
    return await readCheckpoint(file, template, file.path);
  });
  const tokenizerPath = await tokenizerOf(folder);
  if (newest === undefined || tokenizerPath === undefined) {
    const what = newest === undefined ? "a checkpoint" : "a tokenizer";
    throw new FileError(
      `model: ${folder.path} is a run and must hold ${what}, got none. Train on with --resume.`,
    );
  }
  const tokenizer = await loadTokenizer(tokenizerPath);
  const eos = tokenizer.model && specialId(tokenizer.model, "eos");
  return {
    config,
    params: newest.state.params,
    tokens: { bos: undefined, eos: eos === undefined ? [] : [eos] },
    dtype: "float32",
    tokenizerPath,
    tokenizer: async () => tokenizer,
    chat: undefined,
    addBos: false,
  };
}

/**
 * Names of the checkpoints that a run keeps, oldest first. An address has no listing: they are looked for from the last
 * step of the metrics back as far as the settings keep any.
 */
async function checkpointsOf(
  folder: Folder,
  { steps, checkpointEvery, keep }: TrainSettings,
): Promise<string[]> {
  const lines = (await textIn(folder, "metrics.jsonl"))?.trim().split("\n") ?? [];
  const last = Math.max(...lines.map((line) => Number(/"step":(\d+)/.exec(line)?.[1] ?? 0)), 0) || steps;
  const found: string[] = [];
  for (let step = last; step >= 0 && step >= last - (keep + 1) * checkpointEvery; step--) {
    const name = `checkpoints/${checkpointName(step)}`;
    if (found.length < keep && (await folder.find(name)) !== undefined) found.unshift(name);
  }
  return found;
}

async function tokenizerOf(folder: Folder): Promise<string | undefined> {
  for (const name of ["tokenizer.bin", "tokenizer.model", "tokenizer.json"]) {
    const path = await folder.find(name);
    if (path !== undefined) return path;
  }
  return undefined;
}
