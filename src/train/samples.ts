// samples.txt: texts that a model in training wrote, each under the step it was written at.

/** What is added for one sample. */
export function textOfSample(step: number, text: string): string {
  return `=== step ${step} ===\n${text}\n\n`;
}

/** `file` without the samples written after `step`. */
export function withoutLaterSamples(file: string, step: number): string {
  for (const { index, 1: at } of file.matchAll(/^=== step (\d+) ===$/gm)) {
    if (Number(at) > step) return file.slice(0, index);
  }
  return file;
}
