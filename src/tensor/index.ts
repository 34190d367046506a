export type { Dim, Shape } from "../graph/dim.ts";
export { addDims, divideDims, mulDims, subDims } from "../graph/dim.ts";
export type { Dtype, HostArray } from "../graph/dtype.ts";
export type { Device, ModelFile } from "../runtime/device.ts";
export { setDevice } from "../runtime/choose-device.ts";
export { fromBfloat16, toBfloat16 } from "./bfloat16.ts";
export { compile, type Compiled, type CompileOptions, evaluate } from "./compile.ts";
export { associativeScan, checkpoint, scan } from "./control.ts";
export * from "./elementwise.ts";
export { exportOnnx, type ExportOptions } from "./export.ts";
export {
  conv2d,
  type Conv2dOptions,
  convTranspose2d,
  type ConvTranspose2dOptions,
} from "./convolution.ts";
export { type Complex, fft, ifft, irfft, rfft } from "./fft.ts";
export {
  addAlongAxis,
  at,
  gather,
  type IndexOptions,
  oneHot,
  scatterAdd,
  sort,
  takeAlongAxis,
  topK,
} from "./indexing.ts";
export { eigh, qr, randomizedSvd, type RandomizedSvdOptions, solve, svd, type Svd } from "./linalg.ts";
export * from "./movement.ts";
export { fused } from "./fused.ts";
export { averagePool2d, maxPool2d, type PoolOptions, upsample2d, type UpsampleOptions } from "./pooling.ts";
export type { PerAxis, WindowOptions } from "./windows.ts";
export { layerNorm, logSoftmax, rmsNorm, softmax } from "./normalise.ts";
export { conv1d, type Conv1dOptions, einsum, matmul, type MatmulOptions, rearrange } from "./product.ts";
export * from "./reduce.ts";
export {
  byteLength,
  full,
  iota,
  type Nested,
  ones,
  type Operand,
  Tensor,
  tensor,
  type TensorOptions,
  zeros,
} from "./tensor.ts";
export {
  customGradient,
  grad,
  jacobian,
  jvp,
  type Loss,
  onesLike,
  stopGradient,
  straightThrough,
  valueAndGrad,
  vjp,
} from "./transform.ts";
export { flattenTree, leaves, type Mapped, mapTree, type Tree, unflattenTree, zipTrees } from "./tree.ts";
export * as random from "./random.ts";
export { checkShapes } from "./check.ts";
export { cond, select } from "./cond.ts";
export { smallEigh } from "./small-eigen.ts";
export { vmap } from "./vmap.ts";
