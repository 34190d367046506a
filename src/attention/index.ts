export { attend, type AttendOptions, repeatHeads } from "./dense.ts";
