// A training in a process of its own, for kill.test.ts to kill. Arguments: mode, directory, workers, files.
import { createHash } from "node:crypto";
import { writeBytePiece } from "../../src/tokenizer/formats/bytepiece.ts";
import { trainBytePieceFiles } from "../../src/tokenizer/node/train-bytepiece.ts";
import { trainUnigramFiles } from "../../src/tokenizer/node/train-unigram.ts";

const [mode, directory = "", workers, ...files] = process.argv.slice(2);
const train = mode === "unigram" ? trainUnigramFiles : trainBytePieceFiles;
const phases = new Set<string>();
const { models } = await train(
  files,
  { vocabularySize: [900, 600] },
  {
    workers: Number(workers),
    memoryLimit: 2 ** 20,
    ...(directory !== "none" && { directory }),
    onProgress: ({ phase }) => phases.add(phase),
  },
);
const hash = createHash("sha256");
for (const model of models) hash.update(writeBytePiece(model));
process.stdout.write(JSON.stringify({ sha256: hash.digest("hex"), phases: [...phases] }));
