export { type AttentionConfig, parseAttention } from "./attention-config.ts";
export {
  type BlockParams,
  causalLM,
  type CausalLMOutput,
  type CausalLMParams,
  initCausalLM,
  type Seen,
  type Seen as SeenKeys,
} from "./causal-lm.ts";
export { applyChatTemplate, type ChatMessage, type ChatTemplate } from "./chat.ts";
export {
  classifier,
  type ClassifierParams,
  classifierParametersOf,
  classifierTree,
  initClassifier,
  type Sequences,
} from "./classifier.ts";
export {
  checkClassifier,
  type ClassifierConfig,
  classifierConfig,
  type ClassifierInput,
  type Pooling,
} from "./classifier-config.ts";
export { learn, trainedBy } from "./learn.ts";
export { causalLMConfig, checkConfig } from "./check-config.ts";
export type { CausalLMConfig, PositionConfig } from "./config.ts";
export {
  type AdaptedDecoders,
  adaptedDecoders,
  createDecoder,
  type Decoder,
  type DecoderOptions,
  type Decoders,
  type DecodeState,
  lendingDecoder,
} from "./decode.ts";
export { generate, type GeneratedPiece, type GenerateOptions } from "./generate.ts";
export type { ModelTokens } from "./hugging-face.ts";
export { loadModel, type StoredModel } from "./load.ts";
export { type AdapterSwitch, adapterSwitch, type Worn } from "./adapter-switch.ts";
export { loadAdapter } from "./adapter-folder.ts";
export { saveMlxAdapter } from "./mlx.ts";
export { saveAdapter, type SaveAdapterOptions } from "./peft.ts";
export { loadParams, saveParams } from "./params.ts";
export { saveModel } from "./save.ts";
export { frozenInBits, frozenLeaves, thawed } from "./frozen.ts";
export { contextLoss, type ContextLoss } from "./context-loss.ts";
export { parameterCount, parametersOf, parameterTree } from "./parameters.ts";
export type { CacheShape } from "./cache.ts";
export type { Field, FieldsOf } from "./fields.ts";
export type { HeadParams } from "./heads.ts";
export type { MapConfig } from "./linear.ts";
export type { MapRule } from "./map-rules.ts";
export type { DenseConfig } from "./mixers/dense.ts";
export type { LinearConfig } from "./mixers/linear.ts";
export type { MlaConfig } from "./mixers/mla.ts";
export type { PerformerConfig } from "./mixers/performer.ts";
export type { TransformerVqConfig } from "./mixers/transformer-vq.ts";
export type { WindowConfig } from "./mixers/window.ts";
export type { Bias, Layer, Matrix, Mixed, Mixer, Places, State } from "./mixer.ts";
export { type Sampler, sampler } from "./sampler.ts";
export { type StepProgram, stepProgram } from "./step-program.ts";
export { sampleToken, type SamplingOptions } from "./sampling.ts";
