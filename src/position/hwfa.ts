// Su 2023, "Transformer upgrade path 9: a new idea for global length extrapolation" (HWFA), https://kexue.fm/archives/9603,
// and HWFA2 in part 14, https://kexue.fm/archives/9731
import { OptionError } from "../errors.ts";
import type { PositionSpec } from "./spec.ts";
import { checkWhole } from "./scale.ts";

export interface HwfaOptions {
  readonly layers: number;
  /** Length `N` of training. */
  readonly trainingLength: number;
  /** Window of the local layers; default the largest that fits (the article takes 16 for 24 layers and N = 512). */
  readonly window?: number;
  /** Base of the local layers' RoPE; default 10000. */
  readonly base?: number;
}

/** Share of the training length that the windowed layers together may reach. */
const REACH = 0.75;

/** The largest window `w` with `(w − 1)(layers − 1) + 1 ≤ ¾ N`: what `layers − 1` windows pass on stays in reach. */
export function hwfaWindow(layers: number, trainingLength: number): number {
  checkWhole("hwfaWindow", "layers", layers);
  checkWhole("hwfaWindow", "trainingLength", trainingLength);
  if (layers < 2) throw new OptionError(`hwfaWindow: layers must be at least 2, got ${layers}.`);
  return Math.max(1, Math.floor((REACH * trainingLength - 1) / (layers - 1)) + 1);
}

/**
 * HWFA, one entry a layer: windowed RoPE in all layers but the last, which sees everything, without position and
 * with trained-in `ln n` scaling. Train and run with it; longer texts need no change.
 */
export function hwfaPlan({ layers, trainingLength, window, base = 10_000 }: HwfaOptions): PositionSpec[] {
  const w = window ?? hwfaWindow(layers, trainingLength);
  checkWhole("hwfaPlan", "window", w);
  const local: PositionSpec = { type: "rope", base, slidingWindow: w };
  const global: PositionSpec = { type: "none", logScale: "trained", trainingLength };
  return Array.from({ length: layers }, (_, i) => (i === layers - 1 ? global : local));
}

export interface Hwfa2Options extends HwfaOptions {
  /** Full layers, at equal distances from both ends and one another; default 2 (at a third and two thirds). */
  readonly full?: number;
  /** `training` has RoPE in the full layers, `inference` ReRoPE. */
  readonly stage: "training" | "inference";
}

/**
 * HWFA2, one entry a layer: wider windows (default `3N/layers`, the article's best: 64 for 24 layers and N = 512) with
 * RoPE around the full layers, whose RoPE becomes ReRoPE (window N/2) at inference.
 */
export function hwfa2Plan({
  layers,
  trainingLength,
  window,
  base = 10_000,
  full = 2,
  stage,
}: Hwfa2Options): PositionSpec[] {
  checkWhole("hwfa2Plan", "layers", layers);
  checkWhole("hwfa2Plan", "trainingLength", trainingLength);
  checkWhole("hwfa2Plan", "full", full);
  const w = window ?? Math.ceil((3 * trainingLength) / layers);
  checkWhole("hwfa2Plan", "window", w);
  if (layers <= full) throw new OptionError(`hwfa2Plan: layers must exceed ${full}, got ${layers}.`);
  const fullLayers = new Set(
    Array.from({ length: full }, (_, k) => Math.floor((layers * (k + 1)) / (full + 1))),
  );
  const local: PositionSpec = { type: "rope", base, slidingWindow: w };
  const plan = Array.from(
    { length: layers },
    (_, i): PositionSpec => (fullLayers.has(i) ? { type: "rope", base } : local),
  );
  return stage === "training" ? plan : hwfa2Inference(plan, trainingLength);
}

/** A plan as trained, with ReRoPE (window N/2, or `window`) in its full layers. */
export function hwfa2Inference(
  plan: readonly PositionSpec[],
  trainingLength: number,
  window: number = Math.max(1, Math.round(trainingLength / 2)),
): PositionSpec[] {
  return plan.map((spec) => (spec.slidingWindow === undefined ? { ...spec, type: "rerope", window } : spec));
}
