// What needs Node: files. The rest of the room is `athanor/tensor`.
export { type SavedOnnx, saveOnnx } from "./export.ts";
