// What needs Node: stores, files and imports. The rest of the room is `athanor/papers`.
export {
  fileSource,
  type Imported,
  type ImportOptions,
  importPapers,
  type Source,
} from "./import.ts";
export { readBibtexFile } from "./bibtex-file.ts";
export { readJsonl } from "./jsonl.ts";
export { openSearchStore, type SearchStoreOptions } from "./opensearch/store.ts";
export { openStore } from "./sqlite/store.ts";
