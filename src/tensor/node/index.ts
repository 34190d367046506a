// What needs Node: files. The rest of the room is `athanor/tensor`.
export { saveOnnx } from "./export.ts";
