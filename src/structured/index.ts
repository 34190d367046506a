export { monarch, type MonarchConfig, type MonarchParams } from "./monarch.ts";
