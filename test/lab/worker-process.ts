// A worker as a process of its own, that gives up on lost peers sooner than in use: `worker-process.ts ADDRESS`.
import { workFor } from "../../src/lab/node/worker.ts";

const controller = new AbortController();
process.once("SIGTERM", () => controller.abort());
await workFor(process.argv[2] ?? "", {
  say: (line) => console.log(line),
  signal: controller.signal,
  patience: 1500,
});
process.exit();
