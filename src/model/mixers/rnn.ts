// Recurrent cells (`sequence/cells.ts`), one small one for each head, so that Jacobians stay small: run one token after
// another, or all at once by Newton's method (`sequence/deer.ts`).
import type { MapParams, Parameter } from "../../nn/index.ts";
import {
  type CellName,
  type CellParams,
  CELLS,
  deer,
  rationalInit,
  runThrough,
} from "../../sequence/index.ts";
import { narrow, permute, reshape, squeeze, type Tensor, zeros } from "../../tensor/index.ts";
import { WHOLE } from "../fields.ts";
import { headBias } from "../heads.ts";
import { type Layer, type Mixer, refuse, refuseScores } from "../mixer.ts";

/**
 * `solver`: `scan` (default), or `deer` for texts of known length, with `iterations` rounds (default 8) whatever they have
 * come to; as many rounds as tokens are always exact. Gradients are those of the recurrence.
 */
export interface RnnConfig {
  readonly type: "rnn";
  readonly cell: CellName;
  readonly solver?: "scan" | "deer";
  readonly iterations?: number;
}

export interface RnnParams {
  readonly in_proj: MapParams; // C to k·C, gates side by side within a head
  readonly o_proj: MapParams; // C to C
  readonly hidden: {
    readonly weight: Tensor; // [H, k·D, D]
    readonly bias: Tensor; // [H, 1, k·D]
  };
}

/** States of all heads; an LSTM's memory beside its output. */
export type RnnState = {
  readonly hidden: Tensor; // [B, H, D] or [B, H, 2D]
};

/** Width of a head: heads share the stream. */
const headOf = ({ width, heads }: Layer): number => width / heads;

export const rnn: Mixer<RnnConfig, RnnParams, RnnState> = {
  type: "rnn",
  needs: {
    cell: { is: Object.keys(CELLS) },
    solver: { is: ["scan", "deer"], optional: true },
    iterations: { ...WHOLE, optional: true },
  },
  usualPosition: "none",
  placeless: true,
  check(config, layer) {
    refuseScores(config, layer, "use learned positions or none");
    if (layer.width % layer.heads !== 0) {
      refuse(config, layer, `needs heads that divide the width ${layer.width}, got ${layer.heads}`);
    }
  },
  parameters({ cell }, layer) {
    const { width: C, heads: H, bias } = layer;
    const [D, k] = [headOf(layer), CELLS[cell].gates];
    const { qkv, out } = headBias(bias);
    const weight: Parameter = {
      shape: [H, k * D, D],
      init: (key) => reshape(rationalInit("xavier", key, [H * k * D, D]), [H, k * D, D]),
    };
    return {
      in_proj: { out: k * C, from: C, bias: qkv },
      o_proj: { out: C, from: C, bias: out, init: "residual" },
      "hidden.weight": weight,
      "hidden.bias": { shape: [H, 1, k * D], init: "zeros" },
    };
  },
  cache: ({ cell }, layer) => ({ hidden: ["B", layer.heads, CELLS[cell].states * headOf(layer)] }),
  mix({ cell: name, solver, iterations = 8 }, layer, params, x, before) {
    const { maps, heads: H, width: C } = layer;
    const [D, { gates: k, states }] = [headOf(layer), CELLS[name]];
    const [B = 1, T = 1] = x.shape;
    const given = permute(reshape(maps.apply(params.in_proj, x), [B, T, H, k * D]), [1, 2, 0, 3]); // [T, H, B, k·D]
    const h0 = permute(before?.hidden ?? zeros([B, H, states * D]), [1, 0, 2]); // [H, B, ·]
    const cell = (p: CellParams, h: Tensor, g: Tensor): Tensor => CELLS[name].step(p, h, g);
    const parallel = solver === "deer" && before === undefined && typeof T === "number";
    const run = (): { states: Tensor; last: Tensor } => {
      if (!parallel) return runThrough((h, g) => cell(params.hidden, h, g), given, h0);
      const found = deer(cell, params.hidden, given, h0, { iterations });
      return { states: found, last: squeeze(narrow(found, 0, T - 1, T), 0) };
    };
    const { states: trace, last } = run(); // [T, H, B, ·]
    const y = reshape(permute(narrow(trace, -1, 0, D), [2, 0, 1, 3]), [B, T, C]);
    return { y: maps.apply(params.o_proj, y), cache: { hidden: permute(last, [1, 0, 2]) } };
  },
};
