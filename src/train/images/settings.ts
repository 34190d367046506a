// Settings of an image training: what its method is usually trained with, and what differs.
import { mergeSettings, type TrainChanges, trainSettings, type TrainSettings } from "../settings.ts";
import { imageMethod } from "./config.ts";

/** Updates between two sheets of samples where nothing is said. */
const SAMPLE_EVERY = 250;
/** Updates of a training that a time ends. */
const ENDLESS = 1_000_000;

/**
 * Settings for the method called `type` from those that differ from its usual ones. A warm-up is at most a tenth of the
 * training; with `minutes` and no `steps` the time ends it.
 */
export function imageSettings(type: string, changes: TrainChanges = {}): TrainSettings {
  const usual: TrainChanges = { sampleEvery: SAMPLE_EVERY, ...imageMethod(type).training };
  const steps = changes.steps ?? usual.steps ?? (changes.minutes === undefined ? undefined : ENDLESS);
  const merged = mergeSettings(usual, changes);
  const tenth = Math.ceil((steps ?? trainSettings().steps) / 10);
  return trainSettings({
    ...merged,
    ...(steps !== undefined && { steps }),
    warmup: changes.warmup ?? Math.min(usual.warmup ?? Infinity, tenth, trainSettings().warmup),
  });
}
