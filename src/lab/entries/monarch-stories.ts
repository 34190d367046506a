// A pretrained model whose matrices become Monarch matrices, and what training gives back.
import { barChart } from "../../draw/bar-chart.ts";
import { convertLinear } from "../../model/convert.ts";
import { loadModel, parameterCount } from "../../model/index.ts";
import {
  memoryStore,
  trainRun,
  trainSettings,
  bytesOfIds,
  encodeTexts,
  splitSources,
  textTask,
} from "../../train/index.ts";
import type { Entry, LabContext, Seeded } from "../entry.ts";
import { STORIES, STORIES15M, STORIES_VOCABULARY } from "../needs.ts";
import { known, meanOf } from "../statistics.ts";

interface StoriesSettings {
  readonly blocks: number;
  /** Which matrices: the end of their names. */
  readonly match: string;
  readonly steps: number;
  readonly context: number;
  /** Windows of held-out text that are scored. */
  readonly windows: number;
}

export interface StoriesRow {
  readonly blocks: number;
  readonly match: string;
  readonly before: number;
  readonly after: number;
  /** Nats per token on held-out stories. */
  readonly dense: number;
  readonly projected: number;
  readonly recovered: number;
}

async function run(
  { blocks, match, steps, context, windows }: StoriesSettings,
  seed: number,
  lab: LabContext,
): Promise<StoriesRow> {
  lab.path(STORIES_VOCABULARY);
  const model = await loadModel(lab.path(STORIES15M));
  const tokenizer = await model.tokenizer();
  const texts = splitSources([{ name: "stories", texts: [await lab.bytes(STORIES)] }], 0.15);
  const ids = {
    train: encodeTexts(tokenizer, texts.train),
    validation: encodeTexts(tokenizer, texts.validation),
  };
  const projected = await convertLinear(model.config, model.params, { type: "monarch", blocks, match });
  const settings = trainSettings({
    steps: Math.max(1, steps),
    batch: 4,
    context,
    seed,
    rate: 5e-4,
    validateEvery: Math.max(1, steps),
    validationWindows: windows,
  });
  const shared = { settings, ids, bytesOf: bytesOfIds(tokenizer) };
  const lossOf = async (config: typeof model.config, params: typeof model.params): Promise<number> => {
    const task = textTask({ config, ...shared, start: () => params });
    const found = await task.validate?.(params, { step: 0, last: false });
    await task.release?.();
    return found?.["validationLoss"] ?? Number.MAX_VALUE;
  };
  const dense = await lossOf(model.config, model.params);
  const least = await lossOf(projected.config, projected.params);
  lab.report(`blocks ${blocks}: ${dense.toFixed(3)} became ${least.toFixed(3)} nats per token`);
  const row = {
    blocks,
    match,
    before: parameterCount(model.config),
    after: parameterCount(projected.config),
  };
  if (steps === 0) return { ...row, dense, projected: least, recovered: least };
  const task = textTask({ config: projected.config, ...shared, start: () => projected.params });
  const { params } = await trainRun(task, settings, memoryStore({ keepStates: false }), {
    onStep: ({ step, loss }) => {
      if (step % 20 === 0) lab.report(`  step ${step}: loss ${loss.toFixed(3)}`);
    },
  });
  return { ...row, dense, projected: least, recovered: await lossOf(projected.config, params) };
}

/** Share of what was lost that training gave back, of the least good run. */
function recovered(rows: readonly Seeded<StoriesRow>[]): number | undefined {
  const all = rows.map((r) => (r.projected - r.recovered) / (r.projected - r.dense));
  return all.length === 0 ? undefined : Math.min(...all);
}

export const monarchStories: Entry<StoriesSettings, StoriesRow> = {
  name: "monarch-stories",
  row: "monarch",
  claim: {
    en: "A pretrained model is projected to Monarch matrices, and a short training gives back most of what that lost.",
    zh: "把预训练模型投影为 Monarch 矩阵后，短时间微调即可恢复大部分损失。",
  },
  source: { says: "Dao et al. 2022, section 5.3", links: ["https://arxiv.org/abs/2204.00595"] },
  needs: [STORIES15M, STORIES_VOCABULARY, STORIES],
  minutes: { quick: 5, full: 90 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ blocks: 4, match: "layers.0.self_attn.q_proj", steps: 0, context: 4, windows: 1 }],
    quick: [{ blocks: 4, match: "self_attn.*", steps: 30, context: 64, windows: 16 }],
    full: [
      { blocks: 4, match: "mlp.*", steps: 300, context: 128, windows: 64 },
      { blocks: 4, match: "layers.*.*.*", steps: 300, context: 128, windows: 64 },
    ],
  },
  rules: [
    {
      says: {
        en: "The projection has fewer numbers and loses something (0.05 nats per token or more).",
        zh: "投影后参数更少，且确有损失（每个 token 至少 0.05 奈特）。",
      },
      premise: true,
      holds: (rows) =>
        rows.length === 0 ? null : rows.every((r) => r.after < r.before && r.projected > r.dense + 0.05),
      shows: (rows) =>
        rows.map((r) => `${r.match}: ${r.dense.toFixed(2)} to ${r.projected.toFixed(2)}`).join(", "),
    },
    {
      says: {
        en: "Training gives back at least 70 % of what the projection lost.",
        zh: "训练至少恢复投影损失的 70%。",
      },
      holds: (rows) => known([recovered(rows)], (share = 0) => share >= 0.7),
      direction: (rows) => known([recovered(rows)], (share = 0) => share > 0),
      shows: (rows) => `${((recovered(rows) ?? 0) * 100).toFixed(0)} %`,
    },
  ],
  beyond: [
    {
      en: "Twice the speed of pre-training GPT-2 is a claim about GPUs and days of training.",
      zh: "“GPT-2 预训练快一倍”涉及 GPU 与数天训练。",
    },
  ],
  run: async (settings, seed, context) => [await run(settings, seed, context)],
  figures(rows) {
    const kinds = [...new Set(rows.map((r) => `${r.match}, ${r.blocks} blocks`))];
    return {
      "monarch-stories.svg": barChart({
        title: "Projected, and trained again",
        subtitle: "stories15M on held-out stories, nats per token",
        names: ["dense", "projected", "recovered"],
        rows: kinds.map((name) => {
          const own = rows.filter((r) => `${r.match}, ${r.blocks} blocks` === name);
          return {
            name,
            values: [
              meanOf(own.map((r) => r.dense)),
              meanOf(own.map((r) => r.projected)),
              meanOf(own.map((r) => r.recovered)),
            ],
          };
        }),
      }),
    };
  },
};
