export {
  type BlockParams,
  causalLM,
  type CausalLMOutput,
  type CausalLMParams,
  initCausalLM,
  type LayerCache,
} from "./causal-lm.ts";
export {
  type CausalLMConfig,
  causalLMConfig,
  checkConfig,
  parameterCount,
  type PositionConfig,
  positionOf,
} from "./config.ts";
