export { barChart, type BarChart } from "./bar-chart.ts";
export { copyTask, type CopyTaskOptions, type CopyTaskRow } from "./copy-task.ts";
export {
  copyTrained,
  type CopyTrainedOptions,
  type CopyTrainedRow,
  type TrainedMethod,
} from "./copy-trained.ts";
export type { Findings, Lab, Verdict } from "./lab.ts";
export { ropeBase, type RopeBaseOptions, type RopeBaseRow } from "./rope-base.ts";
