// Every image network, one line each.
import { conv } from "./conv.ts";
import type { ImageNetwork } from "./network.ts";
import { patches } from "./patches.ts";

/** All of them by name. */
export const NETWORKS: Readonly<Record<"conv" | "patches", ImageNetwork>> = { conv, patches };

/** A name of `NETWORKS`. */
export type NetworkName = keyof typeof NETWORKS;

/** Their names. */
export const NETWORK_NAMES: readonly NetworkName[] = Object.keys(NETWORKS) as NetworkName[];
