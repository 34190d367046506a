// The network of an image method: the fields that choose it, its sizes and its parameters.
import { type NetworkName, NETWORK_NAMES, NETWORKS } from "../../model/images/networks.ts";
import type { ImageNetwork, NetworkSizes } from "../../model/images/network.ts";
import type { Parameter } from "../../nn/index.ts";
import type { ImageFieldsOf } from "./fields.ts";
import type { ImageSpace } from "./method.ts";

/** Fields of every method that has an encoder and a decoder. */
export interface NetworkFields {
  readonly network: NetworkName;
  readonly features: number;
  readonly depth: number;
  readonly patch: number;
}

/** What they may hold. */
export const networkFields: ImageFieldsOf<NetworkFields> = {
  network: { about: "encoder and decoder", words: NETWORK_NAMES, usual: "conv" },
  features: { about: "features of the inner layers", low: 1, high: 4096, usual: 64, whole: true },
  depth: { about: "residual blocks on each side", low: 0, high: 64, usual: 1, whole: true },
  patch: { about: "pixels of a side that one code stands for", low: 1, high: 64, usual: 4, whole: true },
};

/** The network of a configuration. */
export function networkOf({ network }: Pick<NetworkFields, "network">): ImageNetwork {
  return NETWORKS[network];
}

/** Its sizes. @param code Channels of the encoder's vectors, and of those that the decoder takes where they differ. */
export function sizesOf(
  { features, depth, patch }: NetworkFields,
  { channels, height, width }: ImageSpace,
  code: Pick<NetworkSizes, "code" | "decoded">,
): NetworkSizes {
  return { channels, height, width, features, depth, patch, ...code };
}

/** Its parameters under `encoder` and `decoder`. */
export function networkParameters(config: NetworkFields, sizes: NetworkSizes): Record<string, Parameter> {
  const network = networkOf(config);
  const under = (at: string, all: Readonly<Record<string, Parameter>>): [string, Parameter][] =>
    Object.entries(all).map(([name, parameter]) => [`${at}.${name}`, parameter]);
  return Object.fromEntries([
    ...under("encoder", network.encoder(sizes)),
    ...under("decoder", network.decoder(sizes)),
  ]);
}
