// One Transformer that reads and draws (`model/patch-lm.ts`) as an image method.
import {
  inverseOrder,
  PATCH_HEADS,
  PATCH_ORDERS,
  PATCH_SYSTEMS,
  patchGrid,
  type PatchHeadKind,
  patchify,
  type PatchOrder,
  patchOrder,
  type PatchSizes,
  type PatchSystem,
  reorder,
  unpatchify,
} from "../../../generative/index.ts";
import { OptionError } from "../../../errors.ts";
import { patchArtist } from "../../../model/patch-draw.ts";
import {
  type PatchLMConfig,
  patchLMLoss,
  patchLMParameters,
  type PatchLMParams,
} from "../../../model/patch-lm.ts";
import { compile, evaluate, random, type Tensor, tensor } from "../../../tensor/index.ts";
import { captionVocabulary, END, type ImageMethod, type ImageSpace, PADDING } from "../method.ts";

export interface PatchesConfig {
  readonly type: "patches";
  readonly system: PatchSystem;
  readonly order: PatchOrder;
  readonly patch: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly head: PatchHeadKind;
  readonly headWidth: number;
  readonly headBlocks: number;
  readonly draws: number;
  readonly without: number;
  readonly imageWeight: number;
  /** Steps of the sampler; 0: 20, or 100 for diffusion. */
  readonly steps: number;
  readonly guidance: number;
}

/** Degrees of noise of the diffusion head, as MAR has them. */
const DEGREES = 1000;

const sizesOf = ({ patch }: PatchesConfig, { channels, height, width }: ImageSpace): PatchSizes => ({
  channels,
  height,
  width,
  patch,
});

function modelOf(c: PatchesConfig, s: ImageSpace): PatchLMConfig {
  return {
    system: c.system,
    order: c.order,
    images: sizesOf(c, s),
    vocabulary: captionVocabulary(s),
    captionLength: s.captionLength,
    padding: PADDING,
    end: END,
    width: c.width,
    layers: c.layers,
    heads: c.heads,
    head: { kind: c.head, width: c.headWidth, blocks: c.headBlocks, degrees: DEGREES },
    draws: c.draws,
    without: c.without,
    imageWeight: c.imageWeight,
  };
}

function orderOf(c: PatchesConfig, s: ImageSpace): readonly number[] {
  const { rows, columns } = patchGrid(sizesOf(c, s));
  return patchOrder(c.order, rows, columns);
}

/** Pixels in `[0, 1]` as patches about zero, in the order of the configuration, and back. */
const toPatches = (c: PatchesConfig, s: ImageSpace, pixels: Tensor): Tensor =>
  reorder(patchify(pixels.mul(2).sub(1), c.patch), orderOf(c, s));
const toPixels = (c: PatchesConfig, s: ImageSpace, patches: Tensor): Tensor =>
  unpatchify(reorder(patches, inverseOrder(orderOf(c, s))), sizesOf(c, s))
    .mul(0.5)
    .add(0.5)
    .clip(0, 1);

function captionsOf(captions: Tensor | undefined): Tensor {
  if (captions !== undefined) return captions;
  throw new OptionError("images: pictures of patches must have captions or labels, got none. Give captions.");
}

export const patches: ImageMethod<PatchesConfig, PatchLMParams> = {
  type: "patches",
  about: "one Transformer that draws from captions and writes them, without codes (Su 2024; Li et al. 2024)",
  needs: {
    system: { about: "how an image stands in the sequence", words: PATCH_SYSTEMS, usual: "raster" },
    order: { about: "order of the patches", words: PATCH_ORDERS, usual: "raster" },
    patch: { about: "pixels of a side of a patch", low: 1, high: 256, usual: 7, whole: true },
    width: { about: "width of the Transformer", low: 1, high: 4096, usual: 128, whole: true },
    layers: { about: "its layers", low: 1, high: 64, usual: 4, whole: true },
    heads: { about: "its heads", low: 1, high: 64, usual: 4, whole: true },
    head: { about: "how a patch is drawn (raster, random)", words: PATCH_HEADS, usual: "flow" },
    headWidth: { about: "width of the head", low: 1, high: 4096, usual: 192, whole: true },
    headBlocks: { about: "its residual blocks", low: 0, high: 32, usual: 3, whole: true },
    draws: { about: "noise drawn for each patch of a batch", low: 1, high: 64, usual: 2, whole: true },
    without: { about: "share of captions left out: drawn without, and read", low: 0, high: 1, usual: 0.3 },
    imageWeight: { about: "weight of the image beside the words", low: 0, high: Infinity, usual: 5 },
    steps: {
      about: "steps of the sampler; 0: 20, or 100 for diffusion",
      low: 0,
      high: 10_000,
      usual: 0,
      whole: true,
    },
    guidance: { about: "classifier-free guidance; 1 is none", low: 0, high: 100, usual: 1 },
  },
  training: { rate: 2e-3, batch: 64, warmup: 50, optimizer: { type: "adamw", beta2: 0.98, decay: 0.01 } },
  validation: "validationLoss",
  check(c, s) {
    orderOf(c, s);
    if (s.words.length === 0) captionsOf(undefined);
    patchLMParameters(modelOf(c, s));
  },
  parameters: (c, s) => patchLMParameters(modelOf(c, s)),
  losses: {
    loss(c, s, p, { pixels, captions, key }) {
      const examples = { patches: toPatches(c, s, pixels), captions: captionsOf(captions) };
      return { loss: patchLMLoss(modelOf(c, s), p, examples, key).loss };
    },
  },
  measure(c, s, p, { pixels, captions, key }) {
    const examples = { patches: toPatches(c, s, pixels), captions: captionsOf(captions) };
    const found = patchLMLoss(modelOf(c, s), p, examples, key);
    const B = Number(pixels.shape[0]);
    return { loss: found.loss.mul(B), image: found.image.mul(B), words: found.words.mul(B) };
  },
  figures(_, __, sums, count) {
    const one = (name: string): number => (sums[name]?.[0] ?? 0) / count;
    return { validationLoss: one("loss"), patchError: one("image"), wordNats: one("words") };
  },
  sampler(c, s, on) {
    const artist = patchArtist(modelOf(c, s), on);
    const picture = compile((drawn: Tensor) => toPixels(c, s, drawn), on);
    return {
      async draw(p, wish) {
        const { count, key, captions, guidance = c.guidance, temperature = 1 } = wish;
        const steps = wish.steps ?? (c.steps === 0 ? undefined : c.steps);
        const nothing = Int32Array.from({ length: count * s.captionLength }, (_, i) =>
          i % s.captionLength === 0 ? END : PADDING,
        );
        const said = captions ?? tensor(nothing, { shape: [count, s.captionLength] });
        const how = { captions: said, key: random.fold(key, "draw"), guidance, temperature };
        return picture(await artist.draw(p, { ...how, ...(steps !== undefined && { steps }) }));
      },
      async release() {
        await artist.release();
        await picture.release();
      },
    };
  },
  captioner(c, s, on) {
    const artist = patchArtist(modelOf(c, s), on);
    return {
      read: async (p, pixels) => artist.read(p, await evaluate(toPatches(c, s, pixels))),
      release: () => artist.release(),
    };
  },
};
