// What needs Node: files on disk. The rest of the room is `athanor/files`.
export type { Chunks } from "../folder.ts";
export { writeFileAtomic } from "./atomic.ts";
export { openSafetensors, writeSafetensors } from "./safetensors.ts";
