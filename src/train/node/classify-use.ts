// A trained classifier at work: labelled files are scored, unlabelled ones get labels.
import { FileError } from "../../errors.ts";
import { type ClassifierParams, classifierTree } from "../../model/classifier.ts";
import { chooseDevice } from "../../runtime/choose-device.ts";
import { type Device, zeros } from "../../tensor/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { loadTokenizer } from "../../tokenizer/load-save.ts";
import { gapsIn, type Missing } from "../classify/cases.ts";
import { prepare } from "../classify/prepare.ts";
import { probabilitiesOf } from "../classify/scores.ts";
import type { TableReading } from "../classify/table-cases.ts";
import { outputsOf } from "../classify/task.ts";
import { loadNewest } from "./checkpoint.ts";
import { checkPlaces, type ClassifyConfig, readClassifyConfig } from "./classify.ts";
import { readFiles } from "./classify-data.ts";
import { scoreOf, type Scores } from "./classify-scores.ts";
import { runPaths } from "./run-folder.ts";

/** A trained classifier, ready to use. */
export interface OpenClassifier {
  readonly config: ClassifyConfig;
  readonly params: ClassifierParams;
  readonly tokenizer?: Tokenizer;
  readonly step: number;
  /** Why newer checkpoints could not be read, a sentence each. */
  readonly notices: readonly string[];
}

/** How files are used. */
export interface ClassifyUse {
  readonly device?: Device;
  /** What differs from how the training part was read. */
  readonly reading?: TableReading;
  readonly missing?: Missing;
  readonly onNotice?: (sentence: string) => void;
}

/** What is said of one case. */
export interface Prediction {
  /** `test.ts, line 14`. */
  readonly where: string;
  /** The class, or the number. */
  readonly label: string | number;
  /** Of that class; classes only. */
  readonly probability?: number;
  /** Of all classes, in their order; classes only. */
  readonly probabilities?: readonly number[];
}

/** Opens the newest good checkpoint of a run. @throws FileError when there is none. */
export async function openClassifier(run: string): Promise<OpenClassifier> {
  const config = await readClassifyConfig(run);
  const paths = runPaths(run);
  const params = classifierTree(config.model, (_, { shape }) => zeros(shape));
  const newest = await loadNewest(paths.checkpoints, { params, optimizer: {} });
  if (newest === undefined) {
    throw new FileError(
      `classify: ${run} must hold a checkpoint, got none. Train on with: athanor classify train --resume ${run}`,
    );
  }
  const { state, info, name, damaged } = newest;
  return {
    config,
    params: state.params,
    ...(config.tokenizer !== undefined && { tokenizer: await loadTokenizer(paths.tokenizer) }),
    step: info.step,
    notices: damaged.map(({ reason }) => `${reason} Using ${name} instead.`),
  };
}

/** Reads files as the training part was read. */
async function casesFor(
  { config, tokenizer, notices }: OpenClassifier,
  files: readonly string[],
  { reading = {}, missing, onNotice }: ClassifyUse,
  labelled: boolean,
) {
  const cases = await readFiles(files, { ...config.reading, ...reading, unlabelled: !labelled });
  for (const notice of [...notices, ...cases.notices]) onNotice?.(notice);
  const how = { ...config.preparation, ...(missing && { missing }) };
  const ready = prepare(how, cases, tokenizer, { labelled });
  const gaps = gapsIn(cases.cases);
  if (gaps > 0) onNotice?.(`classify: ${gaps} missing values are filled in (--missing ${how.missing}).`);
  if (ready.cut > 0) {
    onNotice?.(
      `classify: ${ready.cut} of ${ready.count} texts are longer than ${how.context} tokens and lose their ends.`,
    );
  }
  checkPlaces(config.model, ready);
  return { cases: cases.cases, ready };
}

/** Scores of labelled files. @throws FileError for labels that are missing or not known. */
export async function evalClassifier(
  run: string,
  files: readonly string[],
  use: ClassifyUse = {},
): Promise<Scores & { readonly cases: number }> {
  await chooseDevice(use.device);
  const open = await openClassifier(run);
  const { ready } = await casesFor(open, files, use, true);
  const { model, preparation } = open.config;
  const { device } = use;
  const on = device === undefined ? {} : { device };
  const { scores } = await scoreOf(model, open.params, ready, preparation.labels, on);
  return { ...scores, cases: ready.count };
}

/** What a model says of the cases of files; labels that they have are not looked at. */
export async function predictClassifier(
  run: string,
  files: readonly string[],
  use: ClassifyUse = {},
): Promise<{ readonly classes?: readonly string[]; readonly predictions: readonly Prediction[] }> {
  await chooseDevice(use.device);
  const open = await openClassifier(run);
  const { cases, ready } = await casesFor(open, files, use, false);
  const { model, preparation } = open.config;
  const reader = outputsOf(model, use.device === undefined ? {} : { device: use.device });
  try {
    const outputs = await reader.read(open.params, ready);
    const { labels } = preparation;
    if (labels.type === "number") {
      const numbers = Array.from(outputs.values, (value) => value * labels.deviation + labels.mean);
      return {
        predictions: cases.map(({ where }, i) => ({ where, label: numbers[i] ?? Number.NaN })),
      };
    }
    const all = probabilitiesOf(outputs, labels.names.length);
    const predictions = cases.map(({ where }, i): Prediction => {
      const probabilities = all[i] ?? [];
      const probability = Math.max(...probabilities);
      return {
        where,
        label: labels.names[probabilities.indexOf(probability)] ?? "",
        probability,
        probabilities,
      };
    });
    return { classes: labels.names, predictions };
  } finally {
    await reader.release();
  }
}
