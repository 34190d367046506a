export { barChart, type BarChart } from "../draw/bar-chart.ts";
export { codebookSize, type CodebookSizeOptions, type CodebookSizeRow } from "./codebook-size.ts";
export { copyTask, type CopyTaskOptions, type CopyTaskRow } from "./copy-task.ts";
export {
  copyTrained,
  type CopyTrainedOptions,
  type CopyTrainedRow,
  type TrainedMethod,
} from "./copy-trained.ts";
export {
  latentAttention,
  type LatentAttentionOptions,
  type LatentAttentionRow,
} from "./latent-attention.ts";
export type { Findings, Lab, Verdict } from "./lab.ts";
export { ropeBase, type RopeBaseOptions, type RopeBaseRow } from "./rope-base.ts";
export { textLength, type TextLengthOptions, type TextLengthRow } from "./text-length.ts";
