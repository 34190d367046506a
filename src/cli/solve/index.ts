// `athanor solve`: the exact problems.
import type { Noun } from "../verb.ts";

export const solve: Noun = {
  name: "solve",
  about: "small exact problems: N = ab + c, and the curve of fastest descent",
  verbs: [
    {
      name: "abc",
      about: "the least a + b + c over N = ab + c, by three algorithms",
      load: () => import("./abc.ts"),
    },
    {
      name: "brachistochrone",
      about: "the curve of fastest descent from (0, 0) to (X, Y), by formula and directly",
      load: () => import("./brachistochrone.ts"),
    },
  ],
};
