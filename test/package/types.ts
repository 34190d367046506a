// The public surface as a TypeScript project sees it: strict, the declarations checked too. Compiled, never run.
import {
  adamw,
  applyUpdates,
  type CausalLMConfig,
  type CausalLMParams,
  chat,
  compile,
  type FilesAt,
  generate,
  loadModel,
  loadParams,
  loadTokenizer,
  saveModel,
  saveParams,
  type StoredModel,
  Tensor,
  tensor,
  type Tokenizer,
  type Transform,
  UserError,
  valueAndGrad,
} from "athanor";
import { attend } from "athanor/attention";
import { parseSafetensors, type StoredTensor } from "athanor/files";
import { openSafetensors } from "athanor/files/node";
import { createDecoder, type Decoder, type HeadParams, initCausalLM, type Mixer } from "athanor/model";
import type { LinearMap, MapParams } from "athanor/nn";
import type { RuleOf } from "athanor/optim";
import { type Position, rope } from "athanor/position";
import { openStore } from "athanor/papers/node";
import type { PaperStore } from "athanor/papers";
import { createPapersServer } from "athanor/server";
import { type Compiled, type HostArray, random } from "athanor/tensor";
import { parseTokenizer } from "athanor/tokenizer/formats";
import type { RunStore, Task } from "athanor/train";
import { startRun } from "athanor/train/node";

/** True exactly if `A` and `B` are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(answer: Same<A, B>): Same<A, B> => answer;

same<typeof loadModel, (at: FilesAt) => Promise<StoredModel>>(true);
same<Awaited<ReturnType<typeof loadTokenizer>>, Tokenizer>(true);
same<Awaited<ReturnType<StoredModel["tokenizer"]>>, Tokenizer>(true);
same<StoredModel["params"], CausalLMParams>(true);
same<StoredModel["config"], CausalLMConfig>(true);
same<ReturnType<typeof tensor>, Tensor>(true);
same<Awaited<ReturnType<Tensor["data"]>>, HostArray>(true);
same<ReturnType<typeof createDecoder>, Decoder>(true);
same<ReturnType<typeof parseSafetensors>["read"], (name: string) => StoredTensor>(true);
same<ReturnType<typeof parseTokenizer>, Tokenizer>(true);
same<Awaited<ReturnType<typeof openStore>>, PaperStore>(true);
same<Parameters<typeof saveParams>[0], FilesAt>(true);
same<Parameters<typeof saveModel>[2], CausalLMParams>(true);

// What a tree is made of survives every transformation.
const params = { w: tensor([1, 2]), deep: [tensor([3])] };
const differentiated = valueAndGrad((p: typeof params) => p.w)(params);
same<typeof differentiated, { value: Tensor; grad: typeof params }>(true);
const rule: Transform<typeof params, object> = adamw<typeof params>(() => tensor(1e-3));
const step = compile((p: typeof params, x: Tensor) => ({ p, y: x.mul(p.w) }));
same<typeof step, Compiled<[typeof params, Tensor], { p: typeof params; y: Tensor }>>(true);
same<Awaited<ReturnType<typeof loadParams<typeof params>>>, typeof params>(true);
same<ReturnType<typeof applyUpdates<typeof params>>, typeof params>(true);

export async function uses(model: StoredModel): Promise<string> {
  let text = "";
  for await (const piece of generate(model, "x", { maxTokens: 2, weightBits: 8 })) text += piece.text;
  for await (const piece of chat(model, [{ role: "user", content: "x" }])) text += piece.text;
  const position: Position = rope();
  const q = tensor([1]);
  const o: Tensor = attend(q, q, q, { position, queryPositions: q, keyPositions: q });
  const file = await openSafetensors("x");
  initCausalLM(model.config, random.key(1));
  if (o instanceof Tensor && rule !== undefined && file !== undefined) throw new UserError("x");
  return text;
}
export { createPapersServer, startRun };

// The contracts can be met from outside: a mixer, a linear map, an update rule, a task, a store of runs.
export const mixer: Mixer<{ readonly type: "mean"; readonly reach?: number }, Pick<HeadParams, "v_proj">> = {
  type: "mean",
  needs: { reach: { is: "whole", least: 1, optional: true } },
  usualPosition: "none",
  parameters: (_, { width }) => ({ v_proj: { out: width, from: width } }),
  cache: (_, { width }) => ({ sum: ["B", width] }),
  mix: (_, layer, { v_proj }, x) => ({ y: layer.maps.apply(v_proj, x), cache: { sum: x } }),
};
export const map: LinearMap<{ readonly type: "half" }, MapParams> = {
  type: "half",
  leaf: "half",
  parameters: (_, out, from, std) => ({ half: { shape: [out, from], init: { std } } }),
  apply: (_, x) => x.mul(0.5),
  toDense: ({ half }) => half ?? tensor([0]),
};
export const plain: RuleOf<{ readonly type: "plain"; readonly share: number }> = {
  type: "plain",
  about: "a step against the gradient",
  rate: 0.1,
  needs: { share: { about: "of the step", low: 0, high: 1, usual: 1 } },
  make: (rate) => adamw(rate),
};
interface Weights {
  readonly w: Tensor;
}
export const task: Task<Weights, Tensor> = {
  kind: "toy",
  unit: { name: "numbers", perStep: 1 },
  init: () => ({ w: tensor([1, 2]) }),
  batch: (at) => tensor([at]),
  losses: { loss: (p, x) => ({ loss: p.w.sub(x) }) },
};
export const nowhere = (store: RunStore): RunStore => ({ ...store, metric: async () => undefined });

// @ts-expect-error A number is no place.
void loadModel(3);
// @ts-expect-error Options are known by name.
void generate({} as StoredModel, "x", { maxToken: 3 });
// @ts-expect-error What a room keeps to itself has no address.
void import("athanor/graph/build");
// @ts-expect-error Nor has the room.
void import("athanor/draw");
