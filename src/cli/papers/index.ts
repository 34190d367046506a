import type { Noun } from "../verb.ts";

/** `athanor papers …` */
export const papers: Noun = {
  name: "papers",
  about: "collect, search, relate, rank and read papers",
  verbs: [
    { name: "add", about: "add papers from files or from arXiv", load: () => import("./add.ts") },
    { name: "search", about: "search titles, abstracts and authors", load: () => import("./search.ts") },
    {
      name: "related",
      about: "papers like one paper: a search with its keywords",
      load: () => import("./related.ts"),
    },
    {
      name: "keywords",
      about: "keywords of papers, and what several have in common",
      load: () => import("./keywords.ts"),
    },
    { name: "rank", about: "a list in order of your preference", load: () => import("./rank.ts") },
    { name: "remove", about: "remove papers from a collection", load: () => import("./remove.ts") },
    { name: "export", about: "write papers as JSONL or BibTeX", load: () => import("./export.ts") },
    {
      name: "serve",
      about: "read the collection in a browser on this machine",
      load: () => import("./serve.ts"),
    },
  ],
};
