// The common path: from text to a trained or loaded model, and back to text. Everything here runs in Node and in a page;
// the rooms behind it are `athanor/tensor`, `athanor/nn`, `athanor/model` and so on.
export {
  BackendError,
  DtypeError,
  FileError,
  GraphError,
  OptionError,
  ShapeError,
  UserError,
} from "./errors.ts";
export type { DirectoryHandle, FileHandle, FilesAt } from "./files/folder.ts";
export { loadModel } from "./load.ts";
export {
  causalLM,
  type CausalLMConfig,
  causalLMConfig,
  type CausalLMParams,
  type ChatMessage,
  initCausalLM,
  loadParams,
  saveModel,
  saveParams,
  type StoredModel,
} from "./model/index.ts";
export { crossEntropy } from "./nn/index.ts";
export { adamw, applyUpdates, type Transform, warmupCosine } from "./optim/index.ts";
export {
  compile,
  type Device,
  type Dtype,
  evaluate,
  grad,
  random,
  Tensor,
  tensor,
  valueAndGrad,
} from "./tensor/index.ts";
export { chat, generate, type Text, type TextModel, type TextOptions } from "./text.ts";
export { byteTokenizer, loadTokenizer, saveTokenizer, type Tokenizer } from "./tokenizer/index.ts";
export {
  memoryStore,
  pageStore,
  type RunStore,
  type Task,
  textTask,
  trainRun,
  type TrainSettings,
  trainSettings,
} from "./train/index.ts";
