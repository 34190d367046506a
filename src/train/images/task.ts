// Any image method as a task: pictures in, figures and a sheet of pictures out.
import { initial, type Parameter, treeOf } from "../../nn/index.ts";
import {
  compile,
  type Device,
  flattenTree,
  mapTree,
  random,
  type Tensor,
  tensor,
  zeros,
} from "../../tensor/index.ts";
import type { TrainSettings } from "../settings.ts";
import type { Found, Numbers, Task } from "../task.ts";
import type { Augmentation } from "./augment.ts";
import { type ImageConfig, imageMethod } from "./config.ts";
import { frechetOf, type Scorer } from "./frechet.ts";
import { batchOf, pictureOrder, type SplitImages, spread } from "./images.ts";
import type { ImageBatch } from "./method.ts";
import { imageSheet } from "./sheet.ts";

/** What an image method is trained on. */
export interface ImageTaskOptions {
  readonly config: ImageConfig;
  readonly images: SplitImages;
  readonly settings: TrainSettings;
  readonly augmentation?: Augmentation;
  /** Parameters of the method that `config.base` configures. */
  readonly base?: unknown;
  /** By whose features the last validation judges what the method draws: figure `frechet`. */
  readonly scorer?: Scorer;
  readonly device?: Device;
  readonly threads?: number;
}

/** The training of an image method, ready for `trainRun`. */
export type ImageTask = Task<unknown, ImageBatch>;

/** Pictures that a validation on the way looks at; the last one looks at all. */
const ON_THE_WAY = 1024;
/** Pictures of one program of a validation. */
const AT_ONCE = 128;

/**
 * The training of `config` on `images`: `reconstructionMse`, `usage` … come from pictures that are not trained on.
 * @throws OptionError for pictures that the method can learn nothing from.
 */
export function imageTask(options: ImageTaskOptions): ImageTask {
  const { config, images, settings, augmentation, base, scorer, device, threads } = options;
  const on = { ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) };
  const method = imageMethod(config.type);
  const { space } = images.train;
  method.check?.(config, space);
  const parameters = method.parameters(config, space);
  const places = pictureOrder(images.train.count, { count: settings.batch, seed: settings.seed });
  const key = (name: string, at: number): random.Key =>
    random.fold(random.fold(random.key(settings.seed), name), at);
  const measure = compile(
    (params: unknown, batch: ImageBatch) => method.measure(config, space, params, batch),
    on,
  );
  const sheet = imageSheet({ config, images: images.validation, seed: settings.seed, ...on });
  const sampler = scorer && method.sampler?.(config, space, on);
  const { groups, validation } = method;
  return {
    kind: "images",
    unit: { name: "images", perStep: settings.batch },
    ...(validation !== undefined && { words: { validation } }),
    async init(at, batches) {
      const own = imageParameters(parameters, (name, p) => initial(p, random.fold(at, name)));
      const fresh = base === undefined ? own : { ...(own as object), base: await copied(base) };
      return method.start === undefined ? fresh : method.start(config, space, fresh, batches);
    },
    keepStart: base !== undefined || method.start !== undefined,
    like: () => imageParameters(parameters, (_, { shape, dtype }) => zeros(shape, dtype ? { dtype } : {})),
    batch(step, part, parts) {
      const size = settings.batch / parts;
      const rows = places(step).subarray(part * size, (part + 1) * size);
      return batchOf(images.train, rows, key("batch", step * parts + part), augmentation);
    },
    losses: Object.fromEntries(
      Object.entries(method.losses).map(([name, loss]) => [
        name,
        (params: unknown, batch: ImageBatch): Found<unknown> => loss(config, space, params, batch),
      ]),
    ),
    ...(groups && { groups }),
    trained: (name) => (parameters[name]?.by ?? "gradient") === "gradient",
    ...(method.learn !== undefined && {
      learn: (params: unknown, seen: unknown) => method.learn?.(config, space, params, seen),
    }),
    async validate(params, { last }): Promise<Numbers> {
      const all = spread(images.validation.count, last ? Infinity : ON_THE_WAY);
      const sums: Record<string, Float64Array> = {};
      for (let first = 0; first < all.length; first += AT_ONCE) {
        const batch = batchOf(images.validation, all.slice(first, first + AT_ONCE), key("validation", first));
        await addSums(sums, await measure(params, batch));
      }
      const figures = method.figures(config, space, sums, all.length);
      if (!last || scorer === undefined || sampler === undefined) return figures;
      const judged = { key: key("validation", 0), ...on };
      return { ...figures, frechet: await frechetOf(sampler, params, images.validation, scorer, judged) };
    },
    sample: async (params) => ({ png: await sheet.draw(params) }),
    async release() {
      await measure.release();
      await sheet.release();
      await sampler?.release();
    },
  };
}

/** The tree of a method's parameters. */
export function imageParameters(
  parameters: Readonly<Record<string, Parameter>>,
  leaf: (name: string, parameter: Parameter) => Tensor,
): unknown {
  return treeOf(Object.entries(parameters).map(([name, p]) => [name, leaf(name, p)] as const));
}

/** A tree of tensors of its own: the training writes over the buffers that it is given. */
async function copied(tree: unknown): Promise<unknown> {
  const data = new Map<string, Tensor>();
  for (const [name, t] of flattenTree(tree)) {
    const values = (await t.data()).slice();
    data.set(name, tensor(values, { dtype: t.dtype, shape: t.shape.map(Number), lend: true }));
  }
  return mapTree(tree, (t, name) => data.get(name) ?? t);
}

async function addSums(
  to: Record<string, Float64Array>,
  found: Readonly<Record<string, Tensor>>,
): Promise<void> {
  for (const [name, t] of Object.entries(found)) {
    const values = Float64Array.from((await t.data()) as Float32Array);
    const sums = to[name];
    if (sums === undefined) to[name] = values;
    else values.forEach((v, i) => (sums[i] = (sums[i] ?? 0) + v));
  }
}
