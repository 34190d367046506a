// `athanor lab`: one line a verb.
import type { Noun } from "../verb.ts";

export const lab: Noun = {
  name: "lab",
  about: "published claims, executed",
  verbs: [
    { name: "list", about: "what is claimed, where, and what was found", load: () => import("./list.ts") },
    { name: "run", about: "run claims, here or over a queue", load: () => import("./run.ts") },
    { name: "report", about: "write all claims and verdicts as a page", load: () => import("./report.ts") },
    { name: "worker", about: "work for a queue of claims", load: () => import("./worker.ts") },
  ],
};
