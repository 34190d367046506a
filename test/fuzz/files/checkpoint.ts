// A small checkpoint, and how it is read back: its checksums guard every bit.
import { parseSafetensors, planSafetensors, tensorBytes } from "../../../src/files/safetensors.ts";
import { flattenTree, tensor } from "../../../src/tensor/index.ts";
import { checkpointMetadata, readCheckpoint, stateTensors } from "../../../src/train/checkpoint.ts";
import type { TrainState } from "../../../src/train/step.ts";

const STATE: TrainState<object> = {
  params: { w: tensor([1, -2, 3, 0.5, 0, 7], { shape: [2, 3] }), b: tensor([1e-3, -0]) },
  optimizer: {
    lion: { m: { w: tensor([0, 1, 2, 3, 4, 5], { shape: [2, 3] }) } },
    step: tensor(7, { dtype: "int32" }),
  },
};

async function file(): Promise<Uint8Array> {
  const data = new Map(
    await Promise.all(stateTensors(STATE).map(async ([name, t]) => [name, await t.data()] as const)),
  );
  const specs = new Map(
    stateTensors(STATE).map(([name, t]) => [name, { dtype: t.dtype, shape: t.shape as readonly number[] }]),
  );
  const info = { step: 7, seconds: 1.5, sequences: 28, key: [1, 2] as const };
  const plan = planSafetensors(specs, await checkpointMetadata(STATE, info));
  const bodies = plan.order.map((name) => {
    const [spec, values] = [specs.get(name), data.get(name)];
    return spec && values ? tensorBytes(name, spec, values) : new Uint8Array(0);
  });
  return Uint8Array.from([plan.head, ...bodies].flatMap((part) => [...part]));
}

export const CHECKPOINT: Uint8Array = await file();

export async function readBack(bytes: Uint8Array): Promise<unknown> {
  const { state, info } = await readCheckpoint(parseSafetensors(bytes, "file"), STATE, "file");
  const tensors = [...flattenTree(state.params), ...flattenTree(state.optimizer)];
  return { info, tensors: await Promise.all(tensors.map(async ([name, t]) => [name, await t.data()])) };
}
