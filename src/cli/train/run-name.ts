import { join } from "node:path";

/** `runs/2026-11-22-120000-NAME`, in local time: runs sort by age. */
export function defaultRunFolder(name: string): string {
  const now = new Date();
  const [day, time] = [
    [now.getFullYear(), now.getMonth() + 1, now.getDate()],
    [now.getHours(), now.getMinutes(), now.getSeconds()],
  ].map((parts) => parts.map((n) => String(n).padStart(2, "0")));
  return join("runs", `${day?.join("-")}-${time?.join("")}-${name}`);
}
