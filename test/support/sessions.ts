// Counting what reaches ONNX Runtime, through its own door.
import { InferenceSession } from "onnxruntime-node";
import { vi } from "vitest";
import { readModel, type ReadModel } from "../reference/onnx.ts";

/** Models opened while `run` runs (those whose bytes are in memory). */
export async function modelsOpened(run: () => Promise<unknown>): Promise<ReadModel[]> {
  const spy = vi.spyOn(InferenceSession, "create");
  try {
    await run();
    return spy.mock.calls.map(([bytes]) => readModel(bytes));
  } finally {
    spy.mockRestore();
  }
}
