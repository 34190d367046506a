// Vector quantisation (`quantize/vq.ts`) between the halves of an auto-encoder.
import type { NetworkSizes } from "../../../model/images/network.ts";
import { kMeans } from "../../../quantize/k-means.ts";
import {
  vqAverage,
  vqBook,
  vqCounted,
  vqDecode,
  vqEncode,
  vqQuantize,
  vqRestart,
  type VqSeen,
  vqSeen,
  type VqState,
  vqState,
} from "../../../quantize/index.ts";
import {
  cast,
  compile,
  evaluate,
  floor,
  gather,
  ones,
  random,
  sigmoid,
  type Tensor,
  tensor,
} from "../../../tensor/index.ts";
import { codeFigures, codeSums } from "../codes.ts";
import type { ImageMethod, ImageSpace } from "../method.ts";
import { type NetworkFields, networkFields, networkOf, networkParameters, sizesOf } from "../network.ts";
import { pixelLoss } from "../pixels.ts";

/** How the book moves: by the gradient of its loss, by plain averages, or by averages normalised by counts. */
const MOVES = ["gradient", "average", "counted"] as const;
const STARTS = ["k-means", "uniform"] as const;

/** An auto-encoder whose code are entries of a learned book. */
export interface VqConfig extends NetworkFields {
  readonly type: "vq";
  readonly codes: number;
  readonly channels: number;
  readonly move: (typeof MOVES)[number];
  readonly start: (typeof STARTS)[number];
  readonly decay: number;
  readonly restart: number;
  readonly book: number;
  readonly commitment: number;
}

interface Params {
  readonly encoder: unknown;
  readonly decoder: unknown;
  readonly book: { readonly codes: Tensor } | VqState;
}

interface Seen extends VqSeen {
  /** A vector for each code, and how many parts gave one. */
  readonly candidates: Tensor;
  readonly parts: Tensor;
}

type At = readonly [config: VqConfig, space: ImageSpace, params: Params];

/** Vectors that K-means begins from, for each code. */
const PER_CODE = 8;

const sizes = (config: VqConfig, space: ImageSpace): NetworkSizes =>
  sizesOf(config, space, { code: config.channels });

const bookOf = ({ book }: Params): Tensor => ("codes" in book ? book.codes : vqBook(book));

const encoded = ([config, space, { encoder }]: At, pixels: Tensor): Tensor =>
  networkOf(config).encode(sizes(config, space), encoder, pixels);

const decoded = ([config, space, { decoder }]: At, codes: Tensor): Tensor =>
  networkOf(config).decode(sizes(config, space), decoder, codes);

export const vq: ImageMethod<VqConfig, Params, Seen> = {
  type: "vq",
  about: "auto-encoder whose code are entries of a learned book (van den Oord et al. 2017)",
  needs: {
    codes: { about: "entries of the book", low: 2, high: 2 ** 20, usual: 512, whole: true },
    channels: { about: "numbers of an entry", low: 1, high: 4096, usual: 8, whole: true },
    move: { about: "how the book moves", words: MOVES, usual: "counted" },
    start: { about: "where the book begins", words: STARTS, usual: "k-means" },
    decay: { about: "of averages", low: 0, high: 1 - 1e-9, usual: 0.95 },
    restart: {
      about: "codes chosen less than this share of the average begin anew (counted); 0: none",
      low: 0,
      high: 1,
      usual: 0.1,
    },
    book: { about: "weight of the book's loss (gradient)", low: 0, high: 1e6, usual: 1 },
    commitment: { about: "weight of the encoder's loss", low: 0, high: 1e6, usual: 0.25 },
    ...networkFields,
  },
  training: { rate: 2e-3, batch: 64, warmup: 20, optimizer: { type: "adamw", beta2: 0.99, decay: 0 } },
  validation: "reconstructionMse",
  check(config, space) {
    networkOf(config).check?.(sizes(config, space));
  },
  parameters(config, space) {
    const { codes: K, channels: D, move } = config;
    const init = (key: random.Key, shape: readonly number[]): Tensor =>
      random.uniform(key, shape, { low: -1 / K, high: 1 / K });
    return {
      ...networkParameters(config, sizes(config, space)),
      ...(move === "counted"
        ? {
            "book.sum": { shape: [K, D], init, by: "average" },
            "book.count": { shape: [K], init: "ones", by: "average" },
          }
        : { "book.codes": { shape: [K, D], init, by: move } }),
    };
  },
  async start(config, space, fresh, batches) {
    const { codes: K, channels: D, start } = config;
    if (start === "uniform") return fresh;
    const [first] = await batches(1);
    if (first === undefined) return fresh;
    const encode = compile((params: Params, pixels: Tensor) => encoded([config, space, params], pixels));
    try {
      const vectors: number[] = [];
      const each = (await (await encode(fresh, first.pixels)).data()).length / D;
      for (const { pixels } of await batches(Math.ceil((K * PER_CODE) / each))) {
        for (const v of (await (await encode(fresh, pixels)).data()) as Float32Array) vectors.push(v);
      }
      const centres = kMeans(vectors, { D, K, key: random.key(K) });
      const codes = tensor(Float32Array.from(centres), { shape: [K, D] });
      return { ...fresh, book: "codes" in fresh.book ? { codes } : await evaluate(vqState(codes)) };
    } finally {
      await encode.release();
    }
  },
  losses: {
    loss(config, space, params, { pixels, key }) {
      const at: At = [config, space, params];
      const z = encoded(at, pixels);
      const { codes, indices, bookLoss, commitment } = vqQuantize(bookOf(params), z);
      const { loss, shown } = pixelLoss(decoded(at, codes), pixels);
      const near = loss.add(commitment.mul(config.commitment));
      if (config.move === "gradient") return { loss: near.add(bookLoss.mul(config.book)), shown };
      const rows = z.reshape([-1, config.channels]);
      const draws = random.uniform(random.fold(key, "restart"), [config.codes]);
      const places = cast(floor(draws.mul(Number(rows.shape[0]))), "int32");
      const seen = {
        ...vqSeen(z, indices, config.codes),
        candidates: gather(rows, places),
        parts: ones([]),
      };
      return { loss: near, shown, seen };
    },
  },
  learn(config, _, params, seen) {
    const { decay, restart } = config;
    if ("codes" in params.book) {
      return config.move === "gradient"
        ? params
        : { ...params, book: { codes: vqAverage(params.book.codes, seen, { decay }) } };
    }
    const moved = vqCounted(params.book, seen, { decay });
    if (restart === 0) return { ...params, book: moved };
    return { ...params, book: vqRestart(moved, seen.candidates.div(seen.parts), { share: restart }) };
  },
  measure(config, space, params, { pixels }) {
    const at: At = [config, space, params];
    const indices = vqEncode(bookOf(params), encoded(at, pixels));
    const back = sigmoid(decoded(at, vqDecode(bookOf(params), indices)));
    return codeSums(pixels, back, indices, config.codes);
  },
  figures: (_, space, sums, count) => codeFigures(space, sums, count),
  reconstruct(config, space, params, { pixels }) {
    const at: At = [config, space, params];
    const book = bookOf(params);
    return sigmoid(decoded(at, vqDecode(book, vqEncode(book, encoded(at, pixels)))));
  },
  codes: ({ codes }) => codes,
  encode: (config, space, params, pixels) =>
    vqEncode(bookOf(params), encoded([config, space, params], pixels)),
  decode: (config, space, params, indices) =>
    sigmoid(decoded([config, space, params], vqDecode(bookOf(params), indices))),
};
